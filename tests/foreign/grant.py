"""Verifies both signatures of every grant in a folder of evidence with the library `joserfc`. spec/encoding.md.

    python grant.py EVIDENCE POLICY
"""

import base64
import json
import pathlib
import sys

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

# `role` is a parameter of ours.
REGISTRY = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def grants(evidence):
    for path in sorted(pathlib.Path(evidence, "logs").rglob("openings/*.jsonl")):
        for line in filter(None, path.read_bytes().split(b"\n")):
            document = json.loads(decode(json.loads(line)["record"]))
            if len(document.get("signatures", [])) == 2:
                yield path, document


def holds(payload, signature, x):
    """Whether the one signature is that of `x`, under the algorithm's own name (RFC 9864)."""
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
    try:
        jws.deserialize_json({"payload": payload, "signatures": [signature]}, key, registry=REGISTRY)
    except JoseError:
        return False
    return True


def main(evidence, policy_file):
    policy = json.loads(pathlib.Path(policy_file).read_bytes())
    trusted = {one["domain"]: one["key"] for one in policy["controllers"]}
    count = 0
    for path, document in grants(evidence):
        payload = document["payload"]
        grant = json.loads(decode(payload))
        keys = {"controller": trusted[grant["controller"]], "subject": grant["subject_key"]}
        other = base64.urlsafe_b64encode(decode(payload).replace(b'"v":1', b'"v":2')).decode().rstrip("=")
        roles = []
        for signature in document["signatures"]:
            header = json.loads(decode(signature["protected"]))
            role = header["role"]
            roles.append(role)
            foreign = keys["subject" if role == "controller" else "controller"]
            well = (
                header["typ"] == "besace-grant+jws"
                and holds(payload, signature, keys[role])
                # Neither other words, nor another's key.
                and not holds(other, signature, keys[role])
                and not holds(payload, signature, foreign)
            )
            if not well:
                sys.exit(f"{path}: the signature as {role} does not hold")
        if sorted(roles) != ["controller", "subject"]:
            sys.exit(f"{path}: not signed by both")
        count += 1
    if count == 0:
        sys.exit("no grant in the evidence")
    print(f"joserfc: {count} grants passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
