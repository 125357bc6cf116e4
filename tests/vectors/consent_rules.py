"""The members and rules of each document of consent. spec/consent.md"""

import hashlib
import re
import time
import unicodedata

import ed25519
import hpke
import topic_id
import topic_offers
import topic_presence
from encoding import from_base64url, to_base64url
from refused import Refused
from terms_order import asks_no_more

DAY_SECONDS = 86400
CATEGORIES = {
    "recognition": {"presence"},
    "staff_greeting": {"chosen_name", "greeting_topics"},
    "loyalty_account": {"till_answers"},
    "wish_broadcast": {"wish_detail", "wish_kind"},
    "feedback": {"feedback", "feedback_words"},
    "receipts": {"receipt_totals", "receipts"},
    "answers": {"answer_advice", "answer_moment", "answer_reach", "answer_visits"},
}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def demand(holds, rule):
    if not holds:
        raise Refused(rule)


def members(value, needed, optional=None):
    """Every member of `needed`, those of `optional` that are there, and no other."""
    demand(isinstance(value, dict), "not an object")
    optional = optional or {}
    demand(needed.keys() <= value.keys() <= needed.keys() | optional.keys(), "other members")
    for name, member in value.items():
        (needed.get(name) or optional[name])(member)


def integer(first, last):
    def check(value):
        # In Python, True is an integer too.
        demand(isinstance(value, int) and not isinstance(value, bool), "not an integer")
        demand(first <= value <= last, "a number outside its bounds")

    return check


def deceives(c):
    """Control characters, line ends, and what turns a text around on the screen."""
    turns = "\u061c\u200e\u200f\ufeff" + "".join(map(chr, (*range(0x2028, 0x202F), *range(0x2066, 0x206A))))
    return unicodedata.category(c) == "Cc" or c in turns


def text(longest, shortest=1):
    def check(value):
        demand(isinstance(value, str), "not a text")
        demand(shortest <= len(value.encode()) <= longest, "too long or empty")
        demand(not any(map(deceives, value)), "control characters")

    return check


def one_of(*values):
    def check(value):
        demand(isinstance(value, str) and value in values, f"not one of {values}")

    return check


def data(shortest, longest=None):
    def check(value):
        demand(isinstance(value, str), "not a text")
        length = len(from_base64url(value))
        demand(shortest <= length <= (longest or shortest), "of another length")

    return check


def identifier(kind):
    def check(value):
        demand(isinstance(value, str), "not a text")
        topic_id.parse(value, kind)

    return check


def false(value):
    demand(value is False, "ordinary benefits hang on consent")


def signing_key(value):
    data(32)(value)
    ed25519.check_public(from_base64url(value))


def sealing_key(value):
    data(32)(value)
    hpke.exchange(bytes([0x40] * 32), from_base64url(value))


def domain(value):
    demand(isinstance(value, str) and len(value) <= 253, "not a domain")
    labels = value.split(".")
    demand(len(labels) >= 2 and all(map(LABEL.fullmatch, labels)), "not a domain")
    demand(re.search("[a-z]", labels[-1]), "not a domain")


def shop_code(value):
    demand(isinstance(value, str) and re.fullmatch("[0-9a-f]{8}", value), "not a shop code")


def increasing(item, most, least=0, key=lambda item: item):
    def check(value):
        demand(isinstance(value, list), "not a list")
        demand(least <= len(value) <= most, "too many or too few")
        for one in value:
            item(one)
        keys = [key(one) for one in value]
        demand(all(a < b for a, b in zip(keys, keys[1:])), "not strictly increasing")

    return check


VERSION = integer(1, 1)
TIME = integer(0, 2**53 - 1)
DAY = integer(0, 2**32 - 1)
DIGEST = data(32)
GRANT = identifier("grant")


def money(value):
    members(
        value,
        {
            "currency": lambda c: demand(
                isinstance(c, str) and re.fullmatch("[A-Z]{3}", c), "not a currency"
            ),
            "minor": integer(0, 2**53 - 1),
        },
    )


def benefit(value):
    kinds = ("service", "monthly_credit", "welcome_credit")
    members(value, {"kind": one_of(*kinds)}, {"amount": money, "until": TIME})
    demand(("amount" in value) == (value["kind"] != "service"), "money without its kind")


