"""Validates impact assessments against their schema with the library `jsonschema`. spec/papers.md.

    python papers.py GATEWAY FOLDER

Makes papers of the gateway of FOLDER with the program GATEWAY, in both languages. Beside each assessment, one with each member left out or renamed
must be refused.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from jsonschema import Draft202012Validator

from receipt import once, spoiled

SCHEMA = pathlib.Path(__file__).parents[2] / "spec" / "papers.schema.json"


def main(gateway, folder):
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = bad = 0
    with tempfile.TemporaryDirectory() as home:
        marks = pathlib.Path(home, "marks")
        for lang in ("fr", "en"):
            out = pathlib.Path(home, lang)
            words = [gateway, "--folder", folder, "--marks", marks, "papers", "--lang", lang, "--out", out]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            (path,) = out.glob("*.json")
            assessment = json.loads(path.read_bytes(), object_pairs_hook=once)
            for error in validator.iter_errors(assessment):
                sys.exit(f"{path}: {error.json_path}: {error.message}")
            good += 1
            for other in spoiled(assessment):
                if validator.is_valid(other):
                    sys.exit(f"{path}: spoiled, and taken: {json.dumps(other)[:500]}")
                bad += 1
    print(f"papers: {good + bad} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
