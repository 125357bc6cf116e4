"""Names of the files in an evidence bundle, and files of openings. spec/audit.md"""

import re

import topic_log
from refused import Refused

# Entries of one bundle of the tree.
WIDTH = 256


def check(header, body):
    if header.get("kind") == "openings":
        entries = [str(index) for index, _, _ in openings(int(header["number"]), body)]
        if " ".join(entries) != header["entries"]:
            raise ValueError(f"opens {entries}")
    else:
        check_name(topic_log.text_of(body))


def openings(number, body):
    """The openings of the entries from 256 times the number: a line for each as far as the last."""
    lines = body.split(b"\n")
    if lines.pop() or not lines or not lines[-1] or len(lines) > WIDTH:
        raise Refused("not a line for each entry")
    found = []
    for index, line in enumerate(lines, number * WIDTH):
        if line:
            opening = topic_log.parse_opening(line)
            if opening[0] != index:
                raise Refused("the opening of another entry")
            found.append(opening)
    return found


def check_name(text):
    if re.fullmatch("documents/[0-9a-f]{64}", text, re.ASCII):
        return
    match = re.fullmatch("logs/([^/]+(?:/besace)?)/(checkpoint|(seen|openings|tile)/(.+))", text, re.ASCII)
    if not match:
        raise Refused("not the name of a file of a bundle")
    topic_log.parse_origin(match[1])
    if match[3] == "tile":
        topic_log.parse_tile_path(match[2])
    elif match[3] == "seen":
        topic_log.decimal(match[4], topic_log.SIZE_MAX)
    elif match[3] == "openings":
        if not match[4].endswith(".jsonl"):
            raise Refused("openings are lines of JSON")
        topic_log.decimal(match[4].removesuffix(".jsonl"), topic_log.SIZE_MAX // WIDTH)
