"""What ends a grant, beside its date: spec/consent.md, spec/revocation.md, spec/ends.md. For verify.py."""


def fits(kind, payload, life):
    """Whether a document about the end of a grant is one, after what stands before it."""
    erased, named, by = payload.get("erased", 0), payload.get("withdrawal"), payload.get("revocation")
    if kind == "revocation":
        return payload["revoked"] < life["expires"]
    if named:
        return named in life["said"]
    if by:
        known = life["revocation"] and life["revocation"][0]
        return bool(known) and known["digest"] == by and known["revoked"] <= erased
    return kind == "withdrawal" or erased >= life["expires"]


def closed(answer, revoked):
    """What the retailer signed of deleted days when it ended, and when: with its answer, else by ending it."""
    if answer or not revoked:
        return answer
    return revoked[0][0] | {"acknowledged": revoked[0][0]["revoked"]}


def counts(answer, place, revoked):
    """Each count of uses that the retailer signed when it ended, when and where: with its answer, and by ending it."""
    found = [(answer["uses"], answer["acknowledged"], place)] if answer else []
    return found + [(one[0]["uses"], one[0]["revoked"], one[1]) for one in revoked[:1]]


def passed(record, where, life):
    """Something left or arrived; data that arrives takes the place of what had arrived, and is kept so long."""
    life["things"].setdefault(record.get("commit") or record["digest"], where)
    if record["kind"] == "disclosure_received":
        life["held"] = (where[0] // 86_400 + life["terms"]["retention_days"]) * 86_400


def deleted(record, where, life):
    """Keys or data are gone. Until when the data was to be held that is; for ever if none is."""
    for day in record["days"]:
        life["deleted"].setdefault(day, where)
    data, until = not record["days"], life.get("held")
    if data or record["reason"] != "day_over":
        life["held"] = None
    return until if data and until else float("inf")
