"""What others did for her, for the second auditor: spec/mandate.md, spec/audit.md (U10). It shares no code with the first."""
import verify
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ACTS = {"narrow": "narrow", "refuse": "refuse", "withdraw": "withdraw", "write_rule": "write_rules"}
MEMBERS = {"narrow": {"act", "bounds", "purpose", "rule", "was"}, "refuse": {"act", "controller", "request"},
           "withdraw": {"act", "controller", "grant"}, "write_rule": {"act", "purpose"}}
LIFE = 396 * 86_400


def book(audit, place):
    """The mandates that one log tells of."""
    return audit.__dict__.setdefault("mandates", {}).setdefault(place[0].split("/openings")[0], {})


def take(audit, kind, payload, place):
    """Whether it is a mandate or its end; G1 or G2 where it is none that counts."""
    known = book(audit, place)
    if kind == "mandate":
        named, acts = payload.get("controllers", ["all"]), payload["acts"]
        well = acts == sorted(set(acts) & set(ACTS.values())) and acts and named == sorted(set(named)) and 0 < len(named) <= 64
        well = well and payload["issued"] < payload["expires"] <= payload["issued"] + LIFE
        if audit.check(well and payload["delegate_key"] != payload["subject_key"] and payload["v"] == 1, "G2", place):
            before = known.get(payload["id"], {"ended": None, "seen": set()})
            known[payload["id"]] = before | {"mandate": payload}
    elif kind == "mandate-withdrawal":
        mandate = known.get(payload["mandate"])
        right = mandate and (mandate["mandate"]["digest"], mandate["mandate"]["subject_key"])
        if mandate and audit.check(right == (payload["mandate_digest"], payload["subject_key"]), "G1", place):
            mandate["ended"] = mandate["ended"] or place
    return kind in ("mandate", "mandate-withdrawal")


def acted(audit, kind, value, place):
    """Whether it is something that was done for her; U10 where no mandate covers it."""
    if kind == "delegated":
        try:
            well = covered(book(audit, place), value)
        except verify.UNREADABLE:
            well = False
        audit.judge(place, U10=well)
    return kind == "delegated"


def covered(known, value):
    call = verify.canonical(verify.decode(value["call"]))
    payload, (part,) = verify.canonical(verify.decode(call["payload"])), call["signatures"]
    mandate = known[payload["mandate"]]
    given, act = mandate["mandate"], payload["body"]
    key = verify.decode(given["delegate_key"])
    Ed25519PublicKey.from_public_bytes(key).verify(verify.decode(part["signature"]), f"{part['protected']}.{call['payload']}".encode())
    kid = verify.encode(verify.sha(key, label=b"besace keys/v1 key id")[:16])
    header = verify.canonical(verify.decode(part["protected"]))
    right = {"alg": "Ed25519", "iat": header["iat"], "kid": kid, "role": "delegate", "typ": "besace-delegate-call+jws"}
    address = {"htm": "POST", "htu": "/v1/delegate/acts"}
    well = header == right and {**payload, **address} == payload and len(payload) == 5 and not mandate["ended"]
    well = well and abs(header["iat"] - value["at"]) <= 90 and given["issued"] <= value["at"] < given["expires"]
    well = well and payload["jti"] not in mandate["seen"] and ACTS[act["act"]] in given["acts"]
    well = well and MEMBERS[act["act"]] <= set(act) <= MEMBERS[act["act"]] | ({"controllers"} if act["act"] in ("narrow", "write_rule") else set())
    asked = [act["controller"]] if "controller" in act else act.get("controllers")
    well = well and asked != [] and ("controllers" not in given or asked is not None and set(asked) <= set(given["controllers"]))
    if well and act["act"] == "narrow":
        well = narrower(act["bounds"], act["was"])
    if well:
        mandate["seen"].add(payload["jti"])
    return well


def narrower(to, was):
    promised, least = to["benefit"], was["benefit"]
    enough = least["kind"] in ("service", promised["kind"]) and promised.get("until", 2**60) >= least.get("until", 2**60)
    if "amount" in least:
        mine = promised.get("amount", {"currency": None, "minor": 0})
        enough = enough and mine["currency"] == least["amount"]["currency"] and mine["minor"] >= least["amount"]["minor"]
    shops = "shops" not in was or "shops" in to and set(to["shops"]) <= set(was["shops"])
    sets = [{name: bounds[name] for name in bounds if name not in ("benefit", "shops")} for bounds in (to, was)]
    return to != was and enough and shops and verify.asks(sets[0]) <= verify.asks(sets[1])
