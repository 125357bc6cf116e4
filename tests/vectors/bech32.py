"""Bech32 (BIP-173) and Bech32m (BIP-350), as age and recovery kits use them: without a limit of 90 characters."""

from refused import Refused

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32, BECH32M = 1, 0x2BC830A3


def _polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> bit & 1 else 0
    return check


def _expand(prefix):
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(values, width, other, pad):
    number, bits, out = 0, 0, []
    for value in values:
        number, bits = number << width | value, bits + width
        while bits >= other:
            bits -= other
            out.append(number >> bits & (1 << other) - 1)
    if pad and bits:
        out.append(number << other - bits & (1 << other) - 1)
    elif not pad and (bits >= width or number & (1 << bits) - 1):
        raise Refused("bits are left over")
    return out


def encode(prefix, data, constant):
    values = _regroup(data, 8, 5, True)
    check = _polymod(_expand(prefix) + values + [0] * 6) ^ constant
    values += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def decode(prefix, text, constant):
    if text not in (text.lower(), text.upper()):
        raise Refused("two cases")
    found, one, rest = text.lower().rpartition("1")
    if not one or found != prefix or len(rest) < 6 or any(c not in ALPHABET for c in rest):
        raise Refused(f"not a {prefix}")
    values = [ALPHABET.index(c) for c in rest]
    if _polymod(_expand(prefix) + values) != constant:
        raise Refused("another checksum")
    return bytes(_regroup(values[:-6], 5, 8, False))
