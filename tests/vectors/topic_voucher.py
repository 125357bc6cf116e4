"""Keys of a week, tokens, batches, presentations. spec/redemption.md

Header: `kind` says what the body is. `key`: a public key in hexadecimal. `keys`: the signed keys of a week, read
for `domain` and `week` with `controller-key`. `presentation`: hexadecimal, read at `now` with `keys` (base64url) of
those. `batch`: a pending batch in hexadecimal; `response` are the issuer's signatures, `secrets` its private keys
(PKCS #8) where the answer is made again. `token`: RFC 9578's figures under their names there, the body being the token.
`rfc9474`: RFC 9474's, the body being `sig`; its key of 4,096 bits is none that we take.
"""

import hashlib
import math

import topic_json
import topic_jws
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from encoding import from_base64url, label, to_base64url
from refused import Refused
from topic_offers import integer, localized, match, members, require
from topic_till import to_base45

DAY = 86_400
KEYS_LEN_MAX = 64 << 10
SPKI_HEAD = bytes.fromhex(
    "30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d"
    "010108300b0609608648016503040202a2030201300382010f003082010a0282010100"
)
SPKI_TAIL = bytes.fromhex("0203010001")
EXPONENT = 65537


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def modulus(spki):
    require(len(spki) == 342, "length of a key")
    require(spki.startswith(SPKI_HEAD) and spki.endswith(SPKI_TAIL), "another form of key")
    number = int.from_bytes(spki[81:337], "big")
    require(number.bit_length() == 2048 and number & 1, "not a modulus of 2048 bits")
    return number


def verify(n, message, signature, salt_len=48):
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA384()), salt_length=salt_len)
    try:
        rsa.RSAPublicNumbers(EXPONENT, n).public_key().verify(
            signature, message, pss, hashes.SHA384()
        )
    except InvalidSignature as error:
        raise Refused("signature") from error


