"""Documents of consent, what answers what, records, uses, sealed messages, states. spec/consent.md"""

import hashlib

import hpke
import topic_id
import topic_json
import topic_jws
from consent_rules import DOCUMENTS, NOTICE_LEN_MAX, demand, notice, plain_record
from encoding import from_base64url, label, to_base64url
from refused import Refused

RECORD_LEN_MAX = 64 << 10
USE_CHAIN = label("besace log/v1 use chain")


def digest(data):
    return to_base64url(hashlib.sha256(data).digest())


def document(body, typ, signers):
    """Payload and its digest, when `signers` ({role: public key}) signed a good document."""
    limit, rules, named = DOCUMENTS[typ]
    payload = topic_jws.verify(body, typ, signers, limit)
    value = topic_json.parse_exact(payload, len(payload))
    rules(value)
    for role, member in named.items():
        if role in signers:
            demand(from_base64url(value[member]) == signers[role], "signed by another key")
    return value, digest(payload)


def pinned(header):
    return {role: from_base64url(header[role]) for role in topic_jws.ROLES if role in header}


def signers_of(typ, header):
    """Those of the pinned keys that sign `typ`: a grant is answered by one, but signed by two."""
    return {role: key for role, key in pinned(header).items() if role in topic_jws.TYPES[typ]}


def _document(header, body):
    signers = pinned(header)
    value, payload_digest = document(body, header["typ"], signers)
    demand(payload_digest == header["digest"], "another digest")
    seeds = {r: bytes.fromhex(header[f"{r}-seed"]) for r in signers if f"{r}-seed" in header}
    if seeds:
        times = {role: int(header[f"{role}-time"]) for role in seeds}
        again = topic_jws.sign(topic_json.canonical(value), header["typ"], seeds, times)
        demand(again == body, "signs to other bytes")


def _answers_request(grant, request, request_digest, header):
    for name in ("controller", "controller_key", "terms"):
        demand(grant[name] == request[name], f"another {name}")
    demand("proposal" not in grant, "takes a proposal")
    demand(grant["request"] == request_digest, "another request")
    demand(grant["request_id"] == request["id"], "another request")
    demand(grant["notice"] == request["notice"]["digest"], "another notice")
    demand(request["issued"] <= grant["given"] < request["expires"], "the request was not open")
    demand(grant["given"] <= int(header["now"]) + int(header["skew"]), "from the future")


def _answers_end(erasure, grant, grant_digest, header):
    demand(erasure["controller"] == grant["controller"], "another controller")
    demand(erasure["grant"] == grant["id"], "another grant")
    demand(erasure["grant_digest"] == grant_digest, "another grant")
    ended = None
    if "withdrawal" in header:
        typ = "besace-withdrawal+jws"
        withdrawal, ended = document(header["withdrawal"].encode(), typ, signers_of(typ, header))
        demand(withdrawal["grant"] == grant["id"], "a withdrawal of another grant")
    if "withdrawal" in erasure:
        demand(erasure["withdrawal"] == ended, "another withdrawal")
        received = int(header.get("acknowledged", erasure["erased"]))
        demand(erasure["erased"] >= received, "older than the acknowledgement")
    elif "revocation" in erasure:
        demand("revocation" in header, "another revocation")
        typ = "besace-revocation+jws"
        revoked, ended = document(header["revocation"].encode(), typ, signers_of(typ, header))
        demand(revoked["grant"] == grant["id"], "a revocation of another grant")
        demand(erasure["revocation"] == ended, "another revocation")
        demand(erasure["erased"] >= revoked["revoked"], "older than the revocation")
    else:
        demand(erasure["erased"] >= grant["expires"], "it had not run out")
    demand(erasure["categories"] == sorted(grant["terms"]["categories"]), "other categories")
    demand(erasure["recipients"] == grant["terms"]["recipients"], "other recipients")
    demand(erasure["erased"] <= int(header["now"]) + int(header["skew"]), "from the future")


def _answer(header, body):
    typ = header["typ"]
    value, _ = document(body, typ, signers_of(typ, header))
    to_typ = {
        "besace-grant+jws": "besace-request+jws",
        "besace-withdrawal+jws": "besace-grant+jws",
        "besace-acknowledgement+jws": "besace-withdrawal+jws",
        "besace-erasure+jws": "besace-grant+jws",
        "besace-revocation+jws": "besace-grant+jws",
        "besace-objection+jws": "besace-objection+jws",
    }[typ]
    to, to_digest = document(header["to"].encode(), to_typ, signers_of(to_typ, header))
    if typ == "besace-grant+jws":
        _answers_request(value, to, to_digest, header)
        return
    if typ == "besace-objection+jws":
        later = (value["said"], value["objects"]) > (to["said"], to["objects"])
        demand(later, "what was said before counts")
        return
    if typ == "besace-erasure+jws":
        _answers_end(value, to, to_digest, header)
        return
    demand(value["controller"] == to["controller"], "another controller")
    if typ == "besace-revocation+jws":
        demand(value["grant"] == to["id"], "another grant")
        demand(value["grant_digest"] == to_digest, "another grant")
        demand(value["revoked"] < to["expires"], "it had run out")
        return
    if typ == "besace-withdrawal+jws":
        demand(value["subject_key"] == to["subject_key"], "another pseudonym")
        demand(value["grant"] == to["id"], "another grant")
        demand(value["grant_digest"] == to_digest, "another grant")
    else:
        demand(value["grant"] == to["grant"], "another grant")
        demand(value["withdrawal"] == to_digest, "another withdrawal")


