"""HPKE mode Auth (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; one message."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from refused import Refused

KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")
SUITE = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x0020, 0x0001, 0x0003))
MODE_AUTH = b"\x02"


def public(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def exchange(secret, other):
    try:
        key = X25519PublicKey.from_public_bytes(other)
        return X25519PrivateKey.from_private_bytes(secret).exchange(key)
    except ValueError as error:  # wrong length, or the result is zero
        raise Refused("not a key that contributes") from error


def extract(salt, material):
    return hmac.digest(salt or bytes(32), material, hashlib.sha256)


def expand(key, info, length):
    return HKDFExpand(SHA256(), length, info).derive(key)


def _labelled_extract(suite, salt, name, material):
    return extract(salt, b"HPKE-v1" + suite + name + material)


def _labelled_expand(suite, key, name, info, length):
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + name + info, length)


def key_and_nonce(shared, info):
    """KeyScheduleS/R of section 5.1 without a pre-shared key; the nonce is that of message 0."""
    psk_id = _labelled_extract(SUITE, b"", b"psk_id_hash", b"")
    info_hash = _labelled_extract(SUITE, b"", b"info_hash", info)
    context = MODE_AUTH + psk_id + info_hash
    secret = _labelled_extract(SUITE, shared, b"secret", b"")
    return (
        _labelled_expand(SUITE, secret, b"key", context, 32),
        _labelled_expand(SUITE, secret, b"base_nonce", context, 12),
    )


def open_auth(encapsulated, recipient, sender, info, aad, ciphertext):
    """AuthDecap of section 4.1, then the key schedule, then the first message."""
    exchanged = exchange(recipient, encapsulated) + exchange(recipient, sender)
    context = encapsulated + public(recipient) + sender
    prk = _labelled_extract(KEM_SUITE, b"", b"eae_prk", exchanged)
    shared = _labelled_expand(KEM_SUITE, prk, b"shared_secret", context, 32)
    key, nonce = key_and_nonce(shared, info)
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag as error:
        raise Refused("does not open") from error
