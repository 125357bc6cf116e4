"""Commitments, tree, proofs, signed notes, checkpoints, tiles. spec/log.md

Trees are computed and proofs checked by the recursive definitions of RFC 6962, section 2.1, not by
the iterative algorithms that the project's own code uses.
"""

import base64
import hashlib
import re

import ed25519
from encoding import from_base64url, label, to_base64url
from refused import Refused

SIZE_MAX = 2**53 - 1
NOTE_LEN_MAX = 64 << 10
RECORD_LEN_MAX = 64 << 10
LABEL_OF_DNS = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
ORIGIN = re.compile(rf"log_[0-9a-f]{{32}}|({LABEL_OF_DNS}\.)+{LABEL_OF_DNS}/besace(/([2-9]|[1-5][0-9]|6[0-4]))?", re.ASCII)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def commitment(salt, record):
    return sha256(label("besace log/v1 consent leaf"), salt, sha256(record))


def leaf(entry):
    return sha256(b"\0", entry)


def node(left, right):
    return sha256(b"\1", left, right)


def split(size):
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root(entries):
    if not entries:
        return sha256()
    if len(entries) == 1:
        return leaf(entries[0])
    k = split(len(entries))
    return node(root(entries[:k]), root(entries[k:]))


def path(index, entries):
    if len(entries) <= 1:
        return []
    k = split(len(entries))
    if index < k:
        return path(index, entries[:k]) + [root(entries[k:])]
    return path(index - k, entries[k:]) + [root(entries[:k])]


def subproof(old, entries, whole):
    if old == len(entries):
        return [] if whole else [root(entries)]
    k = split(len(entries))
    if old <= k:
        return subproof(old, entries[:k], whole) + [root(entries[k:])]
    return subproof(old - k, entries[k:], False) + [root(entries[:k])]


def consistency(old, entries):
    return subproof(old, entries, True) if old else []


def root_from_path(index, size, entry, proof):
    if size == 1:
        if proof:
            raise Refused("a proof too long")
        return leaf(entry)
    if not proof:
        raise Refused("a proof too short")
    *rest, sibling = proof
    k = split(size)
    if index < k:
        return node(root_from_path(index, k, entry, rest), sibling)
    return node(sibling, root_from_path(index - k, size - k, entry, rest))


def check_inclusion(entry, index, size, proof, expected):
    if index >= size or root_from_path(index, size, entry, proof) != expected:
        raise Refused("not in the tree")


def _both_roots(old, new, whole, proof, old_root):
    if old == new:
        if len(proof) != (0 if whole else 1):
            raise Refused("a proof of another length")
        same = old_root if whole else proof[0]
        return same, same
    if not proof:
        raise Refused("a proof too short")
    *rest, sibling = proof
    k = split(new)
    if old <= k:
        left, both = _both_roots(old, k, whole, rest, old_root)
        return left, node(both, sibling)
    left, both = _both_roots(old - k, new - k, False, rest, old_root)
    return node(sibling, left), node(sibling, both)


def check_consistency(old, old_root, new, new_root, proof):
    if old > new:
        raise Refused("the older tree is larger")
    if old == 0:
        if proof or old_root != sha256() or (new == 0 and new_root != old_root):
            raise Refused("not the empty tree")
        return
    if _both_roots(old, new, True, proof, old_root) != (old_root, new_root):
        raise Refused("not a continuation")


def from_base64(text):
    if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text, re.ASCII):
        raise Refused("not base64")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise Refused("a second spelling of these bytes")
    return data


def decimal(text, maximum):
    if not re.fullmatch(r"0|[1-9][0-9]*", text, re.ASCII) or int(text) > maximum:
        raise Refused("not a number in its one spelling")
    return int(text)


def text_of(body):
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error


def key_id(origin, key):
    return sha256(origin.encode(), b"\n\x01", key)[:4]


def parse_origin(text):
    if not ORIGIN.fullmatch(text):
        raise Refused("not a log origin")
    domain = re.sub("/besace(/[0-9]+)?$", "", text)
    if domain != text and (len(domain) > 253 or not re.search("[a-z]", domain.split(".")[-1])):
        raise Refused("not a domain")
    return text


def parse_log_key(text):
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Refused("not three parts")
    origin, name, blob = parse_origin(parts[0]), parts[1], from_base64(parts[2])
    if blob[:1] != b"\x01":
        raise Refused("not Ed25519")
    ed25519.check_public(blob[1:])
    if name != key_id(origin, blob[1:]).hex():
        raise Refused("another key id")
    return origin, blob[1:]


