"""A pseudonym that went on in another log, or under another key: as it may, and in each way that it may not. As `sabotage.deeds`."""
import base64
import copy
import json

import forge
import planted_restorations
import verify
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NEXT_KEY, NEXT_LOG, LAST_LOG = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(21, 24)]
LEAF = b"besace log/v1 consent leaf"


def head(book, size=None):
    """Size and root of a log as it stands, or stood."""
    leaves = [one if isinstance(one, bytes) else verify.sha(one[0], verify.sha(one[1]), label=LEAF) for one in book.entries]
    leaves = leaves[:len(leaves) if size is None else size]
    return {"root": verify.encode(verify.root([verify.sha(b"\0", leaf) for leaf in leaves])), "size": len(leaves)}


def checkpoint(book, size, key):
    """A head of a log, signed."""
    text = f"{book.origin}\n{size}\n{base64.b64encode(verify.decode(head(book, size)['root'])).decode()}\n"
    key_id = verify.sha(book.origin.encode(), b"\n\1", key.public_key().public_bytes_raw())[:4]
    return f"{text}\n\u2014 {book.origin} {base64.b64encode(key_id + key.sign(text.encode())).decode()}\n"


def leave(old, at, cause="restore", keys=(forge.HER_LOG, NEXT_LOG), persons=None, number=7, left=None, begun=None, anchor=None, signers=None, **members):
    """The continuation from a log to the next, and that with its first two entries."""
    persons = persons or (forge.HER, NEXT_KEY if cause == "rekey" else forge.HER)
    begins = head(old)
    said = {"cause": cause, "continued": at, "controller": "maison-lumen.example",
            "from": {"head": begins, "key": forge.public(persons[0]), "log": old.origin, "log_key": forge.public(keys[0]), **(left or {})},
            "to": {"key": forge.public(persons[1]), "log": f"log_{number:032x}", "log_key": forge.public(keys[1]),
                   "sealing_key": "vOBZv1sqt6kfPoY6zwyE0-u-BMqEkAlLBStbFa-rF0M", **(begun or {})}, "v": 1, **members}
    signing = {"subject": persons[0]} | ({"successor": persons[1]} if persons[0] is not persons[1] else {})
    signed = forge.sign("continuation", said, signers or signing, at)
    new = copy.copy(old)
    first = {"at": at, "cause": cause, "head": said["from"]["head"], "kind": "anchor", "log": said["from"]["log"], **(anchor or {})}
    new.origin, new.seen, new.entries = f"log_{number:032x}", [], [(b"\x15" * 32, forge.canonical(first)), (b"\x16" * 32, signed)]
    return signed, new


def moved(then=None, told=True, kept=True, carried=False, last=True, **how):
    """She went on before anything ended: what she logged from her first withdrawal on stands in her new log. `then` is what else happens."""
    def deed(hers, shop, papers, policy):
        at = forge.read(shop.entries[shop.find("withdrawal")][1])[0]["withdrawn"]
        cut = hers.find("withdrawal")
        rest, hers.entries = hers.entries[cut:], hers.entries[:cut]
        signed, new = leave(hers, at, **how)
        shop.entries.insert(shop.find("withdrawal"), (b"\x17" * 32, signed)) if told else None
        new.entries += rest if last else []
        hers.entries += [] if last else rest
        if then:
            then(hers, new, shop, papers, policy, signed)
        papers |= new.files(NEXT_LOG)
        if carried:
            planted_restorations.early(hers_too=False)(hers, shop, papers, policy)
        return None if kept else "gone"
    return deed


def again(**how):
    """She goes on from the same log a second time."""
    def then(hers, new, shop, papers, policy, signed):
        second, other = leave(hers, shop.payload("withdrawal")["withdrawn"], keys=(forge.HER_LOG, LAST_LOG), number=8, **how)
        shop.entries.append((b"\x18" * 32, second))
        papers |= other.files(LAST_LOG)
    return then


def once_more(key):
    """She goes on from her new log in a third, under the key that she has by then."""
    def then(hers, new, shop, papers, policy, signed):
        rest, new.entries = new.entries[2:], new.entries[:2]
        second, other = leave(new, shop.payload("withdrawal")["withdrawn"], keys=(NEXT_LOG, LAST_LOG), number=8, persons=(key, key))
        shop.entries.insert(shop.find("withdrawal"), (b"\x18" * 32, second))
        other.entries += rest
        papers |= other.files(LAST_LOG)
    return then


