"""An agent's call: a JWS of the shopper's pseudonym. spec/http.md#calls"""

import topic_id
import topic_json
import topic_jws
from encoding import from_base64url
from refused import Refused

LEN_MAX = 256 << 10
WINDOW_SECONDS = 90
HELD_SECONDS_MAX = 30 * 86400
HELD_PATHS = ["withdrawals", "objections", "releases", "mailbox/acknowledgements"]


def check(header, body):
    key = from_base64url(header["subject"])
    payload = topic_jws.verify(body, "besace-call+jws", {"subject": key}, LEN_MAX)
    call = topic_json.parse_exact(payload, len(payload))
    members = ["body", "htm", "htu", "jti"]
    if not isinstance(call, dict) or sorted(set(call) - {"exp"}) != members:
        raise Refused("not exactly the members of a call")
    if call["htm"] != "POST" or call["htu"] != header["address"]:
        raise Refused("for another method or address")
    if not isinstance(call["jti"], str):
        raise Refused("not a message id")
    topic_id.parse(call["jti"], "message")
    signed_at = topic_jws.parse(body)[1][0][1]["iat"]
    now, last = int(header["now"]), signed_at + WINDOW_SECONDS
    if "exp" in call:
        last = call["exp"]
        if type(last) is not int or not signed_at <= last <= signed_at + HELD_SECONDS_MAX:
            raise Refused("held for too long, or not at all")
        domain = header["address"].removeprefix("https://").split("/")[0]
        if header["address"] not in [f"https://{domain}/besace/v1/{path}" for path in HELD_PATHS]:
            raise Refused("held for an address that takes no held call")
    if not signed_at - WINDOW_SECONDS <= now <= last:
        raise Refused("signed too long ago, or in the future")
    if call["jti"] != header["message"]:
        raise Refused("another message")
    if topic_json.canonical(call["body"]).decode() != header["says"]:
        raise Refused("another body")
