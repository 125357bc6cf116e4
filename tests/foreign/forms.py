"""The form of records (G2): members, bounds, one purpose, how consent was expressed, no hold on ordinary benefits. For verify.py.

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
    """Whether a record has its form: a plain one, or one of these that are signed; of others nothing is said here."""
    if kind not in (*KINDS, "plain"):
        return True
    longest, rule, _ = consent_rules.DOCUMENTS.get(f"besace-{kind}+jws", (64 << 10, consent_rules.plain_record, {}))
    try:
        said = verify.canonical(record)
        rule(said if kind == "plain" else verify.canonical(verify.decode(said["payload"])))
    except (Refused, *verify.UNREADABLE):
        return False
    return len(record) <= longest
