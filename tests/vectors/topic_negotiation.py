"""The order of terms, the messages of a negotiation, and which of them follow each other. spec/negotiation.md

`what` is `order`, `document`, `transcript` or `rule`. An order has {"a", "b"} as its body, names the dimensions in which a goes
beyond b, and their meet. A document has `by`, who signs. A transcript is one message a line; `request` is what they are
about, `id` the negotiation, `stands` where they end. A rule is its name, and how a grant with this `salt` names it.
"""

import topic_json
import topic_jws
from consent_rules import (
    DIGEST,
    DOCUMENTS,
    TIME,
    VERSION,
    demand,
    domain,
    identifier,
    integer,
    members,
    one_of,
    signing_key,
    terms,
)
from encoding import from_base64url, label
from terms_order import asks_no_more, exceeds, meet
from topic_consent import digest, document

PROPOSAL_SECONDS_MAX = 14 * 86400
SKEW = 90


def matter(value):
    members(
        value,
        {
            "controller": domain,
            "controller_key": signing_key,
            "id": identifier("negotiation"),
            "request": DIGEST,
            "subject_key": signing_key,
        },
    )
    demand(value["subject_key"] != value["controller_key"], "one key on both sides")


def proposal(value):
    members(
        value,
        {
            "expires": TIME,
            "issued": TIME,
            "matter": matter,
            "prev": DIGEST,
            "terms": terms,
            "turn": integer(1, 3),
            "v": VERSION,
        },
    )
    first = value["prev"] == value["matter"]["request"]
    demand(first == (value["turn"] == 1), "the first proposal, and it alone, answers the request")
    demand(value["issued"] < value["expires"], "ends before it begins")
    demand(value["expires"] <= value["issued"] + PROPOSAL_SECONDS_MAX, "binds too long")


def agreement(value):
    members(value, {"agreed": TIME, "matter": matter, "prev": DIGEST, "v": VERSION})


def refusal(value):
    of_both = ("declined", "diverged")
    reasons = {"subject": of_both, "controller": (*of_both, "expired", "too_fast")}
    members(
        value,
        {
            "by": one_of(*reasons),
            "matter": matter,
            "prev": DIGEST,
            "reason": one_of(*reasons["controller"]),
            "refused": TIME,
            "v": VERSION,
        },
    )
    demand(value["reason"] in reasons[value["by"]], "not a reason of hers")


DOCUMENTS |= {
    "besace-agreement+jws": (8 << 10, agreement, {}),
    "besace-proposal+jws": (64 << 10, proposal, {}),
    "besace-refusal+jws": (8 << 10, refusal, {}),
}


def _order(header, body):
    value = topic_json.parse_exact(body, len(body))
    members(value, {"a": terms, "b": terms})
    a, b = value["a"], value["b"]
    beyond = " ".join(sorted(exceeds(a, b))) or "nothing"
    demand(beyond == header["exceeds"], f"beyond in {beyond}")
    both = meet(a, b)
    demand(both == meet(b, a), "the meet minds the order")
    text = "none" if both is None else topic_json.canonical(both).decode()
    demand(text == header["meet"], f"meet {text}")
    demand((both == a) == (not exceeds(a, b)), "order and meet differ")


def _by(typ, value):
    """The roles that must have signed."""
    if typ == "besace-proposal+jws":
        return ["controller" if value["turn"] == 2 else "subject"]
    if typ == "besace-refusal+jws":
        return [value["by"]]
    return ["controller"]


def _document(header, body):
    typ, by = header["typ"], header["by"]
    value, payload_digest = document(body, typ, {by: from_base64url(header[by])})
    demand([by] == _by(typ, value), "signed by the other side")
    demand(value["matter"][f"{by}_key"] == header[by], "names another key")
    demand(payload_digest == header["digest"], "another digest")
    seeds, times = {by: bytes.fromhex(header["seed"])}, {by: int(header["time"])}
    again = topic_jws.sign(topic_json.canonical(value), typ, seeds, times)
    demand(again == body, "signs to other bytes")


