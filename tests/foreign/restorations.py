"""Logs that a retailer began after it lost a store, for the second auditor: spec/restoration.md, spec/audit.md (S3). It shares no code with the first."""
import re

import verify

NUMBER = "/([2-9]|[1-5][0-9]|6[0-4])"
RETAILER = f"([a-z0-9.-]+)/besace(?:{NUMBER})?"


def home(origin):
    """The domain of a retailer's log."""
    found = re.fullmatch(RETAILER, origin)
    return found and found[1]


def logs(policy):
    """The pinned logs of retailers: those that they write, and those before that are named."""
    pinned = {one["domain"] + "/besace" + (f"/{one['log']}" if "log" in one else ""): one for one in policy["controllers"]}
    shops = {one["domain"]: one for one in policy["controllers"]}
    for text in policy.get("logs", []):
        origin, _, key = text.split("+", 2)
        if home(origin) in shops:
            pinned.setdefault(origin, {**shops[home(origin)], "log_key": verify.encode(verify.decode(key, b"+/")[1:])})
    return pinned


def begins(audit, signed, record, place, origin):
    """S3 unless the first entry of a log after the first is a restoration; one whose signatures do not hold is found as that."""
    if place[1] == 0 and re.fullmatch(RETAILER, origin) and re.search(NUMBER + "$", origin) and (signed[0] or b'"signatures"' not in record):
        audit.check(signed[0] == "restoration", "S3", place)
    return signed


def take(audit, kind, payload, place, theirs, lives, origin):
    """Whether it has the form; a restoration ends every grant of before, and is one of a chain: S3 if not."""
    if kind != "restoration":
        return True
    try:
        old, new, head, at = payload["from"], payload["to"], payload["from"]["head"], payload["at"]
        numbers = [int(re.fullmatch(RETAILER, one["log"])[2] or 1) for one in (old, new)]
        well = numbers[1] == numbers[0] + 1 and home(old["log"]) == home(new["log"]) == payload["controller"] and payload["v"] == 1
        well = well and 0 <= old["kept"] <= head["size"] > 0 and len({old["log_key"], new["log_key"], payload["controller_key"]}) == 3
    except verify.UNREADABLE:
        well = False
    if not well:
        return False
    fits = not theirs or (new["log"], place[1]) == (origin, 0)
    fits = fits and all(audit.domains.get(one["log"], one)["log_key"] == one["log_key"] for one in (old, new))
    fits = fits and audit.begun.get(old["log"], (0, old["log_key"], 0))[1] == old["log_key"] and audit.begun.get(old["log"], (0, 0, 0))[2] < at
    size, top = audit.heads.get(old["log"], (0, b""))
    fits = fits and size <= head["size"] and (size < head["size"] or verify.encode(top) == head["root"])
    said = (payload["digest"], new["log_key"], at)
    if audit.check(fits and audit.begun.setdefault(new["log"], said) == said, "S3", place):
        audit.restored.setdefault(payload["controller"], []).append(at)
        for life in lives.values():
            life["restored"] |= life["controller"] == payload["controller"] and life["given"] < at
        if theirs:
            audit.since[origin] = at
            audit.moment(at, place)
    return True


def over(audit, pair):
    """The moments at which a retailer ended a grant with all others."""
    return [at for at in audit.restored.get(pair[0]["controller"], []) if at > pair[0]["given"]]
