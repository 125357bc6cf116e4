"""Small values in text. spec/encoding.md#values"""

import re

from encoding import from_base64url
from refused import Refused

PART = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
LANGUAGES = ("fr", "en")


def _match(pattern, text):
    if not re.fullmatch(pattern, text, re.ASCII):
        raise Refused("another spelling")


def domain(text):
    """A domain name of lower-case A-labels, at least two, whose last is not a number."""
    _match(rf"({PART}\.)+{PART}", text)
    if len(text) > 253 or not re.search("[a-z]", text.rpartition(".")[2]):
        raise Refused("not a domain name")


def _bytes(text, length, value):
    data = from_base64url(text)
    if length is not None and len(data) != length:
        raise Refused("another length")
    if value is not None and data.hex() != value:
        raise Refused("other bytes")


def _decimal(text, value):
    _match("0|[1-9][0-9]*", text)
    if int(text) >= 2**64 or text != value:
        raise Refused("beyond 64 bits, or another number")


def _language(text, value):
    _match("[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*", text)
    if len(text) > 35 or text.partition("-")[0].lower() != value or value not in LANGUAGES:
        raise Refused("not a language we speak")


def check(header, body):
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    kind, value = header["kind"], header.get("value")
    if kind == "base64url":
        _bytes(text, None, value)
    elif kind == "digest":
        _bytes(text, 32, value)
    elif kind == "key-id":
        _bytes(text, 16, None)
    elif kind == "currency":
        _match("[A-Z]{3}", text)
    elif kind == "decimal":
        _decimal(text, value)
    elif kind == "domain":
        domain(text)
    elif kind == "language":
        _language(text, value)
    else:
        raise ValueError("unknown kind")