def categories(value):
    demand(isinstance(value, dict) and value, "no category")
    for granularity in value.values():
        one_of("month", "week", "day", "exact")(granularity)


def terms(value):
    members(
        value,
        {
            "base_benefit_conditional": false,
            "benefit": benefit,
            "categories": categories,
            "frequency_per_day": integer(1, 1440),
            "lookback_days": integer(0, 396),
            "purpose": one_of(*CATEGORIES),
            "recipients": increasing(domain, 32),
            "release_ahead_days": integer(0, 6),
            "retention_days": integer(1, 30),
            "scope": text(253),
            "shops": increasing(shop_code, 1024, least=1),
            "valid_days": integer(1, 396),
        },
    )
    demand(set(value["categories"]) <= CATEGORIES[value["purpose"]], "foreign category")
    if value["purpose"] not in ("recognition", "loyalty_account"):
        demand(value["release_ahead_days"] == 0, "no keys are released for this purpose")


def legal(value):
    members(value, dict.fromkeys(("address", "contact", "display_name", "name"), text(256)))


# What a shop may say it sells. spec/mirror.md
SHOP_KINDS = (
    "department_store grocery bakery restaurant drinks clothing beauty jewellery children pets books sports garden"
    " hardware furniture electronics health faith intimate politics"
).split()


def manifest(value):
    shop = {
        "code": shop_code,
        "latitude_e7": integer(-900_000_000, 900_000_000),
        "longitude_e7": integer(-1_800_000_000, 1_800_000_000),
        "name": text(128),
        "radius_metres": integer(10, 2000),
        "scope": text(253),
    }
    tills = {"kind": one_of(*SHOP_KINDS), "till_keys": increasing(signing_key, 64, least=1, key=from_base64url)}
    anchor = {"anchor": data(16), "shop": shop_code}
    day = {
        "anchors": increasing(lambda a: members(a, anchor), 1024, key=lambda a: a["shop"]),
        "day": DAY,
        "sealing_key": sealing_key,
    }
    members(
        value,
        {
            "controller": domain,
            "controller_key": signing_key,
            "days": increasing(lambda d: members(d, day), 16, key=lambda d: d["day"]),
            "expires": TIME,
            "issued": TIME,
            "legal": legal,
            "log_key": signing_key,
            "sealing_key": sealing_key,
            "sequence": integer(0, 2**53 - 1),
            "shops": increasing(
                lambda s: members(s, shop, tills), 1024, least=1, key=lambda s: s["code"]
            ),
            "v": VERSION,
        },
        {"log": integer(2, 64)},
    )
    demand(value["issued"] < value["expires"], "ends before it begins")
    codes = {shop["code"] for shop in value["shops"]}
    for day in value["days"]:
        demand({anchor["shop"] for anchor in day["anchors"]} <= codes, "anchor of no shop")
    sealing = [value["sealing_key"], *(day["sealing_key"] for day in value["days"])]
    demand(len(set(sealing)) == len(sealing), "one key in two roles")
    signing = [value["controller_key"], value["log_key"]]
    for shop in value["shops"]:
        signing += shop.get("till_keys", [])
    demand(len(set(signing)) == len(signing), "one key in two roles")


NOTICE_LEN_MAX = 64 << 10
# What has to be told, and where article 13 of the GDPR asks it. spec/notice.md
NOTICE_ITEMS = (
    "purpose",  # 1 c
    "legal_basis",  # 1 c
    "obligation",  # 2 e
    "recipients",  # 1 e
    "transfers",  # 1 f
    "retention",  # 2 a
    "automated_decisions",  # 2 f
    "withdrawal",  # 2 c
    "rights",  # 2 b
    "complaint",  # 2 d
    "data_protection_officer",  # 1 b
)


def notice_item(value):
    text(4096)(value)
    letters = [c for c in value if c.isascii() and c.isalpha() or "\u00c0" <= c <= "\u024f" and c not in "×÷"]
    demand(len(letters) >= 3, "tells nothing")


def notice(value):
    members(
        value,
        {
            "controller": legal,
            "items": lambda items: members(items, dict.fromkeys(NOTICE_ITEMS, notice_item)),
            "language": one_of("fr", "en"),
            "purpose": one_of(*CATEGORIES),
            "recipients": increasing(domain, 32),
            "retention_days": integer(1, 30),
            "v": VERSION,
            "version": text(64),
        },
    )