def signed_by(key, before=False):
    """Her withdrawal is signed with that key; with its answer it stands before the continuation, or behind."""
    def then(hers, new, shop, papers, policy, signed):
        for book in (new, shop):
            named = book.sign(book.find("withdrawal"), {"subject": key}, subject_key=forge.public(key))
            book.sign(book.find("acknowledgement"), withdrawal=named)
        if before:
            shop.move(shop.find("continuation"), len(shop.entries))
    return then


def renewed(before=False):
    """Who she is now renews what she gave as who she was, before she withdraws that."""
    def then(hers, new, shop, papers, policy, signed):
        name = json.loads(shop.entries[shop.find("use", action="recognised", counter=1)][1])["grant"]
        grant = shop.entries[shop.find("grant", id=name)][1]
        given, headers = forge.read(grant)
        fresh = {**given, "handle": f"handle_{9:032x}", "id": f"grant_{9:032x}", "subject_key": forge.public(NEXT_KEY), "subject_log": new.origin,
                 "subject_log_key": forge.public(NEXT_LOG), "supersedes": {"digest": forge.digest(grant), "grant": name}}
        record = forge.sign("grant", fresh, {"controller": forge.SHOP, "subject": NEXT_KEY}, headers[0]["iat"])
        shop.entries.insert(shop.find("continuation") + (not before), (b"\x19" * 32, record))
        new.entries.insert(2, (b"\x19" * 32, record))
    return then


def shown(size=0, key=forge.HER_LOG, of=None):
    """The retailer logs what she had shown it of the log that she left."""
    def then(hers, new, shop, papers, policy, signed):
        at = shop.payload("withdrawal")["withdrawn"]
        said = {"at": at, "continuation": of or forge.digest(signed), "kind": "discrepancy", "shown": checkpoint(hers, len(hers.entries) + size, key)}
        shop.entries.insert(shop.find("continuation") + 1, (b"\x1a" * 32, forge.canonical(said)))
    return then


def lost(many, cause="restore", tell=True, anew=False):
    """Her old log lacks its last entries, which the retailer had been shown; what she had sent may be logged anew, later than it arrived."""
    def then(hers, new, shop, papers, policy, signed):
        at, whole = shop.payload("withdrawal")["withdrawn"], copy.deepcopy(hers)
        hers.entries = hers.entries[:len(hers.entries) - many]
        persons = (forge.HER, NEXT_KEY) if cause == "rekey" else None
        other, first = leave(hers, at, cause, persons=persons)
        gone = [(salt, json.loads(record)) for salt, record in whole.entries[-many:]] if anew else []
        new.entries[:2] = first.entries + [(salt, forge.canonical({**record, "at": at})) for salt, record in gone if "at" in record]
        shop.entries[shop.find("continuation")] = (b"\x17" * 32, other)
        if tell:
            said = {"at": at, "continuation": forge.digest(other), "kind": "discrepancy", "shown": checkpoint(whole, len(whole.entries), forge.HER_LOG)}
            shop.entries.insert(shop.find("continuation") + 1, (b"\x1a" * 32, forge.canonical(said)))
    return then


def late(hers, new, shop, papers, policy, signed):
    """A grant from before arrives, and does not bring back the log in which it was given; who has the old key tries."""
    index = shop.find("grant")
    shop.entries.append(shop.entries[index])
    again()(hers, new, shop, papers, policy, signed)


def spoiled(where):
    def then(hers, new, shop, papers, policy, signed):
        book = shop if where == "shop" else new
        book.flip(book.find("continuation"), 0)
    return then


def elsewhere(hers, new, shop, papers, policy, signed):
    """Her log holds a continuation to a log that is not hers."""
    other, _ = leave(hers, shop.payload("withdrawal")["withdrawn"], number=99)
    new.entries.append((b"\x1b" * 32, other))


def behind(hers, new, shop, papers, policy, signed):
    new.move(0, 1)


def late_anchor(hers, new, shop, papers, policy, signed):
    new.entries.append(new.entries[0])


def written_on(hers, new, shop, papers, policy, signed):
    hers.entries.append(b"\x1c" * 32)


def forked(hers, new, shop, papers, policy, signed):
    hers.entries[-1] = b"\x1c" * 32


