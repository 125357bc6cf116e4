"""What was said before the proposal that a grant takes (G3): spec/negotiation.md. For verify.py."""


def follows(requests, said):
    """Whether a proposal goes on from the one before it, and that from the request, as far as any of that turn is opened."""
    proposals = {digest[1]: one for digest, one in requests.items() if digest[0] == "proposal"}
    while said["turn"] > 1:
        before = [digest for digest, one in proposals.items() if (one["matter"], one["turn"]) == (said["matter"], said["turn"] - 1)]
        if said["prev"] not in before:
            return not before and said["prev"] not in proposals
        said = proposals[said["prev"]]
    return True
