"""The strict profile of JWS. spec/encoding.md#signed-documents"""

import ed25519
import topic_json
from encoding import from_base64url, to_base64url
from refused import Refused
from topic_keys import key_id

ROLES = ["controller", "delegate", "subject", "successor"]
TYPES = {
    "besace-acknowledgement+jws": {"controller"},
    "besace-agreement+jws": {"controller"},
    "besace-call+jws": {"subject"},
    "besace-catalogue+jws": {"controller"},
    "besace-continuation+jws": {"subject", "successor"},
    "besace-delegate-call+jws": {"delegate"},
    "besace-disclosure+jws": {"subject"},
    "besace-erasure+jws": {"controller"},
    "besace-grant+jws": {"controller", "subject"},
    "besace-mandate+jws": {"subject"},
    "besace-mandate-withdrawal+jws": {"subject"},
    "besace-manifest+jws": {"controller"},
    "besace-objection+jws": {"subject"},
    "besace-opening+jws": {"controller"},
    "besace-proposal+jws": {"controller", "subject"},
    "besace-refusal+jws": {"controller", "subject"},
    "besace-release+jws": {"subject"},
    "besace-request+jws": {"controller"},
    "besace-restoration+jws": {"controller"},
    "besace-revocation+jws": {"controller"},
    "besace-use-statement+jws": {"controller"},
    "besace-voucher-keys+jws": {"controller"},
    "besace-withdrawal+jws": {"subject"},
}
HEADER_LEN_MAX = 256
LEN_MAX = 8 << 20


def _members(value, names):
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise Refused(f"not exactly the members {names}")
    return value


def _text(value):
    if not isinstance(value, str):
        raise Refused("not a text")
    return value


def _header(text):
    header = _members(
        topic_json.parse_exact(from_base64url(text), HEADER_LEN_MAX),
        ["alg", "iat", "kid", "role", "typ"],
    )
    iat = header["iat"]
    if not isinstance(iat, int) or isinstance(iat, bool) or iat < 0:
        raise Refused("iat is not a time")
    if header["alg"] != "Ed25519":
        raise Refused("another algorithm")
    if header["role"] not in ROLES or header["typ"] not in TYPES:
        raise Refused("another role or type")
    if len(from_base64url(_text(header["kid"]))) != 16:
        raise Refused("not a key id")
    return header


def parse(body, limit=LEN_MAX):
    """Payload text and [(protected text, header, signature)] of a well-formed JWS."""
    jws = _members(topic_json.parse_exact(body, limit), ["payload", "signatures"])
    from_base64url(_text(jws["payload"]))
    if not isinstance(jws["signatures"], list) or not jws["signatures"]:
        raise Refused("no signatures")
    parts = []
    for part in jws["signatures"]:
        _members(part, ["protected", "signature"])
        protected = _text(part["protected"])
        signature = from_base64url(_text(part["signature"]))
        if len(signature) != 64:
            raise Refused("a signature has 64 bytes")
        parts.append((protected, _header(protected), signature))
    order = [ROLES.index(header["role"]) for _, header, _ in parts]
    if order != sorted(set(order)):
        raise Refused("roles twice or out of order")
    if len({header["typ"] for _, header, _ in parts}) != 1:
        raise Refused("types mixed")
    return jws["payload"], parts


def verify(body, typ, signers, limit=LEN_MAX):
    """Payload bytes, when exactly `signers` ({role: public key}) signed a document of type `typ`."""
    payload, parts = parse(body, limit)
    if parts[0][1]["typ"] != typ:
        raise Refused("another type")
    roles = {header["role"] for _, header, _ in parts}
    if roles != set(signers) or not roles <= TYPES[typ]:
        raise Refused("signed by other roles")
    if len(set(signers.values())) != len(signers):
        raise Refused("one key in two roles")
    for protected, header, signature in parts:
        key = signers[header["role"]]
        if key_id(key) != header["kid"]:
            raise Refused("another key")
        ed25519.verify(key, f"{protected}.{payload}".encode(), signature)
    payload = from_base64url(payload)
    topic_json.parse_exact(payload, len(payload))
    return payload


def sign(payload, typ, seeds, times):
    """The one spelling of a document signed with `seeds` ({role: seed}) at `times` ({role: iat})."""
    text = to_base64url(payload)
    signatures = []
    for role in ROLES:
        if role not in seeds:
            continue
        kid = key_id(ed25519.public(seeds[role]))
        header = {"alg": "Ed25519", "iat": times[role], "kid": kid, "role": role, "typ": typ}
        protected = to_base64url(topic_json.canonical(header))
        signature = ed25519.sign(seeds[role], f"{protected}.{text}".encode())
        signatures.append({"protected": protected, "signature": to_base64url(signature)})
    return topic_json.canonical({"payload": text, "signatures": signatures})


def check(header, body):
    signers = {role: from_base64url(header[role]) for role in ROLES if role in header}
    payload = verify(body, header["typ"], signers)
    if payload != header["payload"].encode():
        raise Refused("another payload")
    if any(f"{role}-seed" in header for role in ROLES):
        seeds = {role: bytes.fromhex(header[f"{role}-seed"]) for role in signers}
        times = {role: int(header[f"{role}-time"]) for role in signers}
        if sign(payload, header["typ"], seeds, times) != body:
            raise Refused("signs to other bytes")
