"""Labels, derivations, key names, signatures, sealed messages. spec/keys.md"""

import hashlib
import re

import ed25519
import hpke
import topic_id
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from encoding import from_base64url, label, to_base64url
from refused import Refused

LABEL = re.compile(r"besace [a-z]+/v[1-9][0-9]* [a-z0-9]+( [a-z0-9]+)*", re.ASCII)


def derive(root, text, *fields):
    """HKDF-SHA256 with an empty salt, info = Label || fields, 32 bytes."""
    return hpke.expand(hpke.extract(b"", root), label(text) + b"".join(fields), 32)


def key_id(public):
    return to_base64url(hashlib.sha256(label("besace keys/v1 key id") + public).digest()[:16])


def _same(what, left, right):
    if left != right:
        raise Refused(f"another {what}")


def _hex(header, name):
    return bytes.fromhex(header[name])


def _label(header, body):
    text = body.decode()
    if not LABEL.fullmatch(text) or len(text) > 255:
        raise Refused("not a label")
    _same("label", label(text), _hex(header, "bytes"))


def _derived(header, _body):
    what, root = header["what"], _hex(header, "root")
    fields = []
    if what.startswith("pairwise"):
        domain = header["domain"].encode()
        generation = topic_id.parse(header["generation"], "generation")
        facet = int(header["facet"]).to_bytes(2, "big")
        fields = [len(domain).to_bytes(2, "big"), domain, facet, generation]
    if what in ("vault log", "pairwise log"):
        fields.append(topic_id.parse(header["log"], "log"))
    if what == "mandate signing":
        fields.append(topic_id.parse(header["mandate"], "mandate"))
    if what == "inbox filler":
        fields.append(int(header["number"]).to_bytes(1, "big"))
    secret = derive(root, f"besace keys/v1 {what}", *fields)
    _same("secret", secret, _hex(header, "secret"))
    if what in ("vault log", "pairwise signing", "pairwise log", "mandate signing"):
        _same("public key", to_base64url(ed25519.public(secret)), header["public"])
    elif what in ("pairwise sealing", "inbox"):
        _same("public key", to_base64url(hpke.public(secret)), header["public"])


def _verifying_key(header, body):
    key = from_base64url(body.decode())
    ed25519.check_public(key)
    _same("key id", key_id(key), header["key-id"])


def _sealing_key(_header, body):
    key = from_base64url(body.decode())
    if len(key) == 32 and int.from_bytes(key, "little") >= ed25519.P:
        raise Refused("a second spelling of a key")
    # Any secret will do: a point of small order gives zero with all of them.
    hpke.exchange(bytes([0x40] * 32), key)


def _signature(header, body):
    public = _hex(header, "public")
    if "seed" in header:
        _same("public key", ed25519.public(_hex(header, "seed")), public)
        signature = ed25519.sign(_hex(header, "seed"), body)
        _same("signature", signature, _hex(header, "signature"))
    ed25519.verify(public, body, _hex(header, "signature"))


def _hkdf(header, _body):
    prk = hpke.extract(_hex(header, "salt"), _hex(header, "ikm"))
    okm = _hex(header, "okm")
    _same("output", hpke.expand(prk, _hex(header, "info"), len(okm)), okm)


def _aes128(header, _body):
    cipher = Cipher(algorithms.AES128(_hex(header, "key")), modes.ECB()).encryptor()
    _same("block", cipher.update(_hex(header, "block")), _hex(header, "output"))


def _hpke(header, body):
    plaintext = hpke.open_auth(
        _hex(header, "encapsulated"),
        _hex(header, "recipient-secret"),
        _hex(header, "sender"),
        _hex(header, "info"),
        _hex(header, "aad"),
        _hex(header, "ciphertext"),
    )
    _same("plaintext", plaintext, body)


def _sealed(header, body):
    sender, recipient = _hex(header, "sender"), _hex(header, "recipient-secret")
    info = label("besace seal/v1 message") + sender + hpke.public(recipient)
    plaintext = hpke.open_auth(
        _hex(header, "encapsulated"),
        recipient,
        sender,
        info,
        header["context"].encode(),
        _hex(header, "ciphertext"),
    )
    _same("plaintext", plaintext, body)


FIGURES = {
    "label": _label,
    "derived": _derived,
    "verifying-key": _verifying_key,
    "sealing-key": _sealing_key,
    "signature": _signature,
    "hkdf-sha256": _hkdf,
    "aes128": _aes128,
    "hpke-auth": _hpke,
    "sealed": _sealed,
}


def check(header, body):
    FIGURES[header["figure"]](header, body)