def request(value):
    reference = {"digest": DIGEST, "language": one_of("fr", "en"), "version": text(64)}
    members(
        value,
        {
            "controller": domain,
            "controller_key": signing_key,
            "expires": TIME,
            "id": identifier("request"),
            "issued": TIME,
            "notice": lambda n: members(n, reference),
            "terms": terms,
            "v": VERSION,
        },
        {"alternatives": alternatives},
    )
    demand(value["issued"] < value["expires"], "ends before it begins")
    options = [value["terms"], *value.get("alternatives", [])]
    demand(all(asks_no_more(one, options[0]) for one in options), "an alternative asks more")
    demand(all(one not in options[:i] for i, one in enumerate(options)), "an option twice")


def alternatives(value):
    demand(isinstance(value, list) and 1 <= len(value) <= 4, "too many alternatives, or none")
    for one in value:
        terms(one)


def indication(value):
    """A word; or, of a rule, the commitment to its name."""
    if isinstance(value, dict):
        members(value, {"rule": DIGEST})
    else:
        one_of("page", "command")(value)


def supersedes(value):
    members(value, {"digest": DIGEST, "grant": GRANT})


def grant(value):
    members(
        value,
        {
            "controller": domain,
            "controller_key": signing_key,
            "expires": TIME,
            "given": TIME,
            "handle": identifier("handle"),
            "id": GRANT,
            "indication": indication,
            "notice": DIGEST,
            "request": DIGEST,
            "request_id": identifier("request"),
            "subject_key": signing_key,
            "subject_log": identifier("log"),
            "subject_log_key": signing_key,
            "subject_sealing_key": sealing_key,
            "terms": terms,
            "v": VERSION,
        },
        {"proposal": DIGEST, "supersedes": supersedes},
    )
    demand(value.get("supersedes", {}).get("grant") != value["id"], "takes its own place")
    life = value["terms"]["valid_days"] * DAY_SECONDS
    demand(value["expires"] == value["given"] + life, "lives otherwise than its terms say")
    keys = {value["subject_key"], value["subject_log_key"], value["controller_key"]}
    demand(len(keys) == 3, "one key in two roles")


def withdrawal(value):
    members(
        value,
        {
            "controller": domain,
            "grant": GRANT,
            "grant_digest": DIGEST,
            "id": identifier("withdrawal"),
            "subject_key": signing_key,
            "v": VERSION,
            "withdrawn": TIME,
        },
    )


def use_head(value):
    members(value, {"count": integer(0, 2**53 - 1), "head": DIGEST})


def acknowledgement(value):
    members(
        value,
        {
            "acknowledged": TIME,
            "controller": domain,
            "deleted_days": increasing(DAY, 16),
            "grant": GRANT,
            "uses": use_head,
            "v": VERSION,
            "withdrawal": DIGEST,
        },
    )


def erasure(value):
    members(
        value,
        {
            "categories": increasing(one_of(*sum(map(sorted, CATEGORIES.values()), [])), 4, least=1),
            "controller": domain,
            "erased": TIME,
            "grant": GRANT,
            "grant_digest": DIGEST,
            "kept": increasing(one_of("consent_proof", "sealed_mail"), 2, least=1),
            "recipients": increasing(domain, 32),
            "v": VERSION,
        },
        {"revocation": DIGEST, "withdrawal": DIGEST},
    )
    demand(not {"revocation", "withdrawal"} <= set(value), "it answers two ends")
    demand(value["kept"][0] == "consent_proof", "the proof is not kept")


REASONS = ("programme_over", "purpose_over", "security", "shop_closed")


def revocation(value):
    members(
        value,
        {
            "controller": domain,
            "deleted_days": increasing(DAY, 16),
            "grant": GRANT,
            "grant_digest": DIGEST,
            "reason": one_of(*REASONS),
            "revoked": TIME,
            "uses": use_head,
            "v": VERSION,
        },
    )


def truth(value):
    demand(isinstance(value, bool), "neither true nor false")


def objection(value):
    members(
        value,
        {
            "controller": domain,
            "objects": truth,
            "said": TIME,
            "subject_key": signing_key,
            "v": VERSION,
        },
    )


