"""Validates receipts against their schema with the library `jsonschema`. spec/receipt.md.

    python receipt.py FOLDER...

Where a receipt names the rule that gave, the grant has to commit to that one, and no other. Beside the receipts of each FOLDER, one with each member left out, renamed or put twice must be refused.
"""

import base64
import datetime
import hashlib
import json
import pathlib
import struct
import sys

from jsonschema import Draft202012Validator

SCHEMA = pathlib.Path(__file__).parents[2] / "spec" / "receipt.schema.json"


def once(pairs):
    """No name stands twice: most readers would keep the last, and a purpose would vanish."""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name stands twice")
    return dict(pairs)


def spoiled(value):
    """The same with one member less, for each member; what is ours inside a signed document is not looked at."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            for other in spoiled(one):
                yield [*value[:place], other, *value[place + 1 :]]
    elif isinstance(value, dict) and value.get("@type") != "@json":
        for name in value:
            rest = {other: one for other, one in value.items() if other != name}
            yield rest
            yield {**rest, f"{name}s": value[name]}
            for other in spoiled(value[name]):
                yield {**rest, name: other}


LABEL = b"besace consent/v1 rule"
RULE = bytes([len(LABEL)]) + LABEL


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def named_rule(receipt):
    """Whether the rule that a receipt names is the one that its grant commits to, and older; None if it names none."""
    record = receipt["dpv:hasRecordOfActivity"][0]
    told = record["dpv:hasConsentStatus"][0].get("besace:rule")
    if not told:
        return None
    document = record["besace:evidence"][0]["@value"]
    grant = json.loads(decode(document["payload"]))
    moment = datetime.datetime.fromisoformat(told[0]["besace:confirmed"][0]["@value"])
    confirmed = int(moment.timestamp())
    parts = struct.pack(">IIQ", told[0]["besace:number"][0], told[0]["besace:version"][0], confirmed)
    commitment = hashlib.sha256(RULE + decode(told[0]["besace:salt"][0]) + parts).digest()
    return decode(grant["indication"]["rule"]) == commitment and confirmed <= grant["given"]


STATES = {"ConsentGiven", "RenewedConsentGiven", "ConsentWithdrawn", "ConsentExpired", "ConsentRevoked"}


def main(*folders):
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = bad = named = 0
    states = set()
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).glob("*.json")):
        receipt = json.loads(path.read_bytes(), object_pairs_hook=once)
        for error in validator.iter_errors(receipt):
            sys.exit(f"{path}: {error.json_path}: {error.message}")
        states.add(receipt["@id"].rpartition("#")[2])
        if (rule := named_rule(receipt)) is not None:
            told = receipt["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0]["besace:rule"][0]
            for name, other in {"besace:number": [9], "besace:version": [9], "besace:salt": ["A" * 43]}.items():
                kept, told[name] = told[name], other
                rule &= not named_rule(receipt)
                told[name] = kept
            if not rule:
                sys.exit(f"{path}: the rule that it names did not give this, or is younger")
            named += 1
        good += 1
        for other in spoiled(receipt):
            if validator.is_valid(other):
                sys.exit(f"{path}: spoiled, and taken: {json.dumps(other)}")
            bad += 1
    if not named:
        sys.exit("no receipt names a rule")
    if states != STATES:
        sys.exit(f"{states} among the receipts, and not {STATES}")
    print(f"receipts: {good + bad} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