def emsa_pss(message, salt, em_bits):
    """RFC 8017, section 9.1.1, with SHA-384."""
    em_len = (em_bits + 7) // 8
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(em_len - len(salt) - 48 - 2) + b"\x01" + salt
    mask = b"".join(
        hashlib.sha384(digest + counter.to_bytes(4, "big")).digest()
        for counter in range(len(block) // 48 + 1)
    )
    masked = bytearray(a ^ b for a, b in zip(block, mask))
    masked[0] &= 0xFF >> (8 * em_len - em_bits)
    return bytes(masked) + digest + b"\xbc"


def blind(n, message, salt, factor):
    encoded = int.from_bytes(emsa_pss(message, salt, n.bit_length() - 1), "big")
    assert math.gcd(encoded, n) == 1
    return encoded * pow(factor, EXPONENT, n) % n


def finalize(n, message, inverse, blind_signature):
    signature = blind_signature * inverse % n
    signature = signature.to_bytes((n.bit_length() + 7) // 8, "big")
    verify(n, message, signature)
    return signature


def challenge(issuer, context, origin):
    parts = [b"\x00\x02", len(issuer).to_bytes(2, "big"), issuer, bytes([len(context)]), context]
    return b"".join([*parts, len(origin).to_bytes(2, "big"), origin])


def class_challenge(domain, week, number):
    domain = domain.encode("ascii")
    where = sha256(domain) + week.to_bytes(4, "big") + bytes([number])
    context = sha256(label("besace voucher/v1 context"), where)
    return sha256(challenge(domain, context, domain))


def money(value):
    members(value, ["currency", "minor"])
    match(value["currency"], "[A-Z]{3}")
    integer(value["minor"], 1)


def benefit(value):
    require(isinstance(value, dict) and len(value) == 1, "not one benefit")
    [(kind, content)] = value.items()
    if kind == "amount_off":
        money(content)
    elif kind == "percent_off":
        integer(content, 1, 90)
    elif kind == "gift":
        localized(content, 80)
    else:
        raise Refused("a voucher does not give this")


class Keys:
    """The signed keys of a week."""

    def __init__(self, body, domain, week, controller_key):
        jws = topic_jws.verify(body, "besace-voucher-keys+jws", {"controller": controller_key}, KEYS_LEN_MAX)
        value = topic_json.parse_exact(jws, KEYS_LEN_MAX)
        members(value, ["batch", "classes", "controller", "issued", "v", "week"])
        require(integer(value["v"], 1, 255) == 1, "version")
        self.batch = integer(value["batch"], 1, 8)
        integer(value["week"], 0, 2**32 - 1)
        integer(value["issued"], 0)
        require(isinstance(value["classes"], list), "no list")
        require(1 <= len(value["classes"]) <= 16, "number of classes")
        require(len(value["classes"]) * self.batch <= 64, "vouchers of a batch")
        numbers, spkis = [], []
        for entry in value["classes"]:
            members(entry, ["benefit", "class", "spki"], ["minimum"])
            benefit(entry["benefit"])
            numbers.append(integer(entry["class"], 0, 15))
            spkis.append(from_base64url(match(entry["spki"], "[A-Za-z0-9_-]*")))
            modulus(spkis[-1])
            if "minimum" in entry:
                money(entry["minimum"])
                off = entry["benefit"].get("amount_off", entry["minimum"])
                require(off["currency"] == entry["minimum"]["currency"], "two currencies")
        require(numbers == sorted(set(numbers)), "classes out of order or twice")
        require(len(set(spkis)) == len(spkis), "a key twice")
        monday = max(7 * (value["week"] + 1) - 3, 0) * DAY
        require(value["issued"] < monday, "made after its week")
        require(value["controller"] == domain, "another retailer")
        require(value["week"] == week, "another week")
        self.week = week
        self.digest = sha256(jws)
        self.classes = {
            sha256(spki): (number, modulus(spki), class_challenge(domain, week, number))
            for number, spki in zip(numbers, spkis)
        }

    def slots(self):
        """(token_key_id, class, modulus, challenge digest) of every voucher of a batch."""
        for key_id, entry in self.classes.items():
            for _ in range(self.batch):
                yield key_id, *entry


def keys_of(header):
    body = from_base64url(header["keys"])
    return Keys(body, header["domain"], int(header["week"]), bytes.fromhex(header["controller-key"]))


def check_key(header, body):
    spki = bytes.fromhex(body.decode())
    modulus(spki)
    require(sha256(spki).hex() == header["key-id"], "another name")


def check_keys(header, body):
    Keys(body, header["domain"], int(header["week"]), bytes.fromhex(header["controller-key"]))


def check_presentation(header, body):
    shown, keys, now = bytes.fromhex(body.decode()), keys_of(header), int(header["now"])
    require(len(shown) == 355, "length")
    require(shown[0] == 1 and shown[1:3] == b"\x00\x02", "version or token type")
    token_input, signature = shown[1:99], shown[99:]
    digest, key_id = token_input[34:66], token_input[66:]
    require(key_id in keys.classes, "another key")
    number, n, expected = keys.classes[key_id]
    require(digest == expected, "made for something else")
    verify(n, token_input, signature)
    opens = max(7 * keys.week - 3, 0) * DAY
    closes = (max(7 * (keys.week + 1) - 3, 0) + 1) * DAY
    require(opens <= now < closes, "not its week")
    require(number == int(header["class"]), "another class")
    nullifier = sha256(label("besace voucher/v1 nullifier"), token_input)
    require(nullifier.hex() == header["nullifier"], "another nullifier")
    require(to_base45(shown) == header["text"], "another text")


def check_batch(header, body):
    pending, keys = bytes.fromhex(body.decode()), keys_of(header)
    require(len(pending) >= 37 and pending[0] == 1, "not a pending batch")
    require(int.from_bytes(pending[1:5], "big") == keys.week, "another week")
    require(pending[5:37] == keys.digest, "other keys")
    slots = list(keys.slots())
    require(len(pending) == 37 + 544 * len(slots), "another number of vouchers")
    parts = [pending[at : at + 544] for at in range(37, len(pending), 544)]
    blinded = [part[288:] for part in parts]
    require([b.hex() for b in blinded] == header["request"].split(" "), "another request")
    response = [bytes.fromhex(text) for text in header["response"].split(" ")]
    require([len(r) for r in response] == [256] * len(slots), "another number of signatures")
    if "secrets" in header:
        for (_, _, n, _), message, signature in zip(slots, blinded, response):
            signed = pow(int.from_bytes(message, "big"), secret_exponent(header, n), n)
            require(signed.to_bytes(256, "big") == signature, "signs to something else")
    vouchers = []
    for (key_id, _, n, digest), part, signature in zip(slots, parts, response):
        token_input = b"\x00\x02" + part[:32] + digest + key_id
        inverse = int.from_bytes(part[32:288], "big")
        token = finalize(n, token_input, inverse, int.from_bytes(signature, "big"))
        vouchers.append((b"\x01" + token_input + token).hex())
    require(vouchers == header["vouchers"].split(" "), "other vouchers")


def secret_exponent(header, n):
    for text in header["secrets"].split(" "):
        numbers = load_der_private_key(bytes.fromhex(text), None).private_numbers()
        if numbers.public_numbers.n == n:
            return numbers.d
    raise KeyError("no private key of this class")


def check_token(header, body):
    token, spki = bytes.fromhex(body.decode()), bytes.fromhex(header["pks"])
    n = modulus(spki)
    context = bytes.fromhex(header.get("redemption-context", ""))
    made = challenge(header["issuer-name"].encode(), context, header.get("origin-info", "").encode())
    require(made.hex() == header["token-challenge"], "another challenge")
    token_input = b"\x00\x02" + bytes.fromhex(header["nonce"]) + sha256(made) + sha256(spki)
    factor = int(header["blind"], 16)
    blinded = blind(n, token_input, bytes.fromhex(header["salt"]), factor)
    require(f"{blinded:0512x}" == header["blinded-msg"], "another blinded message")
    secret = load_der_private_key(bytes.fromhex(header["sks"]), None).private_numbers().d
    signed = pow(blinded, secret, n)
    require(f"{signed:0512x}" == header["token-response"], "another response")
    require(token_input + finalize(n, token_input, pow(factor, -1, n), signed) == token, "another token")


def check_rfc9474(header, body):
    n, d, inverse = (int(header[name], 16) for name in ("n", "d", "inv"))
    require(n == int(header["p"], 16) * int(header["q"], 16), "another modulus")
    message = bytes.fromhex(header["msg"])
    blinded = blind(n, message, bytes.fromhex(header["salt"]), pow(inverse, -1, n))
    require(f"{blinded:01024x}" == header["blinded-msg"], "another blinded message")
    signed = pow(blinded, d, n)
    require(f"{signed:01024x}" == header["blind-sig"], "another blind signature")
    require(finalize(n, message, inverse, signed) == bytes.fromhex(body.decode()), "another signature")


KINDS = {
    "key": check_key,
    "keys": check_keys,
    "presentation": check_presentation,
    "batch": check_batch,
    "token": check_token,
    "rfc9474": check_rfc9474,
}


def check(header, body):
    KINDS[header["kind"]](header, body)
