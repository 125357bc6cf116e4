"""Which terms are narrower than which. spec/negotiation.md#order"""

GRANULARITIES = ("month", "week", "day", "exact")
NUMBERS = {
    "frequency_per_day": "frequency",
    "lookback_days": "lookback",
    "release_ahead_days": "release_ahead",
    "retention_days": "retention",
    "valid_days": "validity",
}
FIXED = {"base_benefit_conditional": "base_benefit", "purpose": "purpose", "scope": "scope"}


def _lasting(benefit):
    return benefit.get("until", float("inf"))


def benefit_at_least(a, b):
    if b["kind"] not in ("service", a["kind"]) or _lasting(a) < _lasting(b):
        return False
    if "amount" not in b:
        return True
    mine = a.get("amount", {"currency": None, "minor": 0})
    return mine["currency"] == b["amount"]["currency"] and mine["minor"] >= b["amount"]["minor"]


def exceeds(a, b):
    """The dimensions in which `a` is not narrower than `b`."""
    found = {name for member, name in FIXED.items() if a[member] != b[member]}
    found |= {name for member, name in NUMBERS.items() if a[member] > b[member]}
    found |= {name for name in ("recipients", "shops") if set(a[name]) - set(b[name])}
    for category, granularity in a["categories"].items():
        finest = b["categories"].get(category)
        if finest is None or GRANULARITIES.index(granularity) > GRANULARITIES.index(finest):
            found.add("categories")
    if not benefit_at_least(a["benefit"], b["benefit"]):
        found.add("benefit")
    return found


def asks_no_more(a, b):
    return exceeds(a, b) <= {"benefit"}


def _join(a, b):
    """The least benefit that is at least both, or None."""
    rich = [one for one in (a, b) if one["kind"] != "service"]
    amounts = [one["amount"] for one in rich]
    if len({one["kind"] for one in rich}) > 1 or len({one["currency"] for one in amounts}) > 1:
        return None
    joined = {"kind": rich[0]["kind"] if rich else "service"}
    if amounts:
        joined["amount"] = max(amounts, key=lambda one: one["minor"])
    if (until := max(_lasting(a), _lasting(b))) != float("inf"):
        joined["until"] = until
    return joined


def meet(a, b):
    """The greatest lower bound, or None."""
    benefit = _join(a["benefit"], b["benefit"])
    categories = {
        name: min(a["categories"][name], b["categories"][name], key=GRANULARITIES.index)
        for name in a["categories"].keys() & b["categories"].keys()
    }
    shops = sorted(set(a["shops"]) & set(b["shops"]))
    fixed = all(a[member] == b[member] for member in FIXED)
    if benefit is None or not categories or not shops or not fixed:
        return None
    numbers = {member: min(a[member], b[member]) for member in NUMBERS}
    recipients = sorted(set(a["recipients"]) & set(b["recipients"]))
    return a | numbers | {
        "benefit": benefit,
        "categories": categories,
        "recipients": recipients,
        "shops": shops,
    }
