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


def closed(answer, place, revoked):
    """What the retailer signed of uses and deleted days when it ended, when and where: with its answer, else by ending it."""
    if answer or not revoked:
        return answer, place
    said, where = revoked[0][:2]
    return said | {"acknowledged": said["revoked"]}, where
