"""Ed25519 (RFC 8032), strict: no second spelling of a point or a number, nothing of small order."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from refused import Refused

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def _decompress(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        raise Refused("a second spelling of a point")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        raise Refused("not on the curve")
    if x == 0 and sign:
        raise Refused("a second spelling of a point")
    return (P - x if x & 1 != sign else x), y


def _double(point):
    x, y = point
    product = D * x * x * y * y % P
    return (
        2 * x * y * pow(1 + product, -1, P) % P,
        (y * y + x * x) * pow(1 - product, -1, P) % P,
    )


def _check_point(data):
    point = _decompress(data)
    for _ in range(3):
        point = _double(point)
    if point == (0, 1):
        raise Refused("of small order")


def check_public(data):
    if len(data) != 32:
        raise Refused("a key has 32 bytes")
    _check_point(data)


def public(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(seed, message):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(key, message, signature):
    check_public(key)
    if len(signature) != 64:
        raise Refused("a signature has 64 bytes")
    _check_point(signature[:32])
    if int.from_bytes(signature[32:], "little") >= L:
        raise Refused("a second spelling of a number")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature as error:
        raise Refused("signature") from error
