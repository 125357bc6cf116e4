"""Strict JSON and its canonical form (RFC 8785). spec/encoding.md#json"""

import json
import re

from refused import Refused

DEPTH_MAX = 16
INTEGER_MAX = 2**53 - 1


def _object(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("duplicate member")
    return members


def _integer(text):
    # "-0" reads as zero but is a second spelling of it; readers that keep floats see -0.0.
    value = int(text)
    if text == "-0" or abs(value) > INTEGER_MAX:
        raise Refused("integer outside the range")
    return value


def _refuse_number(text):
    raise Refused(f"not an integer: {text}")


def _check_value(value, levels):
    if isinstance(value, (dict, list)) and levels == 0:
        raise Refused("nested too deep")
    if isinstance(value, dict):
        for name, member in value.items():
            _check_value(name, levels)
            _check_value(member, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, levels - 1)
    elif isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise Refused("half a surrogate pair")


def parse(body, limit):
    """The value of strict JSON of at most `limit` bytes."""
    if len(body) > limit:
        raise Refused("too long")
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Refused("not JSON") from error
    _check_value(value, DEPTH_MAX)
    return value


def canonical(value):
    """The bytes of RFC 8785, for what parse() gives."""

    def sort(value):
        if isinstance(value, dict):
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return {name: sort(value[name]) for name in names}
        return [sort(item) for item in value] if isinstance(value, list) else value

    # Without ensure_ascii, json.dumps escapes the characters that RFC 8785 escapes, and no others.
    return json.dumps(sort(value), ensure_ascii=False, separators=(",", ":")).encode()


def parse_exact(body, limit):
    """As parse(), and the bytes must be the canonical ones."""
    value = parse(body, limit)
    if canonical(value) != body:
        raise Refused("not canonical")
    return value


def check(header, body):
    limit = int(header["max"])
    if header["form"] == "strict":
        if canonical(parse(body, limit)).decode() != header["canonical"]:
            raise Refused("another canonical form")
    elif header["form"] == "canonical":
        parse_exact(body, limit)
    else:
        raise ValueError("unknown form")