def parse_note(body):
    """The signed text and the signature lines as (name, key id, signature)."""
    if len(body) > NOTE_LEN_MAX:
        raise Refused("too long")
    note = text_of(body)
    if any(c < " " and c != "\n" for c in note):
        raise Refused("a control character")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise Refused("no signatures after an empty line")
    lines = []
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"\u2014 ([^\s+]+) ([^ ]+)", line)
        if not match:
            raise Refused("not a signature line")
        blob = from_base64(match[2])
        if len(blob) < 5:
            raise Refused("no signature in its line")
        lines.append((match[1], blob[:4], blob[4:]))
    if len(lines) > 64:
        raise Refused("too many signatures")
    return text + "\n", lines


def parse_checkpoint(body, log_key, exact):
    text, lines = parse_note(body)
    fields = text.split("\n")
    if len(fields) != 4 or fields[3]:
        raise Refused("not three lines")
    origin, size, digest = parse_origin(fields[0]), decimal(fields[1], SIZE_MAX), from_base64(fields[2])
    if len(digest) != 32 or (size == 0 and digest != sha256()):
        raise Refused("not a root hash")
    key_origin, key = parse_log_key(log_key)
    ours = [line for line in lines if line[:2] == (key_origin, key_id(key_origin, key))]
    if origin != key_origin or len(ours) != 1 or (exact and len(lines) != 1):
        raise Refused("not signed by this log alone")
    ed25519.verify(key, text.encode(), ours[0][2])
    return size, digest


def parse_proof(body):
    head, separator, checkpoint = text_of(body).partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Refused("not a proof")
    salt = None
    if lines and lines[0].startswith("extra "):
        salt = from_base64(lines.pop(0).removeprefix("extra "))
        if len(salt) != 32:
            raise Refused("not a salt")
    if not lines or not lines[0].startswith("index "):
        raise Refused("no index")
    index = decimal(lines.pop(0).removeprefix("index "), SIZE_MAX - 1)
    siblings = [from_base64(line) for line in lines]
    if len(siblings) > 64 or any(len(sibling) != 32 for sibling in siblings):
        raise Refused("not hashes")
    return salt, index, siblings, checkpoint.encode()


def tile_path(row, index, width):
    groups = f"{index:03}" if index < 1000 else f"{index:0{-(-len(str(index)) // 3) * 3}}"
    groups = [groups[i : i + 3] for i in range(0, len(groups), 3)]
    name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{row}/{name}" + (f".p/{width}" if width < 256 else "")


def tiles_of(size):
    for row in ["entries", *range(7)]:
        nodes = size if row == "entries" else size >> (8 * row)
        for index in range(nodes // 256):
            yield tile_path(row, index, 256)
        if nodes % 256:
            yield tile_path(row, nodes // 256, nodes % 256)


def bundle(entries):
    return b"".join(b"\0\x20" + entry for entry in entries)


def entry_of_tree(i):
    """The entries of the vectors' trees."""
    return sha256(i.to_bytes(8, "big"))


def _same(what, left, right):
    if left != right:
        raise Refused(f"another {what}")


def _proof_lines(body):
    return [from_base64(line) for line in body.decode().splitlines()]


def _commitment(header, body):
    salt = bytes.fromhex(header["salt"])
    _same("commitment", to_base64url(commitment(salt, body)), header["commitment"])


def parse_opening(body):
    """Index, record and salt of an opening."""
    match = re.fullmatch(
        r'\{"index":(0|[1-9][0-9]*),"record":"([^"]*)","salt":"([^"]*)"\}', text_of(body), re.ASCII
    )
    if not match:
        raise Refused("not the canonical JSON of an opening")
    decimal(match[1], SIZE_MAX)
    record, salt = from_base64url(match[2]), from_base64url(match[3])
    if len(salt) != 32 or len(body) > RECORD_LEN_MAX // 3 * 4 + 256:
        raise Refused("not an opening")
    return int(match[1]), record, salt


def _opening(header, body):
    index, record, salt = parse_opening(body)
    _same("index", str(index), header["index"])
    _same("commitment", to_base64url(commitment(salt, record)), header["commitment"])


def _log_key(header, body):
    origin, key = parse_log_key(text_of(body))
    _same("origin", origin, header["origin"])
    _same("key", to_base64url(key), header["key"])


def _checkpoint(header, body):
    exact = header["lines"] == "one"
    size, digest = parse_checkpoint(body, header["log-key"], exact)
    _same("size", str(size), header["size"])
    _same("root", to_base64url(digest), header["root"])


def _root(header, body):
    size = int(header["size"])
    entries = [entry_of_tree(i) for i in range(size)]
    _same("root", to_base64url(root(entries)), body.decode())


def _inclusion(header, body):
    check_inclusion(
        from_base64url(header["entry"]),
        int(header["index"]),
        int(header["size"]),
        _proof_lines(body),
        from_base64url(header["root"]),
    )


def _consistency(header, body):
    check_consistency(
        int(header["old-size"]),
        from_base64url(header["old-root"]),
        int(header["new-size"]),
        from_base64url(header["new-root"]),
        _proof_lines(body),
    )


def _proof(header, body):
    salt, index, siblings, checkpoint = parse_proof(body)
    size, digest = parse_checkpoint(checkpoint, header["log-key"], False)
    if "record" in header:
        if salt is None:
            raise Refused("no salt")
        entry = commitment(salt, header["record"].encode())
    else:
        if salt is not None:
            raise Refused("a salt that nothing covers")
        entry = from_base64url(header["entry"])
    check_inclusion(entry, index, size, siblings, digest)


def parse_tile_path(text):
    match = re.fullmatch(
        r"tile/(entries|[0-6])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]*))?", text, re.ASCII
    )
    if not match:
        raise Refused("not a path")
    index = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3] or 256)
    if index >= 1 << 56 or width > 256 or tile_path(match[1], index, width) != text:
        raise Refused("a second spelling")
    return [match[1], str(index), str(width)]


