"""Mandates, their withdrawals, and calls of delegates. spec/mandate.md

What the lines of a case mean stands in protocol/tests/vectors/mandate.rs. `why` names the rule that refuses.
"""

import topic_id
import topic_json
import topic_jws
from consent_rules import (
    CATEGORIES,
    DIGEST,
    TIME,
    VERSION,
    demand,
    domain,
    identifier,
    increasing,
    integer,
    members,
    one_of,
    shop_code,
    signing_key,
    terms,
)
from encoding import from_base64url
from refused import Refused
from terms_order import exceeds
from topic_consent import digest

SECONDS_MAX = 396 * 86400
CALL_LEN_MAX = 40 << 10
WINDOW_SECONDS = 90
ACTS = ("narrow", "refuse", "withdraw", "write_rules")
WORDS = {"write_rule": "write_rules", "narrow": "narrow", "refuse": "refuse", "withdraw": "withdraw"}
RETAILERS = increasing(domain, 64, least=1)


class Why(Refused):
    """Refused by the rule of this name."""


def _by(rule, check, *args):
    try:
        return check(*args)
    except Refused as refusal:
        raise Why(rule) from refusal


def mandate(value):
    members(
        value,
        {
            "acts": increasing(one_of(*ACTS), 4, least=1),
            "delegate_key": signing_key,
            "expires": TIME,
            "id": identifier("mandate"),
            "issued": TIME,
            "subject_key": signing_key,
            "v": VERSION,
        },
        {"controllers": RETAILERS},
    )
    demand(value["issued"] < value["expires"] <= value["issued"] + SECONDS_MAX, "its life")
    demand(value["delegate_key"] != value["subject_key"], "one key on both sides")


def withdrawal(value):
    members(
        value,
        {
            "mandate": identifier("mandate"),
            "mandate_digest": DIGEST,
            "subject_key": signing_key,
            "v": VERSION,
            "withdrawn": TIME,
        },
    )


DOCUMENTS = {
    "besace-mandate+jws": (32 << 10, mandate),
    "besace-mandate-withdrawal+jws": (8 << 10, withdrawal),
}


def _bounds(value):
    """Form only; whether a rule may have them is asked where it is narrowed."""
    number = integer(0, 65535)
    demand(isinstance(value, dict), "not bounds")
    needed = dict.fromkeys(
        ("frequency_per_day", "lookback_days", "release_ahead_days", "retention_days", "valid_days"), number
    )
    free = dict.fromkeys(("benefit", "categories", "recipients"), lambda _: None)
    members(value, {**needed, **free}, {"shops": lambda _: None})


def _body(value):
    demand(isinstance(value, dict), "not an act")
    purpose, retailers = one_of(*CATEGORIES), {"controllers": increasing(domain, 1 << 20)}
    act = value.get("act")
    needed, optional = {
        "narrow": ({"bounds": _bounds, "purpose": purpose, "rule": integer(0, 2**32 - 1), "was": _bounds}, retailers),
        "refuse": ({"controller": domain, "request": identifier("request")}, {}),
        "withdraw": ({"controller": domain, "grant": identifier("grant")}, {}),
        "write_rule": ({"purpose": purpose}, retailers),
    }[act]
    members(value, {"act": one_of(act), **needed}, optional)


def _terms(bounds, purpose, shops):
    fixed = {"base_benefit_conditional": False, "purpose": purpose, "scope": "*"}
    return {"shops": shops, **bounds, **fixed}


def _narrows(act):
    to, was, named = act["bounds"], act["was"], act.get("controllers")
    try:
        for one in (to, was):
            terms(_terms(one, act["purpose"], ["00000000"]))
            demand("shops" not in one or named is not None and len(named) == 1, "shops of nobody")
            demand(named != [] and act["rule"] > 0, "no rule")
    except Refused:
        return False
    if to == was or "shops" in was and "shops" not in to:
        return False
    shops = to.get("shops", ["00000000"])
    return not exceeds(_terms(to, act["purpose"], shops), _terms(was, act["purpose"], shops))


def allows(given, act):
    if WORDS[act["act"]] not in given["acts"]:
        raise Why("act")
    named = given.get("controllers")
    asked = [act["controller"]] if "controller" in act else act.get("controllers")
    if asked == [] or named is not None and (asked is None or not set(asked) <= set(named)):
        raise Why("retailer")
    if act["act"] == "narrow" and not _narrows(act):
        raise Why("wider")


def call(body, given, path, now):
    """Message id and body of a call that holds under a mandate and that it allows."""
    _by("form", topic_jws.parse, body, CALL_LEN_MAX)
    key = from_base64url(given["delegate_key"])
    payload = _by("signature", topic_jws.verify, body, "besace-delegate-call+jws", {"delegate": key}, CALL_LEN_MAX)
    value = topic_json.parse_exact(payload, len(payload))
    word = value.get("body", {}).get("act") if isinstance(value, dict) and isinstance(value.get("body"), dict) else None
    if isinstance(word, str) and word not in WORDS:
        raise Why("word")
    needed = {
        "body": _body,
        "htm": one_of("POST"),
        "htu": lambda one: demand(isinstance(one, str), "not a path"),
        "jti": identifier("message"),
        "mandate": identifier("mandate"),
    }
    if word is None:
        raise Why("members")
    _by("members", members, value, needed)
    signed_at = topic_jws.parse(body)[1][0][1]["iat"]
    for rule, holds in [
        ("mandate", value["mandate"] == given["id"]),
        ("address", value["htu"] == path),
        ("clock", abs(now - signed_at) <= WINDOW_SECONDS),
        ("over", given["issued"] <= now < given["expires"]),
    ]:
        if not holds:
            raise Why(rule)
    allows(given, value["body"])
    return value["jti"], value["body"]


def _document(header, body):
    limit, rules = DOCUMENTS[header["typ"]]
    payload, parts = _by("form", topic_jws.parse, body, limit)
    if parts[0][1]["typ"] != header["typ"]:
        raise Why("type")
    claimed = from_base64url(payload)
    value = _by("members", topic_json.parse_exact, claimed, len(claimed))
    if header.get("why") == "members":
        _by("members", rules, value)
    _by("rule", rules, value)
    key = from_base64url(header["subject"])
    _by("signature", topic_jws.verify, body, header["typ"], {"subject": key}, limit)
    if from_base64url(value["subject_key"]) != key:
        raise Why("signature")
    demand(digest(claimed) == header["digest"], "another digest")
    again = topic_jws.sign(claimed, header["typ"], {"subject": bytes.fromhex(header["seed"])}, {"subject": int(header["time"])})
    demand(again == body, "signs to other bytes")


def _call(header, body):
    given = topic_jws.parse(header["mandate"].encode())[0]
    given = topic_json.parse_exact(from_base64url(given), 1 << 16)
    mandate(given)
    message, says = call(body, given, header["path"], int(header["now"]))
    demand(message == header["message"], "another message")
    topic_id.parse(message, "message")
    demand(topic_json.canonical(says).decode() == header["says"], "another body")


def check(header, body):
    try:
        {"call": _call, "document": _document}[header["what"]](header, body)
    except Why as why:
        if str(why) != header.get("why"):
            raise RuntimeError(f"refused by another rule: {why}") from why
        raise
