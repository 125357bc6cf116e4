"""Unpadded base64url with one spelling, and labels. spec/encoding.md, spec/keys.md"""

import base64
import re

from refused import Refused


def to_base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text, re.ASCII):
        raise Refused("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Refused("not base64url") from error
    if to_base64url(data) != text:
        raise Refused("a second spelling of these bytes")
    return data


def label(text):
    """Label(x): one length byte, then the ASCII text."""
    return bytes([len(text)]) + text.encode("ascii")