def _tile_path(header, body):
    _same("tile", parse_tile_path(text_of(body)), header["tile"].split(" "))


def _tiles(header, body):
    _same("list", list(tiles_of(int(header["size"]))), body.decode().splitlines())


def _bundle(header, body):
    width = int(header["width"])
    entries = [body[i + 2 : i + 34] for i in range(0, len(body), 34)]
    if len(entries) != width or bundle(entries) != body or any(len(e) != 32 for e in entries):
        raise Refused("not a bundle of this width")
    _same("entries", [to_base64url(e) for e in entries], header["entries"].split(" "))


AGE_AHEAD_MAX = 300
POLICY_LEN_MAX = 64 << 10


def parse_witness_key(text):
    match = re.fullmatch(r"([!-*,-~]{1,255})\+([0-9a-f]{8})\+([^+ ][^ ]*)", text, re.ASCII)
    if not match:
        raise Refused("not the key of a witness")
    name, blob = match[1], from_base64(match[3])
    if blob[:1] != b"\x04":
        raise Refused("not a cosignature key")
    ed25519.check_public(blob[1:])
    if sha256(name.encode(), b"\n", blob)[:4].hex() != match[2]:
        raise Refused("another key id")
    return name, blob[1:]


def check_cosignature(key, text, blob):
    """When the holder of `key` cosigned the text of a checkpoint."""
    if len(blob) != 8 + 64:
        raise Refused("not a time and a signature")
    at = int.from_bytes(blob[:8], "big")
    if at > SIZE_MAX:
        raise Refused("not a time")
    ed25519.verify(key, b"cosignature/v1\ntime %d\n%s" % (at, text.encode()), blob[8:])
    return at


def cosigned_by(name, key, body):
    """When a witness cosigned, or None if it has no line."""
    text, lines = parse_note(body)
    head = (name, sha256(name.encode(), b"\n\x04", key)[:4])
    blobs = [line[2] for line in lines if line[:2] == head]
    if len(blobs) > 1:
        raise Refused("two lines of one witness")
    return check_cosignature(key, text, blobs[0]) if blobs else None


def parse_policy(body):
    """Witnesses by name, groups by name as (least, members), and the quorum or None."""
    if len(body) > POLICY_LEN_MAX or not re.fullmatch(rb"[ -~\t\n]*\n", body):
        raise Refused("not lines of printable ASCII")
    witnesses, groups, used, quorums = {}, {}, set(), []
    for line in body.decode().splitlines():
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words[0] == "" or words[0].startswith("#"):
            continue
        known = witnesses.keys() | groups.keys()
        if words[0] == "quorum" and len(words) == 2:
            if words[1] not in known | {"none"}:
                raise Refused("a quorum of nobody")
            quorums.append(words[1])
            continue
        if len(words) < 3 or words[1] in known | {"none"} or len(known) == 64:
            raise Refused("a name twice, or not a line")
        if words[0] == "witness" and len(words) <= 4:
            name, key = parse_witness_key(words[2])
            if key in [other for _, other in witnesses.values()]:
                raise Refused("one key twice")
            witnesses[words[1]] = (name, key)
        elif words[0] == "group":
            members = words[3:]
            least = {"all": len(members), "any": 1}.get(words[2])
            least = decimal(words[2], 2**32) if least is None else least
            if not 1 <= least <= len(members):
                raise Refused("more than there are, or none")
            for member in members:
                if member not in known or member in used:
                    raise Refused("counted twice, or not defined")
                used.add(member)
            groups[words[1]] = (least, members)
        else:
            raise Refused("not a line of a policy")
    if len(quorums) != 1:
        raise Refused("not one quorum")
    return witnesses, groups, None if quorums[0] == "none" else quorums[0]


