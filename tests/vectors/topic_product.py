"""Product in hand: which GTIN a scanned code stands for. spec/product.md

The body is the code as it comes from the scanner; `gtin` is the article, with fourteen digits.
"""

import re

from refused import Refused

FNC1 = "\x1d"
LEN_MAX = 4096
GS1_CARRIERS = ("]C1", "]e0", "]d2", "]Q3", "]J1")
FIXED = {"00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "20": 4, "41": 16}
FIXED.update({str(n): 8 for n in range(11, 20)})
FIXED.update({str(n): 10 for n in range(31, 37)})
KEYS = {"00", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8013",
        "8017", "8018"}
URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
BEGINNINGS = {1: "http://www.", 2: "https://www.", 3: "http://", 4: "https://"}


def gtin(digits, lengths=(8, 12, 13, 14)):
    if not re.fullmatch("[0-9]+", digits, re.ASCII) or len(digits) not in lengths:
        raise Refused("not the digits of a GTIN")
    padded = digits.rjust(14, "0")
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(padded))
    if total % 10 or padded[:13] == "0" * 13:
        raise Refused("check digit, or nothing but zeros")
    return padded


def one(found):
    if len(found) != 1:
        raise Refused("no GTIN, or two")
    return found[0]


def elements(text):
    if text.startswith(FNC1):
        text = text[1:]
    if not text:
        raise Refused("empty")
    found = []
    while text:
        length = FIXED.get(text[:2])
        if length is None:
            element, _, text = text.partition(FNC1)
        else:
            element, text = text[:length], text[length:]
            if len(element) < length:
                raise Refused("cut short")
            text = text.removeprefix(FNC1)
        if not re.fullmatch("[0-9]{2}[!-~]+", element):
            raise Refused("not an element")
        if element.startswith("01"):
            found.append(gtin(element[2:], (14,)))
    return one(found)


def brackets(text):
    parts = re.split(r"\(([0-9]{2,4})\)", text)
    if parts[0] or len(parts) < 3:
        raise Refused("not bracketed")
    found = []
    for name, value in zip(parts[1::2], parts[2::2]):
        if not re.fullmatch("[!-~]+", value):
            raise Refused("not a value")
        if name == "01":
            found.append(gtin(value, (14,)))
    return one(found)


def is_name(text):
    return bool(re.fullmatch("[0-9]{2,4}", text, re.ASCII)) or text in ("cpv", "lot", "ser")


def link(rest):
    if not URI.fullmatch(rest):
        raise Refused("not a URI")
    address, _, query = rest.partition("#")[0].partition("?")
    domain, slash, path = address.partition("/")
    if not slash or not domain or re.search(r"[_~@!$&'()*+,;=%]", domain):
        raise Refused("no domain and path")
    segments = path.split("/")
    pairs = [(segments[i], segments[i + 1]) for i in range(len(segments) - 2, -1, -2)]
    found, in_path, named = [], False, False
    for key, value in pairs:
        if key in ("01", "gtin"):
            found.append(gtin(value))
            in_path = True
            break
        if not value or not is_name(key):
            break
    for key, value in pairs:
        if not value or not is_name(key):
            break
        if key in KEYS:
            named = True
            break
    for key, equals, value in (pair.partition("=") for pair in re.split("[&;]", query)):
        if key == "01" and equals:
            found.append(gtin(value))
    if not in_path and not named:
        raise Refused("the path names nothing")
    return one(found)


def tag(data):
    found, first = None, True
    while True:
        try:
            header, kind_len = data[0], data[1]
            rest = data[2:]
            if header & 0x10:
                payload_len, rest = rest[0], rest[1:]
            else:
                payload_len, rest = int.from_bytes(rest[:4], "big"), rest[4:] if len(rest) > 3 else None
            id_len, rest = (rest[0], rest[1:]) if header & 0x08 else (0, rest)
        except (IndexError, TypeError) as error:
            raise Refused("cut short") from error
        if len(rest) < kind_len + id_len + payload_len:
            raise Refused("cut short")
        kind, rest = rest[:kind_len], rest[kind_len + id_len:]
        payload, rest = rest[:payload_len], rest[payload_len:]
        if bool(header & 0x80) != first or header & 0x20:
            raise Refused("record out of place")
        first = False
        if header & 7 == 1 and kind == b"U" and found is None:
            try:
                found = uri_record(payload)
            except Refused:
                found = None
        if header & 0x40:
            if rest or found is None:
                raise Refused("more than a message, or no product")
            return found
        data = rest


def uri_record(payload):
    if not payload:
        raise Refused("empty")
    try:
        rest = payload[1:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not text") from error
    if payload[0] == 0:
        return web(rest)
    if payload[0] not in BEGINNINGS:
        raise Refused("another scheme")
    return web(BEGINNINGS[payload[0]] + rest)


def web(text):
    scheme = re.match("https?://|HTTPS?://", text)
    if not scheme:
        raise Refused("another scheme")
    return link(text[scheme.end():])


def scan(data):
    if len(data) > LEN_MAX:
        raise Refused("too long")
    if data and data[0] >= 0x80:
        return tag(data)
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise Refused("not ASCII") from error
    if text.startswith(GS1_CARRIERS):
        return elements(text[3:])
    text = re.sub(r"^\][A-Za-z][0-9]", "", text)
    if re.match("https?://|HTTPS?://", text):
        return web(text)
    if re.fullmatch("[0-9]+", text, re.ASCII) and len(text) in (8, 12, 13, 14):
        return gtin(text)
    return brackets(text) if text.startswith("(") else elements(text)


def check(header, body):
    if scan(body) != header["gtin"]:
        raise Refused("another GTIN")
