#!/usr/bin/env python3
"""Recomputes every vector of spec/vectors without any of the project's Rust code.

Needs the standard library and `cryptography`. Each folder of spec/vectors has a module
topic_<folder>.py beside this file with one function, check(header, body), which raises Refused where
the specification refuses. Anything else that is raised is a broken vector or a broken checker.
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent.parent / "spec" / "vectors"


def read_case(path):
    head, _, body = path.read_bytes().partition(b"\n\n")
    header = {}
    for line in head.decode("utf-8").split("\n"):
        key, colon, value = line.partition(": ")
        if not colon or key in header:
            raise ValueError(f"not one `key: value` a line: {line}")
        header[key] = value
    if next(iter(header)) != "expect" or header["expect"] not in ("ok", "refused"):
        raise ValueError("the first line is not the expectation")
    return header, body


def judge(checker, path):
    """What is wrong with a case, or None."""
    from refused import Refused

    header, body = read_case(path)
    try:
        checker.check(header, body)
    except Refused as refusal:
        return None if header["expect"] == "refused" else f"refused: {refusal}"
    return None if header["expect"] == "ok" else "accepted, though it must be refused"


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE))
    passed = failed = 0
    for folder in sorted(VECTORS.iterdir()):
        try:
            checker = importlib.import_module(f"topic_{folder.name}")
        except ModuleNotFoundError as error:
            if error.name != f"topic_{folder.name}":
                raise
            print(f"{folder.name}: no checker topic_{folder.name}.py")
            failed += 1
            continue
        for path in sorted(folder.iterdir()):
            try:
                fault = judge(checker, path)
            except Exception as error:  # a broken vector must not look like a refusal
                fault = f"broken: {error!r}"
            if fault is None:
                passed += 1
            else:
                failed += 1
                print(f"{folder.name}/{path.name}: {fault}")
    print(f"vectors: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
