"""Key slots, the words of a recovery kit, key files of devices. spec/vault.md#slots

The lists in words/ are those of BIP-39 as published; their digests stand below.
"""

import hashlib
import hmac
import json
import pathlib
import re
import unicodedata

import bech32
import hpke
import topic_id
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from encoding import from_base64url, label
from refused import Refused

WORDS = pathlib.Path(__file__).resolve().parent / "words"
DIGESTS = {
    "french": "ebc3959ab7801a1df6bac4fa7d970652f1df76b683cd2f4003c941c63d517e59",
    "english": "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda",
}
WEAKEST = {"iterations": 2, "lanes": 1, "memory_kib": 19 << 10}
STRONGEST = {"iterations": 16, "lanes": 16, "memory_kib": 1 << 20}
MOST = {"passphrase": 4, "kit": 4, "device": 8}
MEMBERS = {
    "passphrase": {"id", "kdf", "kind", "nonce", "salt", "tag", "wrapped"},
    "kit": {"id", "kind", "nonce", "proven", "recipient", "seal", "tag", "wrapped"},
    "device": {"id", "kind", "nonce", "tag", "wrapped"},
}


def word_list(name):
    data = (WORDS / f"{name}.txt").read_bytes()
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise ValueError(f"words/{name}.txt is not the published list")
    return data.decode().split()


def fold(text):
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def spell(kit, language):
    number = int.from_bytes(kit, "big") << 5 | hashlib.sha256(kit).digest()[0] >> 3
    words = word_list(language)
    return [unicodedata.normalize("NFC", words[number >> 11 * (14 - i) & 2047]) for i in range(15)]


def read_kit(text):
    if len(text.encode()) > 1024:
        raise Refused("too long for a kit")
    text = text.strip()
    if text.lower().startswith("besace-kit-"):
        kit = bech32.decode("besace-kit-", text, bech32.BECH32M)
        if len(kit) != 20:
            raise Refused("not 160 bits")
        return kit
    typed = re.findall("[a-z]+", fold(text))
    if len(typed) != 15:
        raise Refused(f"{len(typed)} words")
    for language in DIGESTS:
        words = [fold(word) for word in word_list(language)]
        if all(word in words for word in typed):
            number = 0
            for word in typed:
                number = number << 11 | words.index(word)
            kit = (number >> 5).to_bytes(20, "big")
            if hashlib.sha256(kit).digest()[0] >> 3 == number & 31:
                return kit
    raise Refused("not words that belong together")


def read_device(text):
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(text.encode()) > 4096 or len(lines) != 1:
        raise Refused("not one key")
    key = bech32.decode("besace-device-key-", lines[0], bech32.BECH32M)
    if len(key) != 32:
        raise Refused("not 32 bytes")
    return key


def hkdf(key, text, fields=b""):
    return hpke.expand(hpke.extract(b"", key), label(text) + fields, 32)


def kit_recipient(kit):
    secret = hkdf(kit, "besace keys/v1 kit backup")
    return bech32.encode("age", hpke.public(secret), bech32.BECH32)


def _hchacha(key, nonce):
    state = [int.from_bytes((b"expand 32-byte k" + key + nonce)[i : i + 4], "little") for i in range(0, 64, 4)]

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = state[x] + state[y] & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << turn | mixed >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return b"".join(word.to_bytes(4, "little") for word in state[:4] + state[12:])


def aead(key, nonce):
    """XChaCha20-Poly1305: a cipher, and the nonce that is left for it."""
    return ChaCha20Poly1305(_hchacha(key, nonce[:16])), bytes(4) + nonce[16:]


def names(vault, slot):
    return topic_id.parse(vault, "vault") + topic_id.parse(slot, "slot")


def wrapping(slot, vault, secret):
    """The key of a slot, and its associated data."""
    both = names(vault, slot["id"])
    if slot["kind"] == "passphrase":
        kdf = slot["kdf"]
        key = Argon2id(
            salt=from_base64url(slot["salt"]), length=32, iterations=kdf["iterations"],
            lanes=kdf["lanes"], memory_cost=kdf["memory_kib"],
        ).derive(secret)
        numbers = (kdf["memory_kib"], kdf["iterations"], kdf["lanes"])
        bound = label("besace keys/v1 slot") + both + b"".join(n.to_bytes(4, "big") for n in numbers)
        return key, bound
    text = f"besace keys/v1 {slot['kind']} slot"
    extra = slot["recipient"].encode() if slot["kind"] == "kit" else b""
    return hkdf(secret, text, both), label(text) + both + extra


