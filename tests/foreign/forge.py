"""A good bundle signed anew with keys made here, so that deeds may sign whatever a party could sign."""

import hashlib
import json

import verify
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HER_LOG, SHOP_LOG, SHOP, HER, STRANGER = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 6)]


def public(key):
    return verify.encode(key.public_key().public_bytes_raw())


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(kind, payload, signers, iat):
    """A document of this type, signed by each role with its key."""
    text, parts = verify.encode(canonical(payload)), []
    for role, key in sorted(signers.items()):
        kid = verify.sha(key.public_key().public_bytes_raw(), label=b"besace keys/v1 key id")[:16]
        header = {"alg": "Ed25519", "iat": iat, "kid": verify.encode(kid), "role": role, "typ": f"besace-{kind}+jws"}
        protected = verify.encode(canonical(header))
        parts.append({"protected": protected, "signature": verify.encode(key.sign(f"{protected}.{text}".encode()))})
    return canonical({"payload": text, "signatures": parts})


def read(record):
    """Payload and headers of a signed record; nothing for another."""
    value = json.loads(record)
    if "signatures" not in value:
        return None
    headers = [json.loads(verify.decode(part["protected"])) for part in value["signatures"]]
    return json.loads(verify.decode(value["payload"])), headers


def digest(record):
    """Of the payload, by which other documents name it."""
    return verify.encode(hashlib.sha256(verify.decode(json.loads(record)["payload"])).digest())


def signed_anew(record, keys=None, **members):
    """The same document with other members."""
    payload, headers = read(record)
    keys = {"controller": SHOP, "subject": HER} | (keys or {})
    signers = {header["role"]: keys[header["role"]] for header in headers}
    return sign(headers[0]["typ"][7:-4], {**payload, **members}, signers, headers[0]["iat"])


def forge(hers, shop, papers, policy, swap=()):
    """Changes both books, the documents and the policy: each key becomes one of ours, and each digest follows; `swap` has further
    words that become others."""
    pinned = policy["controllers"][0]
    grants = [read(entry[1])[0] for entry in shop.entries if isinstance(entry, tuple) and b"subject_log_key" in verify.decode(
        json.loads(entry[1]).get("payload", ""))]
    swap = {**dict(swap), pinned["key"]: public(SHOP), pinned["log_key"]: public(SHOP_LOG)}
    for grant in grants:
        swap |= {grant["subject_key"]: public(HER), grant["subject_log_key"]: public(HER_LOG)}
    pinned.update(key=public(SHOP), log_key=public(SHOP_LOG))

    def anew(record):
        text = (canonical(read(record)[0]) if read(record) else record).decode()
        for old, new in swap.items():
            text = text.replace(old, new)
        if not read(record):
            return text.encode()
        renewed = signed_anew(record, **json.loads(text))
        swap[digest(record)] = digest(renewed)
        return renewed

    for name, data in list(papers.items()):
        if b'"signatures"' in data:
            renewed = anew(papers.pop(name))
            old, new = (hashlib.sha256(one).digest() for one in (data, renewed))
            papers[f"documents/{new.hex()}"] = renewed
            swap[verify.encode(old)] = verify.encode(new)
    for book in (shop, hers):
        book.entries = [(entry[0], anew(entry[1])) if isinstance(entry, tuple) else entry for entry in book.entries]
