"""Logs of a vault in which somebody acts for her: as a mandate allows, and in each way that none does.

    python planted_mandates.py      holds the second auditor to them; sabotage.py holds both to each other.
"""

import base64
import contextlib
import io
import sys

import forge
import verify

NOW, ORIGIN = 1_795_300_000, "log_" + "42" * 16
MANDATE = {"acts": ["narrow", "refuse", "withdraw"], "controllers": ["shop.example"], "delegate_key": forge.public(forge.STRANGER),
           "expires": NOW + verify.DAY, "id": "mandate_" + "07" * 16, "issued": NOW, "subject_key": forge.public(forge.HER), "v": 1}
BOUNDS = {"benefit": {"kind": "service"}, "categories": {"presence": "exact"}, "frequency_per_day": 3, "lookback_days": 0,
          "recipients": [], "release_ahead_days": 1, "retention_days": 12, "valid_days": 180}
WITHDRAW = {"act": "withdraw", "controller": "shop.example", "grant": "grant_" + "09" * 16}


def narrow(to, was):
    return {"act": "narrow", "bounds": {**BOUNDS, **to}, "controllers": ["shop.example"], "purpose": "recognition", "rule": 3,
            "was": {**BOUNDS, **was}}


def act(at, body=WITHDRAW, key=forge.STRANGER, role="delegate", signed=None, number=2, kind="delegate-call", **members):
    """The record of an act; what is wrong about it stands in the arguments."""
    payload = {"body": body, "htm": "POST", "htu": "/v1/delegate/acts", "jti": f"message_{number:032x}", "mandate": MANDATE["id"], **members}
    call = forge.sign(kind, payload, {role: key}, at if signed is None else signed)
    return forge.canonical({"at": at, "call": verify.encode(call), "kind": "delegated"})


def given(**members):
    return forge.sign("mandate", {**MANDATE, **members}, {"subject": forge.HER}, NOW)


def taken_back(at, **members):
    payload = {"mandate": MANDATE["id"], "mandate_digest": forge.digest(given()), "subject_key": MANDATE["subject_key"], "v": 1,
               "withdrawn": at, **members}
    return forge.sign("mandate-withdrawal", payload, {"subject": forge.HER}, at)


def stories():
    """A name, the records after the mandate and one good act, and which of them is found by which assertion."""
    soon = NOW + 20
    yield "as it allows", [act(soon)], {}
    yield "narrower", [act(soon, narrow({"retention_days": 7}, {}))], {}
    yield "named shops", [act(soon, narrow({"shops": ["00000001"]}, {}))], {}
    yield "confirmed again", [given(), act(soon)], {}
    yield "taken back", [taken_back(soon)], {}
    yield "another retailer", [act(soon, {**WITHDRAW, "controller": "other.example"})], {0: "U10"}
    yield "another act", [act(soon, {"act": "write_rule", "controllers": ["shop.example"], "purpose": "recognition"})], {0: "U10"}
    yield "everybody", [act(soon, {**narrow({"retention_days": 7}, {}), "controllers": ["other.example", "shop.example"]})], {0: "U10"}
    yield "an act that is none", [act(soon, {"act": "export"})], {0: "U10"}
    yield "wider", [act(soon, narrow({}, {"retention_days": 7}))], {0: "U10"}
    yield "no narrower", [act(soon, narrow({}, {}))], {0: "U10"}
    yield "shops left away", [act(soon, narrow({}, {"shops": ["00000001"]}))], {0: "U10"}
    yield "at its end", [act(NOW + verify.DAY)], {0: "U10"}
    yield "after she took it back", [taken_back(soon), act(NOW + 30)], {1: "U10"}
    yield "taken back, then shown again", [taken_back(soon), given(), act(NOW + 30)], {2: "U10"}
    yield "another key", [act(soon, key=forge.HER)], {0: "U10"}
    yield "another role", [act(soon, role="subject")], {0: "U10"}
    yield "another type", [act(soon, kind="call")], {0: "U10"}
    yield "another mandate", [act(soon, mandate="mandate_" + "08" * 16)], {0: "U10"}
    yield "another address", [act(soon, htu="/v1/delegate/view")], {0: "U10"}
    yield "too early", [act(soon, signed=soon + 91)], {0: "U10"}
    yield "too late", [act(soon, signed=soon - 91)], {0: "U10"}
    yield "a second time", [act(soon, number=1)], {0: "U10"}
    yield "no call", [forge.canonical({"at": soon, "call": "e30", "kind": "delegated"})], {0: "U10"}
    yield "a mandate for too long", [given(expires=NOW + 397 * verify.DAY)], {0: "G2"}
    yield "an end of another one", [taken_back(soon, mandate_digest=MANDATE["subject_key"])], {0: "G1"}


def bundles():
    """A name, the files, the policy, and what is to be found."""
    import sabotage  # which imports this file

    key = forge.HER_LOG.public_key().public_bytes_raw()
    name = verify.sha(ORIGIN.encode(), b"\n\1", key)[:4].hex()
    policy = {"controllers": [], "logs": [f"{ORIGIN}+{name}+{base64.b64encode(bytes([1]) + key).decode()}"],
              "now": NOW + 2 * verify.DAY, "v": 1}
    for title, records, found in stories():
        book = sabotage.Book({}, ORIGIN)
        book.entries = [verify.sha(b"a head of hers")] * 2
        book.entries += [(bytes([n]) * 32, record) for n, record in enumerate([given(), act(NOW + 10, number=1), *records])]
        file = f"logs/{ORIGIN}/openings/0.jsonl"
        yield f"mandates: {title}", book.files(forge.HER_LOG), policy, {(one, file, at + 4) for at, one in found.items()}


def main():
    wrong = 0
    for title, files, policy, found in bundles():
        audit = verify.Audit("/none", policy)
        audit.files = files
        with contextlib.redirect_stdout(io.StringIO()):
            audit.verdict()
        if audit.findings != found:
            wrong += 1
            print(f"{title}: {audit.findings}, not {found}")
    print(f"mandates: {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
