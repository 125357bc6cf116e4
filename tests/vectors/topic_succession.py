"""Continuations: who signs them, what they may say, what follows what. spec/succession.md"""

import hashlib

import topic_json
import topic_jws
from consent_rules import (
    TIME,
    VERSION,
    demand,
    domain,
    identifier,
    log_head,
    members,
    one_of,
    sealing_key,
    signing_key,
)
from encoding import from_base64url, to_base64url

TYP = "besace-continuation+jws"
LEN_MAX = 8 << 10


def rules(value):
    left = {
        "head": log_head,
        "key": signing_key,
        "log": identifier("log"),
        "log_key": signing_key,
    }
    successor = {
        "key": signing_key,
        "log": identifier("log"),
        "log_key": signing_key,
        "sealing_key": sealing_key,
    }
    members(
        value,
        {
            "cause": one_of("restore", "rollback", "rekey"),
            "continued": TIME,
            "controller": domain,
            "from": lambda f: members(f, left),
            "to": lambda t: members(t, successor),
            "v": VERSION,
        },
    )
    old, new = value["from"], value["to"]
    demand(old["log"] != new["log"], "goes on in the log that it leaves")
    demand(old["log_key"] != new["log_key"], "goes on under the log key that it leaves")
    demand(not {old["key"], new["key"]} & {old["log_key"], new["log_key"]}, "one key in two roles")
    demand((old["key"] != new["key"]) == (value["cause"] == "rekey"), "keys change for a rekey")


def verify(body):
    """Payload and its digest, as the keys signed it that it names itself."""
    text, parts = topic_jws.parse(body, LEN_MAX)
    payload = from_base64url(text)
    value = topic_json.parse_exact(payload, len(payload))
    rules(value)
    old, new = value["from"]["key"], value["to"]["key"]
    signers = {"subject": from_base64url(old)}
    if old != new:
        signers["successor"] = from_base64url(new)
    demand(topic_jws.verify(body, TYP, signers, LEN_MAX) == payload, "another payload")
    return value, to_base64url(hashlib.sha256(payload).digest())


def _document(header, body):
    value, digest = verify(body)
    demand(value["from"]["key"] == header["subject"], "not the pseudonym's key")
    demand(digest == header["digest"], "another digest")
    roles = [role for role in topic_jws.ROLES if f"{role}-seed" in header]
    seeds = {role: bytes.fromhex(header[f"{role}-seed"]) for role in roles}
    times = dict.fromkeys(roles, int(header["time"]))
    again = topic_jws.sign(topic_json.canonical(value), TYP, seeds, times)
    demand(again == body, "signs to other bytes")


def _follows(header, body):
    before, _ = verify(header["before"].encode())
    after, _ = verify(body)
    demand(after["controller"] == before["controller"], "towards another controller")
    for name in ("key", "log", "log_key"):
        demand(after["from"][name] == before["to"][name], f"begins with another {name}")


def check(header, body):
    {"document": _document, "follows": _follows}[header["what"]](header, body)