def circle(hers, new, shop, papers, policy, signed):
    """She goes back to the log that she left."""
    back, _ = leave(new, shop.payload("withdrawal")["withdrawn"], keys=(NEXT_LOG, forge.HER_LOG), begun={"log": hers.origin})
    shop.entries.append((b"\x18" * 32, back))


def deeds():
    nobody, stranger = verify.encode(b"\1" * 32), forge.public(forge.STRANGER)
    yield "went on", moved()
    yield "went on under another key", moved(cause="rekey")
    yield "went on after a rollback", moved(cause="rollback")
    yield "went on twice", moved(once_more(forge.HER))
    yield "went on under another key, and then in a third log", moved(once_more(NEXT_KEY), cause="rekey")
    yield "went on, and a shop is not told", moved(told=False)
    yield "went on, and wrote in the old log", moved(last=False)
    yield "went on after the shop lost its store", moved(carried=True)
    yield "went on from a log that is not here, after the shop lost its store", moved(carried=True, left={"log": f"log_{5:032x}"})
    yield "withdrew under the new key", moved(signed_by(NEXT_KEY), cause="rekey")
    yield "withdrew under the new key before it was told", moved(signed_by(NEXT_KEY, before=True), cause="rekey")
    yield "withdrew under a stranger's key", moved(signed_by(forge.STRANGER), cause="rekey")
    yield "renewed under the new key", moved(renewed(), cause="rekey")
    yield "renewed under the new key before it was told", moved(renewed(before=True), cause="rekey")
    yield "renewed as somebody else", moved(renewed())
    yield "left a log twice", moved(again())
    yield "left a log twice, the second time under another key", moved(again(cause="rekey"))
    yield "left a log twice, behind a grant that came late", moved(late)
    yield "went on in a circle", moved(circle)
    for name, change in {"log": {"log": f"log_{5:032x}"}, "key of a log": {"log_key": stranger}}.items():
        yield f"went on from another {name}", moved(left=change)
    yield "went on as somebody else", moved(persons=(forge.STRANGER, forge.STRANGER))
    yield "went on at another shop", moved(controller="other.example")
    yield "went on in the same log", moved(begun={"log_key": forge.public(forge.HER_LOG)})
    yield "went on from a head of no size", moved(left={"head": {"root": nobody, "size": "many"}})
    yield "went on from an empty log that has a root", moved(left={"head": {"root": nobody, "size": 0}})
    yield "went on under one key for both", moved(begun={"log_key": forge.public(forge.HER)})
    yield "a rekey that changes no key", moved(cause="rekey", persons=(forge.HER, forge.HER))
    yield "a restore that changes the key", moved(persons=(forge.HER, NEXT_KEY))
    yield "went on for another reason", moved(cause="whim")
    yield "a new key that does not sign", moved(cause="rekey", signers={"subject": forge.HER})
    yield "an old key that does not sign", moved(cause="rekey", signers={"successor": NEXT_KEY})
    for where in ("shop", "shopper"):
        yield f"a forged continuation in the log of the {where}", moved(spoiled(where))
    yield "a continuation to a log of nobody", moved(elsewhere)
    for name, change in {"of another head": {"head": {"root": nobody, "size": 3}}, "of another log": {"log": f"log_{5:032x}"}, "of another cause": {"cause": "rollback"}}.items():
        yield f"an anchor {name}", moved(anchor=change)
    yield "an anchor behind", moved(behind)
    yield "an anchor a second time", moved(late_anchor)
    for cause in ("restore", "rekey"):
        yield f"the old log was written on after a {cause}", moved(written_on, cause=cause)
        yield f"the old log is another after a {cause}", moved(forked, cause=cause)
        yield f"the old log is gone after a {cause}", moved(kept=False, cause=cause)
        yield f"entries of the old log are gone after a {cause}", moved(lost(2, cause), cause=cause)
        yield f"entries of the old log are gone after a {cause}, and logged anew", moved(lost(2, cause, anew=True), cause=cause)
        yield f"most of the old log is gone after a {cause}", moved(lost(5, cause, tell=False), cause=cause)
    yield "shown no more than was said", moved(shown())
    yield "shown less than was said", moved(shown(-1))
    yield "shown what she did not sign", moved(shown(key=forge.STRANGER))
    yield "shown of no continuation", moved(shown(of=nobody))