def _renewal(header, body):
    """A grant against the one whose place it takes."""
    typ = "besace-grant+jws"
    new, _ = document(body, typ, signers_of(typ, header))
    keys = {role: header.get(f"old-{role}", header[role]) for role in ("subject", "controller")}
    old, digest = document(header["old"].encode(), typ, signers_of(typ, {**header, **keys}))
    demand(new.get("supersedes") == {"digest": digest, "grant": old["id"]}, "another grant")
    demand(new["controller"] == old["controller"], "another controller")
    demand(new["subject_key"] == old["subject_key"], "another pseudonym")
    demand(new["terms"]["purpose"] == old["terms"]["purpose"], "another purpose")
    demand(old["given"] <= new["given"] < old["expires"], "it could not be used then")


def _change(header, body):
    typ, signers, now = "besace-manifest+jws", pinned(header), int(header["now"])
    value, _ = document(body, typ, signers)
    demand(value["controller"] == header["domain"], "on another domain")
    demand(value["issued"] <= now + int(header["skew"]) and now < value["expires"], "not now")
    if "pinned" not in header:
        return
    signers = {"controller": from_base64url(header.get("pinned-key", header["controller"]))}
    old, _ = document(header["pinned"].encode(), typ, signers)
    for name in ("controller_key", "log_key"):
        demand(value[name] == old[name], "other keys")
    newer = value["sequence"] > old["sequence"]
    demand(newer or value == old, "older, or another of the same number")


def _notice(header, body):
    asked, _ = document(header["request"].encode(), "besace-request+jws", pinned(header))
    value = topic_json.parse_exact(body, NOTICE_LEN_MAX)
    notice(value)
    demand(topic_json.canonical(value) == body, "a second spelling")
    demand(digest(body) == asked["notice"]["digest"], "another notice")
    for name in ("language", "version"):
        demand(value[name] == asked["notice"][name], f"another {name}")
    for name in ("purpose", "recipients", "retention_days"):
        demand(value[name] == asked["terms"][name], f"another {name}")


def record(body):
    """What kind of record it is."""
    if body.startswith(b'{"payload":'):
        topic_jws.parse(body, RECORD_LEN_MAX)
        return "signed"
    value = topic_json.parse_exact(body, RECORD_LEN_MAX)
    plain_record(value)
    return value["kind"]


def _record(header, body):
    demand(record(body) == header["kind"], "of another kind")


def use_chain(grant, uses):
    """Count and head of `uses` ([(salt, record)]), each the one that comes next."""
    count, head = 0, hashlib.sha256(USE_CHAIN + topic_id.parse(grant, "grant")).digest()
    for salt, body in uses:
        demand(len(salt) == 32, "a salt has 32 bytes")
        demand(record(body) == "use", "not a use")
        value = topic_json.parse_exact(body, RECORD_LEN_MAX)
        demand(value["grant"] == grant, "of another grant")
        demand(value["counter"] == count + 1, "a use is left out or told twice")
        demand(value["prev"] == to_base64url(head), "not the use that comes next")
        count += 1
        head = hashlib.sha256(USE_CHAIN + salt + hashlib.sha256(body).digest()).digest()
    return count, to_base64url(head)


def _uses(header, body):
    lines = [line.split(b" ", 1) for line in body.splitlines()]
    uses = [(bytes.fromhex(salt.decode()), text) for salt, text in lines]
    count, head = use_chain(header["grant"], uses)
    demand((str(count), head) == (header["count"], header["head"]), "another count or head")


def _sealed(header, body):
    typ = header["typ"]
    grant = topic_id.parse(header["grant"], "grant")
    extra = {
        "besace-release+jws": lambda: int(header["day"]).to_bytes(4, "big"),
        "besace-disclosure+jws": lambda: b"",
        "besace-opening+jws": lambda: topic_id.parse(header["mail"], "mail"),
    }[typ]()
    context = typ.encode() + b"\0" + grant + extra
    if "context" in header:
        demand(context.hex() == header["context"], "another context")
    value = topic_json.parse_exact(body, 1 << 20)
    demand(sorted(value) == ["ciphertext", "encapsulated"], "other members")
    encapsulated = from_base64url(value["encapsulated"])
    demand(len(encapsulated) == 32, "an encapsulated key has 32 bytes")
    recipient = bytes.fromhex(header["recipient-secret"])
    sender = from_base64url(header["sender"])
    info = label("besace seal/v1 message") + sender + hpke.public(recipient)
    ciphertext = from_base64url(value["ciphertext"])
    inside = hpke.open_auth(encapsulated, recipient, sender, info, context, ciphertext)
    inner, _ = document(inside, typ, pinned(header))
    demand(inner["grant"] == header["grant"], "of another grant inside")
    demand("day" not in header or inner["day"] == int(header["day"]), "of another day inside")


FINAL = ("expired", "withdrawn", "revoked", "superseded")


def after(state, event, expires, now):
    """The state that follows; Refused where nothing does."""
    if state in ("given", "active") and now >= expires:
        state = "expired"
    if event == "tick":
        return state
    if event == "withdrawn" and state in ("given", "active", "expired", "revoked", "superseded"):
        return "withdrawn"
    demand(state not in FINAL, "the grant is over")
    outcomes = {"countersigned": "active", "revoked": "revoked", "superseded": "superseded"}
    return outcomes[event]


def _life(header, body):
    for line in body.decode().splitlines():
        state, event, now, outcome = line.split(" ")
        try:
            told = after(state, event, int(header["expires"]), int(now))
        except Refused:
            told = "refused"
        demand(told == outcome, f"{line}: {told}")


CHECKERS = {
    "document": _document,
    "answer": _answer,
    "change": _change,
    "notice": _notice,
    "record": _record,
    "uses": _uses,
    "sealed": _sealed,
    "life": _life,
    "renewal": _renewal,
}


def check(header, body):
    CHECKERS[header["what"]](header, body)
