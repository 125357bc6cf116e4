"""Heads that witnesses cosigned, well and not, and heads that were remembered: for sabotage.py."""

import base64

import forge
import verify

WITNESSES = [(f"witness.example/w{n}", forge.Ed25519PrivateKey.from_private_bytes(bytes([100 + n]) * 32)) for n in (1, 2, 3)]


def cosigned(head, witnesses, at):
    """A head with the lines of these witnesses below it."""
    text = head.decode().split("\n\n")[0] + "\n"
    for name, key in witnesses:
        public = b"\4" + key.public_key().public_bytes_raw()
        signature = key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        blob = verify.sha(name.encode(), b"\n", public)[:4] + at.to_bytes(8, "big") + signature
        head += f"\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()
    return head


def bundles(files, retailer, policy):
    """Bundles whose retailer's head was cosigned, well and not, and the policies that they are judged by: a name, files, policy."""
    name, head, now = f"logs/{retailer}/cosigned", files[f"logs/{retailer}/checkpoint"], policy["now"]
    lines = "# Three.\n"
    for n, (who, key) in enumerate(WITNESSES):
        public = b"\4" + key.public_key().public_bytes_raw()
        lines += f"witness w{n} {who}+{verify.sha(who.encode(), b'%c' % 10, public)[:4].hex()}+{base64.b64encode(public).decode()}\n"
    for least in ("any", "2", "all"):
        pinned = {**policy, "witnesses": f"{lines}\ngroup g\t{least} w0 w1  w2\nquorum g\n"}
        for number in range(4):
            yield f"{number} witnesses of {least}", {**files, name: cosigned(head, WITNESSES[:number], now)}, pinned
        yield f"cosigned by none, of {least}", files, pinned
        yield f"cosigned long ago, {least}", {**files, name: cosigned(head, WITNESSES, now - 9 * verify.DAY)}, pinned
        yield f"cosigned in the future, {least}", {**files, name: cosigned(head, WITNESSES, now + 301)}, pinned
        yield f"cosigned twice, {least}", {**files, name: cosigned(cosigned(head, WITNESSES, now), WITNESSES[:1], now + 1)}, pinned
        good = cosigned(head, WITNESSES, now)
        for at in range(0, len(good), 29):
            yield f"bit {at} of a head cosigned by {least}", {**files, name: good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]}, pinned
    yield "cosigned, and nobody asks", {**files, name: good}, policy
    yield "cosigned, and none is asked for", {**files, name: good}, {**policy, "witnesses": f"{lines}quorum none\n"}
    yield "cosigned by strangers", {**files, name: good}, {**policy, "witnesses": "quorum none\n"}
    yield "remembered as it was cosigned", files, {**policy, "remembered": [good.decode()]}
    earlier = [files[file].decode() for file in files if file.startswith(f"logs/{retailer}/seen/")]
    yield "remembered several times", files, {**policy, "remembered": [*earlier, good.decode(), head.decode()]}
    for at in range(4):
        other = forge.SHOP_LOG.sign(b"%d" % at) + forge.SHOP_LOG.sign(b"other")
        line = base64.b64encode(verify.sha(retailer.encode(), b"\n\1", forge.SHOP_LOG.public_key().public_bytes_raw())[:4] + other[:64])
        text = head.decode().split("\n\n")[0] + f"\n\n\u2014 {retailer} {line.decode()}\n"
        yield f"remembered of another key, at place {at}", files, {**policy, "remembered": [good.decode()] * at + [text] + [good.decode()] * (3 - at)}
    for size, seen in ((file.rsplit("/", 1)[1], files[file]) for file in files if file.startswith(f"logs/{retailer}/seen/")):
        yield f"cosigned at {size}", {**files, name: cosigned(seen, WITNESSES, now)}, pinned
        yield f"cosigned at {size} before it happened", {**files, name: cosigned(seen, WITNESSES, now - 2 * verify.DAY)}, pinned
        for days, skew in ((1, 0), (0, policy.get("skew_seconds", 90)), (0, policy.get("skew_seconds", 90) + 1), (-1, 0)):
            then = now - verify.DAY
            before = cosigned(seen, WITNESSES, then + skew - days * verify.DAY).decode()
            yield f"seen at {size} {days} days and {-skew} s before the head", {**files, name: cosigned(head, WITNESSES[1:], then)}, {**pinned, "witnesses": f"{lines}group g 2 w0 w1 w2\nquorum g\n", "remembered": [before]}
        before = cosigned(head, WITNESSES, now - verify.DAY).decode()
        yield f"a smaller head, seen at {size} after the larger one", {**files, name: cosigned(seen, WITNESSES, now)}, {**pinned, "remembered": [before]}
        for those in (WITNESSES, WITNESSES[2:], [("stranger.example/w", WITNESSES[0][1])]):
            lines_of_another = cosigned(seen, those, now - verify.DAY).decode().split("\n\n")[1].split("\n", 1)[1]
            yield f"remembered with the lines of another head, of {len(those)}", {**files, name: good}, {**pinned, "remembered": [head.decode() + lines_of_another]}
    hers = next(file for file in files if file.startswith("logs/log_"))
    yield "a pseudonym's log, cosigned", {**files, hers.split("/")[0] + "/" + hers.split("/")[1] + "/cosigned": good}, pinned
