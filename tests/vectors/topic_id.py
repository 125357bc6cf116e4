"""Identifiers: prefix, underscore, 32 lower-case hexadecimal digits. spec/encoding.md#identifiers"""

import re

from refused import Refused


def parse(text, kind):
    """The sixteen bytes of an identifier."""
    match = re.fullmatch(rf"{re.escape(kind)}_([0-9a-f]{{32}})", text, re.ASCII)
    if not match:
        raise Refused("not an identifier of this kind")
    return bytes.fromhex(match[1])


def check(header, body):
    kind = header["kind"]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    if parse(text, kind).hex() != header["bytes"]:
        raise Refused("other bytes")
