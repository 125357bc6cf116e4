"""Names of the files in an evidence bundle. spec/audit.md"""

import re

import topic_log
from refused import Refused


def check(_header, body):
    text = topic_log.text_of(body)
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
        if not match[4].endswith(".json"):
            raise Refused("an opening is JSON")
        topic_log.decimal(match[4].removesuffix(".json"), topic_log.SIZE_MAX)
