"""An agent's call: a JWS of the shopper's pseudonym. spec/http.md#calls"""

import topic_id
import topic_json
import topic_jws
from encoding import from_base64url
from refused import Refused

LEN_MAX = 256 << 10
WINDOW_SECONDS = 90


def check(header, body):
    key = from_base64url(header["subject"])
    payload = topic_jws.verify(body, "besace-call+jws", {"subject": key}, LEN_MAX)
    call = topic_json.parse_exact(payload, len(payload))
    if not isinstance(call, dict) or sorted(call) != ["body", "htm", "htu", "jti"]:
        raise Refused("not exactly the members of a call")
    if call["htm"] != "POST" or call["htu"] != header["address"]:
        raise Refused("for another method or address")
    if not isinstance(call["jti"], str):
        raise Refused("not a message id")
    topic_id.parse(call["jti"], "message")
    signed_at = topic_jws.parse(body)[1][0][1]["iat"]
    if abs(signed_at - int(header["now"])) > WINDOW_SECONDS:
        raise Refused("signed too long ago, or in the future")
    if call["jti"] != header["message"]:
        raise Refused("another message")
    if topic_json.canonical(call["body"]).decode() != header["says"]:
        raise Refused("another body")