def seal(slot, vault, root):
    fields = names(vault, slot["id"]) + slot.get("made_at", 0).to_bytes(8, "big")
    fields += bytes([slot["proven"]]) + slot["recipient"].encode()
    text = "besace keys/v1 slot seal"
    return hmac.digest(hkdf(root, text), label(text) + fields, hashlib.sha256)


def parse(body):
    if len(body) > 16 << 10:
        raise Refused("too long")
    try:
        file = json.loads(body)
    except ValueError as error:
        raise Refused("not JSON") from error
    if json.dumps(file, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() != body:
        raise Refused("not canonical")
    if set(file) != {"slots", "v", "vault"} or file["v"] not in (1, 2):
        raise Refused("not a slot file")
    topic_id.parse(file["vault"], "vault")
    ids = [slot["id"] for slot in file["slots"]]
    if not 1 <= len(ids) <= 16 or len(set(ids)) < len(ids):
        raise Refused("slots contradict each other")
    for slot in file["slots"]:
        kind = slot.get("kind")
        if kind not in MEMBERS or set(slot) - {"made_at"} != MEMBERS[kind]:
            raise Refused("members of no kind of slot")
        if file["v"] == 1 and (kind != "passphrase" or "made_at" in slot):
            raise Refused("not of version 1")
        if "made_at" in slot and (type(slot["made_at"]) is not int or slot["made_at"] < 0):
            raise Refused("not a time")
        for name, size in (("nonce", 24), ("tag", 16), ("wrapped", 32), ("salt", 16), ("seal", 32)):
            if name in slot and len(from_base64url(slot[name])) != size:
                raise Refused(f"another length of {name}")
        for name, number in slot.get("kdf", {}).items():
            if not WEAKEST[name] <= number <= STRONGEST[name]:
                raise Refused(f"{name} is out of bounds")
        if kind == "kit":
            if type(slot["proven"]) is not bool or slot["recipient"] != slot["recipient"].lower():
                raise Refused("another spelling")
            if len(bech32.decode("age", slot["recipient"], bech32.BECH32)) != 32:
                raise Refused("not a recipient")
    for kind, most in MOST.items():
        if sum(slot["kind"] == kind for slot in file["slots"]) > most:
            raise Refused(f"too many of {kind}")
    return file


def unwrap(file, kind, secret):
    for slot in file["slots"]:
        if slot["kind"] != kind:
            continue
        key, bound = wrapping(slot, file["vault"], secret)
        cipher, nonce = aead(key, from_base64url(slot["nonce"]))
        sealed = from_base64url(slot["wrapped"]) + from_base64url(slot["tag"])
        try:
            return cipher.decrypt(nonce, sealed, bound)
        except InvalidTag:
            continue
    raise Refused("no slot opens")


def _words(header, body):
    kit = read_kit(body.decode())
    if kit.hex() != header["kit"]:
        raise Refused("another kit")
    if spell(kit, "french") != header["french"].split() or spell(kit, "english") != header["english"].split():
        raise Refused("other words")
    if bech32.encode("besace-kit-", kit, bech32.BECH32M).upper() != header["code"]:
        raise Refused("another code")
    if kit_recipient(kit) != header["recipient"]:
        raise Refused("another recipient")


def _device(header, body):
    if read_device(body.decode()).hex() != header["key"]:
        raise Refused("another key")


def _file(header, body):
    file = parse(body)
    read = {"passphrase": str.encode, "kit": read_kit, "device": read_device}[header["secret"]]
    root = unwrap(file, header["secret"], read(header["shown"]))
    if root.hex() != header["root"]:
        raise Refused("another root")
    recipients = [
        slot["recipient"] for slot in file["slots"]
        if slot["kind"] == "kit" and slot["proven"]
        and seal(slot, file["vault"], root) == from_base64url(slot["seal"])
    ]
    if " ".join(recipients) != header["recipients"].replace("none", ""):
        raise Refused("backups go elsewhere")


def check(header, body):
    {"words": _words, "device": _device, "file": _file}[header["figure"]](header, body)