class Transcript:
    """Where a negotiation stands, as `state`: asked, proposed, agreed, given, settled or refused."""

    def __init__(self, header):
        keys = {role: from_base64url(header[role]) for role in ("subject", "controller")}
        request, request_digest = document(
            header["request"].encode(), "besace-request+jws", {"controller": keys["controller"]}
        )
        self.keys, self.request = keys, request
        self.matter = {
            "controller": request["controller"],
            "controller_key": header["controller"],
            "id": header["id"],
            "request": request_digest,
            "subject_key": header["subject"],
        }
        self.state, self.last, self.head = "asked", None, request_digest

    def read(self, line):
        """Type, payload, digest and who signed, if it is of this negotiation."""
        _, parts = topic_jws.parse(line, 64 << 10)
        typ = parts[0][1]["typ"]
        demand(typ in (*NEW, "besace-grant+jws"), "no message of a negotiation")
        roles = {header["role"] for _, header, _ in parts}
        value, payload_digest = document(line, typ, {role: self.keys[role] for role in roles})
        if typ == "besace-grant+jws":
            demand("subject" in roles, "a grant that she did not sign")
            for name in ("request", "controller", "subject_key"):
                demand(value[name] == self.matter[name], "of another negotiation")
        else:
            demand(value["matter"] == self.matter, "of another negotiation")
            demand(sorted(roles) == _by(typ, value), "signed by the other side")
        return typ, value, payload_digest, roles

    def append(self, line):
        typ, value, payload_digest, roles = self.read(line)
        demand(self.state not in ("settled", "refused"), "it is over")
        kind = typ.removeprefix("besace-").removesuffix("+jws")
        getattr(self, f"_{kind}")(value, payload_digest, roles)

    def _refusal(self, value, *_):
        demand(self.state != "given" or value["by"] != "subject", "she gave")
        self.state = "refused"

    def _proposal(self, value, payload_digest, _):
        asked = self.request
        if self.state == "asked":
            turn, most, since = 1, asked["terms"], asked["issued"]
        else:
            demand(self.state == "proposed", "not due")
            turn, since = self.last["turn"] + 1, self.last["issued"]
            most = asked["terms"] if turn == 2 else self.last["terms"]
            demand(value["terms"] != self.last["terms"], "the same terms")
            demand(value["issued"] < self.last["expires"], "answers too late")
            offered = [asked["terms"], *asked.get("alternatives", [])]
            demand(turn != 2 or self.last["terms"] not in offered, "its word is broken")
        demand(value["turn"] == turn and value["prev"] == self.head, "not due")
        demand(asks_no_more(value["terms"], most), "asks more")
        demand(value["issued"] + SKEW >= since, "before what it answers")
        demand(value["expires"] <= asked["expires"], "binds longer than the request stands")
        self.state, self.last, self.head = "proposed", value, payload_digest

    def _agreement(self, value, payload_digest, _):
        demand(self.state == "proposed" and self.last["turn"] != 2, "not due")
        demand(value["prev"] == self.head, "agrees to something else")
        stood = self.last["issued"] <= value["agreed"] + SKEW and value["agreed"] < self.last["expires"]
        demand(stood, "agreed while it did not stand")
        self.state = "agreed"

    def _grant(self, value, payload_digest, roles):
        if self.state == "given":
            demand(len(roles) == 2 and payload_digest == self.head, "another grant")
            self.state = "settled"
            return
        demand(len(roles) == 1, "not due")
        request = self.request
        for name in ("controller_key", "notice", "id"):
            theirs = {"notice": request["notice"]["digest"]}.get(name, request[name])
            demand(value["request_id" if name == "id" else name] == theirs, f"another {name}")
        demand(request["issued"] <= value["given"] < request["expires"], "the request was not open")
        # What is asked, word for word, is given without a negotiation.
        countered = self.state == "proposed" and self.last["turn"] == 2
        demand(countered or self.state == "agreed", "not due")
        demand(value.get("proposal") == self.head, "another proposal")
        demand(value["terms"] == self.last["terms"], "other terms")
        stood = self.last["issued"] <= value["given"] + SKEW
        demand(stood and value["given"] < self.last["expires"], "the proposal did not stand")
        self.state, self.head = "given", payload_digest


NEW = ("besace-agreement+jws", "besace-proposal+jws", "besace-refusal+jws")


def _transcript(header, body):
    transcript = Transcript(header)
    for line in body.splitlines():
        transcript.append(line)
    demand(transcript.state == header["stands"], f"stands at {transcript.state}")


def _rule(header, body):
    name = topic_json.parse_exact(body, 256)
    u32 = integer(0, 2**32 - 1)
    members(name, {"confirmed": TIME, "number": u32, "version": u32})
    widths = (("number", 4), ("version", 4), ("confirmed", 8))
    fields = b"".join(name[field].to_bytes(width, "big") for field, width in widths)
    named = digest(label("besace consent/v1 rule") + bytes.fromhex(header["salt"]) + fields)
    demand(named == header["commitment"], "another commitment")


CHECKERS = {"order": _order, "document": _document, "rule": _rule, "transcript": _transcript}


def check(header, body):
    CHECKERS[header["what"]](header, body)