def release(value):
    members(
        value,
        {
            "commit": DIGEST,
            "day": DAY,
            "grant": GRANT,
            "handle": identifier("handle"),
            "keys": data(48, 80),
            "released": TIME,
            "v": VERSION,
        },
    )
    handle, keys = topic_id.parse(value["handle"], "handle"), from_base64url(value["keys"])
    kind = {48: 1, 80: 2}.get(len(keys))
    demand(kind, "keys of another length")
    commit = topic_presence.commitment(handle, value["day"], kind, keys)
    demand(to_base64url(commit) == value["commit"], "commits to something else")


def disclosure(value):
    members(
        value,
        {"disclosed": TIME, "grant": GRANT, "v": VERSION},
        {
            "answers": answers,
            "chosen_name": text(64),
            "feedback": increasing(remark, 8, key=remark_key),
            "receipts": increasing(till_receipt, 16, key=lambda one: (one["number"], one["shop"])),
            "topics": increasing(text(64), 8, least=1, key=str.encode),
            "wishes": increasing(intention, 16, key=lambda wish: wish["id"]),
        },
    )
    for one in value.get("receipts", []):
        demand(one.get("day", 0) <= value["disclosed"] // DAY_SECONDS, "a day that has not begun")
    for one in [*value.get("feedback", []), *value.get("receipts", [])]:
        said = time.gmtime(value["disclosed"])
        latest = (said.tm_year - 1970) * 12 + said.tm_mon - 1
        demand(one.get("month", 0) <= latest, "a month that has not begun")
    demand(value.keys() & {"answers", "chosen_name", "feedback", "receipts", "topics", "wishes"}, "discloses nothing")


def answers(value):
    demand(value != {}, "an empty object for none")
    choices = {"advice": 2, "moment": 4, "reach": 4, "visits": 3}
    members(value, {}, {question: integer(0, most) for question, most in choices.items()})


def remark(value):
    said = {"month": DAY, "category": topic_offers.category, "rating": integer(1, 5), "words": text(280)}
    members(value, {}, said)
    demand(("category" in value) != ("month" in value), "of nothing, or of two things")
    demand(value.keys() & {"rating", "words"}, "says nothing")
    demand(not topic_offers.SENSITIVE.get(value.get("category")), "a sensitive category")


def till_receipt(value):
    members(value, {"number": text(32), "shop": shop_code}, {"day": DAY, "month": DAY, "total": money})
    demand(re.fullmatch("[!-~]{1,32}", value["number"]), "not the number of a till receipt")
    demand(("day" in value) != ("month" in value), "of no time, or of two")


def remark_key(value):
    at = (value.get("category", "").encode(), value.get("month", -1))
    return (*at, value.get("rating", 0), value.get("words", "").encode())


def price_band(value):
    money(value)
    demand(re.fullmatch("[125]0*", str(value["minor"])), "no end of a band")
    demand(value["minor"] <= 5 * 10**15, "beyond the last band")


def gtin(value):
    demand(isinstance(value, str) and topic_offers.gtin(value) == value, "not 14 digits")


def intention_detail(value):
    optional = {"gtin": gtin, "max_price": money, "until": DAY}
    members(value, {"text": text(512)}, optional)


def intention(value):
    members(
        value,
        {"category": topic_offers.category, "id": identifier("intention")},
        {"detail": intention_detail, "price_band": price_band},
    )
    demand(not topic_offers.SENSITIVE[value["category"]], "a sensitive category")
    dearest = value.get("detail", {}).get("max_price")
    if dearest:
        steps = (d * 10**power for power in range(16) for d in (1, 2, 5))
        band = next((step for step in steps if step >= dearest["minor"]), None)
        told = value.get("price_band")
        demand(told == (band and {**dearest, "minor": band}), "a price outside its band")


def opening(value):
    members(
        value,
        {"grant": GRANT, "proof": text_lines(8 << 10), "record": data(1, 8 << 10), "v": VERSION},
    )


def text_lines(longest):
    def check(value):
        demand(isinstance(value, str) and len(value.encode()) <= longest, "too long")

    return check


def log_head(value):
    members(value, {"root": DIGEST, "size": integer(0, 2**53 - 1)})
    empty = to_base64url(hashlib.sha256(b"").digest())
    demand(value["size"] or value["root"] == empty, "no such head")


def log_number(value):
    """The retailer and the number of its log, from its name."""
    demand(isinstance(value, str), "not a log")
    name = re.fullmatch(r"(.+?)/besace(?:/([2-9]|[1-5][0-9]|6[0-4]))?", value, re.ASCII)
    demand(name, "not the log of a retailer")
    domain(name[1])
    return name[1], int(name[2] or 1)


def restoration(value):
    left = {"head": log_head, "kept": integer(0, 2**53 - 1), "log": log_number, "log_key": signing_key}
    members(
        value,
        {
            "at": TIME,
            "controller": domain,
            "controller_key": signing_key,
            "from": lambda f: members(f, left),
            "to": lambda t: members(t, {"log": log_number, "log_key": signing_key}),
            "v": VERSION,
        },
    )
    old, new = value["from"], value["to"]
    demand(1 <= old["head"]["size"] >= old["kept"], "keeps more than there was, or nothing was")
    (of, first), (to, then) = log_number(old["log"]), log_number(new["log"])
    demand(of == to == value["controller"] and then == first + 1, "not the log after it")
    keys = {value["controller_key"], old["log_key"], new["log_key"]}
    demand(len(keys) == 3, "one key in two roles")


def use_statement(value):
    members(
        value, {"day": DAY, "grant": GRANT, "stated": TIME, "uses": use_head, "v": VERSION}
    )
    demand(value["stated"] // DAY_SECONDS == value["day"], "of another day")


def plain_record(value):
    released = {"commit": DIGEST, "day": DAY, "grant": GRANT}
    kinds = {
        "released": released,
        "release_received": released,
        "disclosed": {
            "categories": increasing(one_of(*sorted(set().union(*CATEGORIES.values()))), 6),
            "digest": DIGEST,
            "grant": GRANT,
        },
        "disclosure_received": {"digest": DIGEST, "grant": GRANT},
        "use": {
            "action": one_of(
                "recognised",
                "recognised_unbound",
                "greeted",
                "identified",
                "debited",
                "wish_accepted",
                "receipt_found",
            ),
            "counter": integer(0, 2**53 - 1),
            "grant": GRANT,
            "prev": DIGEST,
            "shop": shop_code,
        },
        "deleted": {
            "days": increasing(DAY, 64 << 10),
            "grant": GRANT,
            "reason": one_of("day_over", "withdrawn", "expired", "revoked", "superseded"),
        },
        "published": {"digest": DIGEST},
        "anchor": {
            "cause": one_of("restore", "rollback", "rekey"),
            "head": log_head,
            "log": identifier("log"),
        },
        "delegated": {"call": data(0, 64 << 10)},
        "discrepancy": {"continuation": DIGEST, "shown": text_lines(64 << 10)},
    }
    demand(isinstance(value, dict), "not an object")
    kind = value.get("kind")
    demand(isinstance(kind, str) and kind in kinds, "of no known kind")
    optional = {"intention": identifier("intention")} if kind == "use" else {}
    members(value, {"at": TIME, "kind": one_of(kind), **kinds[kind]}, optional)
    accepted = value.get("action") == "wish_accepted"
    demand(("intention" in value) == accepted, "a wish of another use than its acceptance")


# typ, longest document in bytes, rules, and the members that name the signers' keys.
DOCUMENTS = {
    "besace-acknowledgement+jws": (8 << 10, acknowledgement, {}),
    "besace-disclosure+jws": (32 << 10, disclosure, {}),
    "besace-erasure+jws": (16 << 10, erasure, {}),
    "besace-grant+jws": (
        64 << 10,
        grant,
        {"controller": "controller_key", "subject": "subject_key"},
    ),
    "besace-manifest+jws": (1 << 20, manifest, {"controller": "controller_key"}),
    "besace-objection+jws": (8 << 10, objection, {"subject": "subject_key"}),
    "besace-opening+jws": (32 << 10, opening, {}),
    "besace-release+jws": (8 << 10, release, {}),
    "besace-request+jws": (64 << 10, request, {"controller": "controller_key"}),
    "besace-restoration+jws": (8 << 10, restoration, {"controller": "controller_key"}),
    "besace-revocation+jws": (8 << 10, revocation, {}),
    "besace-use-statement+jws": (8 << 10, use_statement, {}),
    "besace-withdrawal+jws": (8 << 10, withdrawal, {"subject": "subject_key"}),
}
