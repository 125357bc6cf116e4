"""The times of witnesses over several visits (L2): spec/audit.md. For verify.py, and without our code, too."""
import verify


def lines_of(audit, data):
    """Of each witness of the policy that has a line below this head, the time in it; fails where a line does not hold."""
    (text, lines), times = verify.note_of(data), {}
    asked = (line.split() for line in audit.policy.get("witnesses", "").splitlines())
    for who, key_id, public in (words[2].split("+", 2) for words in asked if words[:1] == ["witness"]):
        for line in (line[2] for line in lines if line[:2] == (who, bytes.fromhex(key_id))):
            at, public_key = int.from_bytes(line[:8], "big"), verify.decode(public, b"+/")[1:]
            signed = f"cosignature/v1\ntime {at}\n{text}".encode()
            verify.Ed25519PublicKey.from_public_bytes(public_key).verify(line[8:], signed)
            times[who] = verify.sure(who not in times, at)
    return times


def in_order(audit, origin, key, cosigned):
    """Gives the cosigned head back; L2 where a witness saw it and a remembered one in another order than they grew."""
    for name, (size, _) in cosigned:
        try:
            now = lines_of(audit, audit.files[name])
        except verify.UNREADABLE:
            continue  # found already
        for data in (text.encode() for text in audit.policy.get("remembered", []) if text.startswith(origin + "\n")):
            head = verify.head_of(data, origin, key, alone=False)
            try:
                before = lines_of(audit, data) if head else {}
            except verify.UNREADABLE:
                audit.check(False, "L2", ("policy",))
                continue
            for who in now.keys() & before.keys():
                first, then = (before, now) if head[0] < size else (now, before)
                audit.check(head[0] == size or then[who] >= first[who] - audit.skew, "L2", (name,))
    return cosigned
