"""What was said before the proposal that a grant takes (G3), and to whom nothing may be proposed (W4): spec/negotiation.md, spec/ends.md. For verify.py."""


def follows(requests, said):
    """Whether a proposal goes on from the one before it, and that from the request, as far as any of that turn is opened."""
    proposals = {digest[1]: one for digest, one in requests.items() if digest[0] == "proposal"}
    while said["turn"] > 1:
        before = [digest for digest, one in proposals.items() if (one["matter"], one["turn"]) == (said["matter"], said["turn"] - 1)]
        if said["prev"] not in before:
            return not before and said["prev"] not in proposals
        said = proposals[said["prev"]]
    return True


def heard(audit, kind, payload, place, theirs):
    """W4 unless the retailer proposes to nobody who objects by its own log; of two of a key the later counts, and in one second the one that objects."""
    counts = audit.__dict__.setdefault("objections", {})
    if theirs and kind == "objection":
        counts[payload["subject_key"]] = max(counts.get(payload["subject_key"], (0, False)), (payload["said"], payload["objects"]))
    elif theirs and kind == "proposal" and payload["turn"] == 2:
        audit.judge(place, W4=not counts.get(payload["subject_key"], (0, False))[1])
    return True
