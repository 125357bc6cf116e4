"""Presence: keys, ephemeral identifiers, shop chains, frames on air. spec/presence.md"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from refused import Refused

EPOCH, SLOT, DAY = 600, 60, 86400


def label(text):
    """Label(x): one length byte, then the ASCII text."""
    return bytes([len(text)]) + text.encode("ascii")


def be(number, size):
    return number.to_bytes(size, "big")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def aes(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def rolling(key, prefix, number):
    return aes(key, prefix.ljust(12, b"\0") + number.to_bytes(4, "little"))


def hkdf(key, info, size):
    return HKDF(SHA256(), size, salt=None, info=info).derive(key)


def expand(key, text, size):
    return HKDFExpand(SHA256(), size, label(text)).derive(key)


def day_key(root, scope, day):
    scope = sha256(label("besace presence/v1 scope"), scope.encode("utf-8"))[:8]
    return hkdf(root, label("besace presence/v1 day key") + scope + be(day, 4), 32)


def released(key, till):
    keys = expand(key, "besace presence/v1 locator", 16) + expand(key, "besace presence/v1 binder", 32)
    return keys + (expand(key, "besace presence/v1 till", 32) if till else b"")


def commitment(handle, day, kind, keys):
    return sha256(label("besace presence/v1 commit"), handle, be(day, 4), bytes([kind]), sha256(keys))


def locator(keys, epoch):
    return rolling(keys[:16], b"BESACE-E", epoch)[:12]


def binder(keys, epoch, where, nonce):
    message = label("besace presence/v1 binder") + be(epoch, 4) + where + nonce
    return hmac.digest(keys[16:48], message, "sha256")[:4]


def ephemeral_id(keys, epoch, nonce):
    where = locator(keys, epoch)
    return where + binder(keys, epoch, where, nonce)


def chain(domain, code, day, slot, value, steps):
    """The value `steps` slots before the one of `slot`."""
    prefix = label("besace presence/v1 shop") + sha256(domain.encode("ascii")) + code + be(day, 4)
    for i in range(slot - 1, slot - 1 - steps, -1):
        value = sha256(prefix, be(i, 2), value)[:16]
    return value


def fields(header, *names):
    return [bytes.fromhex(header[name]) for name in names]


def expect(what, ours, theirs):
    if ours != theirs:
        raise Refused(f"{what}: {ours}, expected {theirs}")


def check_keys(header, _body):
    root, handle = fields(header, "root", "handle")
    day = int(header["day"])
    key = day_key(root, header["scope"], day)
    for kind, name in ((1, "recognition"), (2, "till")):
        keys = released(key, kind == 2)
        expect(f"{name} keys", keys.hex(), header[f"{name}-keys"])
        expect(f"{name} commit", commitment(handle, day, kind, keys).hex(), header[f"{name}-commit"])


def check_token(header, _body):
    """Resolves a token as a retailer does, in one epoch and with the shop values it accepts."""
    token, root = fields(header, "token", "root")
    epoch = int(header["epoch"])
    keys = released(day_key(root, header["scope"], epoch // 144), False)
    if locator(keys, epoch) != token[:12]:
        raise Refused("not of this grant and epoch")
    values = [bytes.fromhex(value) for value in header["shop-values"].split(" ")]
    if token in [ephemeral_id(keys, epoch, value) for value in values]:
        expect("level", "1", header["level"])
    elif token == ephemeral_id(keys, epoch, bytes(16)):
        expect("level", "0", header["level"])
    else:
        raise Refused("bound to another shop or minute")


def check_shop(header, _body):
    anchor, value, code = fields(header, "anchor", "value", "code")
    day, clock = int(header["day"]), int(header["clock"])
    own = (clock - day * DAY) // SLOT + 1
    for slot in sorted(range(1, 1441), key=lambda slot: abs(slot - own)):
        if abs(slot - own) <= 60 and chain(header["domain"], code, day, slot, value, slot) == anchor:
            expect("slot", str(slot), header["slot"])
            expect("gesture", "yes" if abs(slot - own) > 2 else "no", header["gesture"])
            return
    raise Refused("not a frame of this shop and day")


def signed(byte):
    return byte - 256 if byte > 127 else byte


def sized(data, size):
    if len(data) != size:
        raise Refused("another length")
    return data


def read_ours(data):
    if data[:1] == b"\x10" and data[-1:] == b"\xf4":
        return f"identifier {sized(data, 18)[1:17].hex()}"
    if data[:1] == b"\x11":
        return f"shop {sized(data, 21)[1:5].hex()} {data[5:].hex()}"
    raise Refused("another version, kind or power")


def read_eddystone(data):
    kind = data[:1]
    if kind == b"\x00":
        if sized(data, 20)[18:] != b"\0\0":
            raise Refused("reserved bytes")
        return f"eddystone-uid {signed(data[1])} {data[2:12].hex()} {data[12:18].hex()}"
    if kind == b"\x10" and 4 <= len(data) <= 20 and data[2] < 4:
        schemes = ["http://www.", "https://www.", "http://", "https://"]
        names = [".com", ".org", ".edu", ".net", ".info", ".biz", ".gov"]
        endings = [name + "/" for name in names] + names
        url = schemes[data[2]]
        for byte in data[3:]:
            if not (byte < 14 or 0x21 <= byte <= 0x7E):
                raise Refused("not of an address")
            url += endings[byte] if byte < 14 else chr(byte)
        return f"eddystone-url {signed(data[1])} {url}"
    if data[:2] == b"\x20\x00":
        figures = struct.unpack(">HhII", sized(data, 14)[2:])
        return "eddystone-tlm " + " ".join(map(str, figures))
    if kind == b"\x30":
        return f"eddystone-eid {signed(sized(data, 10)[1])} {data[2:].hex()}"
    raise Refused("not a frame of Eddystone")


def read_structure(kind, data):
    """The frame in one structure, or None when it is none that we read."""
    if kind == 0x16 and data[:2] == b"\xff\xff":
        return read_ours(data[2:])
    if kind == 0x16 and data[:2] == b"\xaa\xfe":
        return read_eddystone(data[2:])
    if kind == 0xFF and data[:4] == b"\x4c\x00\x02\x15":
        uuid, major, minor, power = struct.unpack(">16sHHb", sized(data, 25)[4:])
        return f"ibeacon {uuid.hex()} {major} {minor} {power}"
    if kind == 0xFF and data[2:4] == b"\xbe\xac":
        company = int.from_bytes(data[:2], "little")
        return f"altbeacon {company} {sized(data, 26)[4:24].hex()} {signed(data[24])} {data[25]}"
    return None


def check_advertisement(header, _body):
    (rest,) = fields(header, "bytes")
    if len(rest) > 255:
        raise Refused("too long")
    frames, beside = [], 0
    while rest and rest[0]:
        length = rest[0]
        if len(rest) <= length:
            raise Refused("a structure beyond the end")
        frame = read_structure(rest[1], rest[2 : 1 + length])
        beside += rest[1] != 1
        frames += [frame] if frame else []
        rest = rest[1 + length :]
    if any(rest):
        raise Refused("not zeros after the last structure")
    if len(frames) != 1:
        raise Refused("not one frame")
    if frames[0].split(" ")[0] in ("identifier", "shop") and beside != 1:
        raise Refused("something beside our frame")
    expect("reads", frames[0], header["reads"])


def check_exposure_notification(header, body):
    key, metadata = fields(header, "exposure-key", "metadata")
    identifier_key, metadata_key = hkdf(key, b"EN-RPIK", 16), hkdf(key, b"EN-AEMK", 16)
    lines = body.decode("ascii").splitlines()
    expect("count", str(len(lines)), header["count"])
    for line in lines:
        j, theirs, encrypted = line.split(" ")
        ours = rolling(identifier_key, b"EN-RPI", int(header["interval"]) + int(j))
        expect("identifier", ours.hex(), theirs)
        mask = aes(metadata_key, ours)
        expect("metadata", bytes(a ^ b for a, b in zip(metadata, mask)).hex(), encrypted)


def check_eddystone_eid(_header, body):
    for line in body.decode("ascii").splitlines():
        key, exponent, seconds, theirs = line.split(" ")
        key, exponent, seconds = bytes.fromhex(key), int(exponent), int(seconds)
        if exponent > 15:
            raise Refused("exponent above 15")
        temporary = aes(key, bytes(11) + b"\xff\0\0" + be(seconds >> 16, 2))
        ours = aes(temporary, bytes(11) + bytes([exponent]) + be(seconds >> exponent << exponent, 4))
        expect("identifier", ours[:8].hex(), theirs)


def check_private_address(_header, body):
    for line in body.decode("ascii").splitlines():
        key, address = line.split(" ")
        key, address = bytes.fromhex(key), bytes.fromhex(address.replace(":", ""))
        if address[0] >> 6 != 1 or aes(key, bytes(13) + address[:3])[13:] != address[3:]:
            raise Refused("does not resolve")


def check(header, body):
    kind = header["kind"].replace("-", "_")
    globals()[f"check_{kind}"](header, body)