def witnessed_at(policy, body, now):
    """The latest moment from which on enough witnesses cosigned, by trying each."""
    witnesses, groups, quorum = parse_policy(policy)
    times = {word: cosigned_by(*key, body) for word, key in witnesses.items()}
    times = {w: at for w, at in times.items() if at is not None and at <= now + AGE_AHEAD_MAX}

    def holds(word, moment):
        if word in witnesses:
            return times.get(word, -1) >= moment
        least, members = groups[word]
        return sum(holds(member, moment) for member in members) >= least

    if quorum is None:
        return now
    return max((at for at in times.values() if holds(quorum, at)), default=None)


def _witness_key(header, body):
    name, key = parse_witness_key(text_of(body))
    _same("name", name, header["name"])
    _same("key", to_base64url(key), header["key"])


def _cosignature(header, body):
    parse_checkpoint(body, header["log-key"], False)
    at = cosigned_by(*parse_witness_key(header["witness-key"]), body)
    _same("time", str(at), header["at"])


def _cosignature_line(header, body):
    checkpoint = from_base64url(header["checkpoint"])
    parse_checkpoint(checkpoint, header["log-key"], False)
    name, key = parse_witness_key(header["witness-key"])
    match = re.fullmatch(r"\u2014 ([^\s+]+) ([^ \n]+)\n", text_of(body))
    blob = from_base64(match[2]) if match else b""
    if match is None or match[1] != name or blob[:4] != sha256(name.encode(), b"\n\x04", key)[:4]:
        raise Refused("not a line of this witness")
    at = check_cosignature(key, parse_note(checkpoint)[0], blob[4:])
    _same("time", str(at), header["at"])


def _policy(header, body):
    witnesses, _, quorum = parse_policy(body)
    _same("witnesses", [name for name, _ in witnesses.values()], header.get("witnesses", "").split())
    _same("quorum", "none" if quorum is None else "asked", header["quorum"])


def _quorum(header, body):
    parse_checkpoint(body, header["log-key"], False)
    now = int(header["now"])
    at = witnessed_at(from_base64url(header["policy"]), body, now)
    if at is None or at < now - int(header["age-max"]):
        raise Refused("not cosigned by enough witnesses, or too long ago")
    _same("time", str(at), header["at"])


def judge_checkpoint(request, log_key, last):
    """What a witness answers that knows the log by `log_key` and cosigned the head `last`."""
    head, separator, checkpoint = text_of(request).partition("\n\n")
    lines = head.split("\n")
    if not separator or not lines[0].startswith("old "):
        raise Refused("not a request")
    old = decimal(lines[0].removeprefix("old "), SIZE_MAX)
    proof = [from_base64(line) for line in lines[1:]]
    if len(proof) > 63 or any(len(node) != 32 for node in proof):
        raise Refused("not hashes")
    fields = parse_note(checkpoint.encode())[0].split("\n")
    if len(fields) != 4 or not fields[1].isdecimal():
        raise Refused("not a checkpoint")
    if log_key is None:
        return "unknown-log"
    try:
        size, digest = parse_checkpoint(checkpoint.encode(), log_key, False)
    except Refused:
        return "not-signed"
    if old > size:
        return "backwards"
    known = parse_checkpoint(last, log_key, False) if last else (0, sha256())
    if old != known[0]:
        return f"other-size {known[0]}"
    try:
        check_consistency(old, known[1], size, digest, proof)
    except Refused:
        return "inconsistent"
    return f"cosign {size}"


def _add_checkpoint(header, body):
    last = from_base64url(header["last"]) if "last" in header else None
    _same("answer", judge_checkpoint(body, header.get("log-key"), last), header["answer"])


def _tree_size(header, body):
    match = re.fullmatch(r"([0-9]+)\n", text_of(body), re.ASCII)
    if not match:
        raise Refused("not a line with a number")
    _same("size", str(decimal(match[1], SIZE_MAX)), header["size"])


FIGURES = {
    "commitment": _commitment,
    "opening": _opening,
    "log-key": _log_key,
    "checkpoint": _checkpoint,
    "root": _root,
    "inclusion": _inclusion,
    "consistency": _consistency,
    "proof": _proof,
    "tile-path": _tile_path,
    "tiles": _tiles,
    "bundle": _bundle,
    "witness-key": _witness_key,
    "cosignature": _cosignature,
    "cosignature-line": _cosignature_line,
    "policy": _policy,
    "quorum": _quorum,
    "add-checkpoint": _add_checkpoint,
    "tree-size": _tree_size,
}


def check(header, body):
    FIGURES[header["figure"]](header, body)
