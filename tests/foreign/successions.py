"""Pseudonyms that went on in other logs, for the second auditor: spec/succession.md, spec/audit.md (S1, S2). It shares no code with the first."""
import verify

CAUSES = ("restore", "rollback", "rekey")


def signers(kind, payload):
    """The keys that sign a continuation, by role: the one that is left, and the one that is taken where that is another."""
    if kind != "continuation":
        return {}
    old, new = payload["from"]["key"], payload["to"]["key"]
    return {"subject": old} | ({"successor": new} if old != new else {})


def formed(said):
    """Whether it is one: another log under another key, no key in two roles, and a new key of hers after a rekey alone."""
    try:
        old, new, head = said["from"], said["to"], said["from"]["head"]
        keys = {old["key"], new["key"]}
        well = old["log"] != new["log"] and old["log_key"] != new["log_key"] and not keys & {old["log_key"], new["log_key"]}
        well = well and said["cause"] in CAUSES and (len(keys) == 2) == (said["cause"] == "rekey") and said["v"] == 1
        return well and 0 <= head["size"] and (head["size"] > 0 or head["root"] == verify.encode(verify.sha()))
    except verify.UNREADABLE:
        return False


def is_one(record):
    """Whether a record says of itself that it is a continuation."""
    try:
        first = verify.canonical(record)["signatures"][0]
        return verify.canonical(verify.decode(first["protected"]))["typ"] == "besace-continuation+jws"
    except verify.UNREADABLE:
        return False


def read(audit, origin, entries, named):
    """A retailer's log: S1 where a continuation does not begin where its pseudonym stands, or leaves out what was shown. And the
    keys that it names for her logs, each with the place where it stands first."""
    standing, left, carried = set(), set(), not origin.endswith("/besace")
    for place, _, record in entries:
        kind, said = audit.signed(record)
        if kind == "grant":
            named.setdefault(said["subject_log"], {}).setdefault(verify.decode(said["subject_log_key"]), place)
            standing.add((said["subject_key"], said["subject_log"], said["subject_log_key"]))
        elif is_one(record):
            audit.check(follow(audit, said, audit.domains[origin]["domain"], standing, left, named, place, carried), "S1", place)
        elif (value := verify.canonical(record)).get("kind") == "discrepancy":
            audit.check(contradict(audit, value), "S1", place)


def follow(audit, said, domain, standing, left, named, place, carried):
    if not said or not formed(said) or said["controller"] != domain or said["from"]["log"] in left:
        return False
    old, new = said["from"], said["to"]
    if (old["key"], old["log"], old["log_key"]) in standing:
        standing.remove((old["key"], old["log"], old["log_key"]))
    elif not carried:  # a retailer that lost a store may have lost the grant that said where she stood
        return False
    left.add(old["log"])
    standing.add((new["key"], new["log"], new["log_key"]))
    audit.pseudonyms[new["key"]] = (first(audit, old["key"], place), place)
    named.setdefault(new["log"], {}).setdefault(verify.decode(new["log_key"]), place)
    again = new["log"] in audit.links
    audit.links[new["log"]] = said
    audit.next.setdefault(old["log"], new["log"])
    return not again


def contradict(audit, value):
    """Whether what was shown to the retailer is a head of the log that was left, and says more than the continuation; after a rekey
    nothing can."""
    link = next((one for one in audit.links.values() if one["digest"] == value.get("continuation")), None)
    if not link:
        return False
    old, known = link["from"], link["from"]["head"]
    shown = verify.head_of(str(value.get("shown")).encode(), old["log"], verify.decode(old["log_key"]))
    more = shown and (shown[0] > known["size"] or shown[0] == known["size"] and verify.encode(shown[1]) != known["root"])
    if more:
        audit.contradicted.add(link["digest"])
    return more and link["cause"] != "rekey"


def first(audit, key, place):
    """The key that a pseudonym began with; in the log that says how it went on, from there on."""
    began, where = audit.pseudonyms.get(key, (key, place))
    return key if where[0].split("/openings")[0] == place[0].split("/openings")[0] and place[1] < where[1] else began


def same(audit, key, other, place):
    """Of two keys the first, if both are of one pseudonym."""
    return key if key and first(audit, key, place) == first(audit, other, place) else other


def after(audit, origin):
    """The logs in which one went on, counted: a liar may let logs go on in a circle."""
    found = []
    while (origin := audit.next.get(origin)) and len(found) < len(audit.links):
        found.append(origin)
    return found


def continues(audit, origin, known):
    """Whether a log goes on from one that is here, be it by way of some that were lost."""
    for _ in audit.links:
        if origin not in audit.links:
            return False
        origin = audit.links[origin]["from"]["log"]
        if origin in known:
            return True
    return False


def chained(audit, books, known):
    """The books in their order, those of one pseudonym one after the other; S2 where one does not begin as its continuation says."""
    held, order = {origin: entries for _, origin, entries in books}, []
    for origin in sorted(one for one in known if not continues(audit, one, known)):
        order += [origin, *(one for one in after(audit, origin) if one in known)]
        audit.first |= {"logs/" + one: "logs/" + origin for one in order if "logs/" + one not in audit.first}
    order += sorted(known - set(order))
    for origin in order:
        for old, digest in ((audit.links[one]["from"], audit.links[one]["digest"]) for one in after(audit, origin)):
            if digest in audit.contradicted or old["log"] not in held or audit.heads[old["log"]][0] < old["head"]["size"]:
                audit.lost.add("logs/" + origin)
        for place, _, record in [one for one in held.get(origin, [])[:1] if one[0][1] == 0]:
            audit.check(begins(audit, audit.links.get(origin), verify.canonical(record), held), "S2", place)
    return sorted(books, key=lambda book: (not book[0], order.index(book[1]) if book[1] in order else 0))


def begins(audit, link, record, held):
    """Whether the first entry of a log fits the continuation to it, if there is one, and the log that it leaves ends there."""
    if record.get("kind") != "anchor" or not link:
        return record.get("kind") != "anchor" and not link
    old = link["from"]
    size, top = audit.heads[old["log"]] if old["log"] in held else (-1, b"")
    same = (record["log"], record["head"], record["cause"]) == (old["log"], old["head"], link["cause"])
    ends = size < old["head"]["size"] or size == old["head"]["size"] and verify.encode(top) == old["head"]["root"]
    return same and (ends if size >= 0 else link["cause"] != "rekey")


def fits(audit, payload, origin):
    """Whether a continuation in her log leads to a log of the same pseudonym."""
    return formed(payload) and audit.first.get("logs/" + payload["to"]["log"], payload["to"]["log"]) == audit.first.get("logs/" + origin, origin)
