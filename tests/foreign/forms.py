"""The form of what is signed (G2): members, bounds, one purpose, how consent was expressed, no hold on ordinary benefits. For verify.py.

The rules are those by which the vectors of the specification are judged (tests/vectors), written from its pages alone.
"""

import pathlib
import sys

import verify

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "vectors"))
import consent_rules  # noqa: E402: beside the vectors
from refused import Refused  # noqa: E402

KINDS = ("acknowledgement", "erasure", "grant", "objection", "request", "revocation", "withdrawal")


def hold(kind, record):
    """Whether a signed record of this kind has its form; of other kinds nothing is said here."""
    if kind not in KINDS:
        return True
    longest, rule, _ = consent_rules.DOCUMENTS[f"besace-{kind}+jws"]
    try:
        rule(verify.canonical(verify.decode(verify.canonical(record)["payload"])))
    except (Refused, *verify.UNREADABLE):
        return False
    return len(record) <= longest
