"""Validates receipts against their schema with the library `jsonschema`. spec/receipt.md.

    python receipt.py FOLDER...

Beside the receipts of each FOLDER, one with each member left out, renamed or put twice must be refused.
"""

import json
import pathlib
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


STATES = {"ConsentGiven", "RenewedConsentGiven", "ConsentWithdrawn", "ConsentExpired", "ConsentRevoked"}


def main(*folders):
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = bad = 0
    states = set()
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).glob("*.json")):
        receipt = json.loads(path.read_bytes(), object_pairs_hook=once)
        for error in validator.iter_errors(receipt):
            sys.exit(f"{path}: {error.json_path}: {error.message}")
        states.add(receipt["@id"].rpartition("#")[2])
        good += 1
        for other in spoiled(receipt):
            if validator.is_valid(other):
                sys.exit(f"{path}: spoiled, and taken: {json.dumps(other)}")
            bad += 1
    if states != STATES:
        sys.exit(f"{states} among the receipts, and not {STATES}")
    print(f"receipts: {good + bad} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
