"""Marks of vaults, prints of pages, states of files. spec/rollback.md"""

import hashlib
import hmac

import topic_id
from refused import Refused
from topic_keys import derive

CONTENT = 8 + 16 + 8 + 16 + 8 + 32 + 8 + 1


def _mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def _same(what, ours, theirs):
    if ours.hex() != theirs:
        raise Refused(f"another {what}")


def check(header, body):
    key = bytes.fromhex(header["key"])
    pages, states, tags = (derive(key, f"besace mark/v1 {what}") for what in ("pages", "states", "tags"))
    if header["figure"] == "state":
        # The body is the tags of the pages, one after the other; zeros where there is no page.
        prints = bytes(32)
        for number in range(len(body) // 64):
            tag = body[64 * number : 64 * number + 64]
            if tag != bytes(64):
                mac = _mac(pages, (number + 1).to_bytes(4, "big"), tag)
                prints = bytes(a ^ b for a, b in zip(prints, mac))
        _same("sum", prints, header["prints"])
        _same("state", _mac(states, (len(body) // 64).to_bytes(4, "big"), prints), header["state"])
        counter = int(header["counter"]).to_bytes(8, "big")
        word = _mac(states, bytes.fromhex(header["sitting"]), counter)[:4]
        _same("word of the first page", word, header["first"])
        return
    if len(body) != 512 or body[:8] != b"BSCMARK1":
        raise Refused("not a mark")
    if body[CONTENT - 1] > 3 or any(body[CONTENT + 32 :]):
        raise Refused("a mark says nothing more")
    if not hmac.compare_digest(_mac(tags, body[:CONTENT]), body[CONTENT : CONTENT + 32]):
        raise Refused("not made with this key")
    if body[8:24] != topic_id.parse(header["vault"], "vault"):
        raise Refused("of another vault")
    if int.from_bytes(body[48:56], "big") != int(header["counter"]):
        raise Refused("another counter")
