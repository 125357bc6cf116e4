"""A retailer that lost its store and began another log: as it has to be, and in each way that it may not be. As `sabotage.deeds`."""
import base64
import copy
import json

import forge
import verify

LOST, NEW = forge.STRANGER, forge.SHOP_LOG


def pin(policy, origin, key):
    """The key of a log that the retailer wrote before."""
    public = key.public_key().public_bytes_raw()
    key_id = verify.sha(origin.encode(), b"\n\1", public)[:4].hex()
    policy["logs"] = [f"{origin}+{key_id}+{base64.b64encode(bytes([1]) + public).decode()}"]


def entry(shop, at, keys=None, left=None, begun=None, **members):
    """A restoration from the first log to the second; `left` and `begun` are other members of its two logs."""
    first = shop.origin.split("/")[0] + "/besace"
    head = {"root": verify.encode(b"\1" * 32), "size": 4711}
    payload = {"at": at, "controller": first[:-7], "controller_key": forge.public(forge.SHOP),
               "from": {"head": head, "kept": 4102, "log": first, "log_key": forge.public(LOST), **(left or {})},
               "to": {"log": first + "/2", "log_key": forge.public(NEW), **(begun or {})}, "v": 1, **members}
    return b"\x0b" * 32, forge.sign("restoration", payload, keys or {"controller": forge.SHOP}, at)


def introduced(shop, papers, **members):
    """The manifests that a log names, with other members; what names them follows."""
    for name, data in list(papers.items()):
        if b'"signatures"' in data and forge.read(data)[1][0]["typ"] == "besace-manifest+jws":
            renewed = forge.signed_anew(papers.pop(name), **members)
            papers[f"documents/{verify.sha(renewed).hex()}"] = renewed
            old, new = (verify.encode(verify.sha(one)).encode() for one in (data, renewed))
            shop.entries = [one if isinstance(one, bytes) else (one[0], one[1].replace(old, new)) for one in shop.entries]


def second(shop, policy):
    shop.origin += "/2"
    policy["controllers"][0]["log"] = 2


def early(at=0, place=0, further=None, flip=False, twice=False, hers_too=True, second_log=True, **other):
    """The store was lost before anything happened: both logs are as they were, behind it."""
    def deed(hers, shop, papers, policy):
        moment = at + shop.payload("manifest")["issued"] - 60
        said = entry(shop, moment, **other)
        if second_log:
            second(shop, policy)
            introduced(shop, papers, log=2)
        shop.entries.insert(place, said)
        if twice:
            shop.entries.insert(1, said)
        if flip:
            shop.flip(0, 0)
        if hers_too:
            hers.entries.append(entry(shop, moment, **{**other, **(further or {})}))
    return deed


def lost(then=None, said=None, former=False, kept=True, told=True, left=None, **other):
    """The store is lost after all: her grants are those of the first log. `then` is what happens after it."""
    def deed(hers, shop, papers, policy):
        if former:
            introduced(shop, papers, log_key=forge.public(LOST))
        old, moment = copy.deepcopy(shop), policy["now"]
        leaves = [one if isinstance(one, bytes) else verify.sha(one[0], verify.sha(one[1]), label=b"besace log/v1 consent leaf") for one in old.entries]
        head = {"root": verify.encode(verify.root([verify.sha(b"\0", leaf) for leaf in leaves])), "size": len(leaves)}
        if former == "another":
            head["root"] = verify.encode(b"\1" * 32)
        named = {"head": head, "kept": len(leaves) - 1, **(left or {})}
        second(shop, policy)
        policy["now"] += 60 * verify.DAY
        shop.entries = [entry(shop, moment, left=named, **other)] if kept else []
        if told:
            hers.entries.append(entry(shop, moment, left={**named, **(said or {})}, **other))
        if then:
            then(hers, shop, old, moment)
        shop.go_on(policy["now"])
        if former:
            pin(policy, old.origin, LOST)
            papers |= old.files(LOST)
        else:
            for name in [name for name, data in papers.items() if b'"signatures"' in data and forge.read(data)[1][0]["typ"] != "besace-use-statement+jws"]:
                papers.pop(name)
    return deed


def sent(hers, shop, old, moment):
    hers.entries.append(hers.entries[hers.find("disclosed")])
    hers.change(len(hers.entries) - 1, at=moment + 10)


def used(given):
    """A grant of so many seconds after it stands in the new log, and is used there."""
    def then(hers, shop, old, moment):
        name = json.loads(old.entries[old.find("use", action="recognised", counter=1)][1])["grant"]
        salt, grant = old.entries[old.find("grant", id=name)]
        terms = forge.read(grant)[0]["terms"]
        new = forge.signed_anew(grant, id="grant_" + "6" * 32, given=moment + given, expires=moment + given + terms["valid_days"] * verify.DAY)
        shop.entries.append((salt, new))
        use = json.loads(old.entries[old.find("use", grant=name, counter=1)][1])
        chain = verify.encode(verify.sha(bytes.fromhex("6" * 32), label=b"besace log/v1 use chain"))
        use |= {"at": moment + 120, "grant": "grant_" + "6" * 32, "prev": chain}
        shop.entries.append((b"\x0c" * 32, forge.canonical(use)))
    return then


def unanswered(hers, shop, old, moment):
    for book in (hers, old):
        book.entries.pop(book.find("acknowledgement"))


def deeds():
    stranger = forge.public(forge.HER)
    yield "restored", early()
    yield "restored, and she was not told", early(hers_too=False)
    yield "restored, and all grants are of before", early(at=9 * verify.DAY)
    yield "restored, told as another's", early(controller="other.example", left={"log": "other.example/besace"}, begun={"log": "other.example/besace/2"})
    yield "restored in the second entry", early(place=1)
    yield "restored in the first log", early(second_log=False)
    yield "restored, forged", early(flip=True)
    yield "restored twice", early(twice=True)
    yield "restored by a stranger", early(keys={"controller": forge.HER}, controller_key=stranger)
    yield "restored by her", early(keys={"subject": forge.HER})
    yield "restored to another key", early(begun={"log_key": stranger})
    yield "restored from another key", early(left={"log_key": stranger})
    yield "restored, and told her of another key", early(further={"left": {"log_key": stranger}})
    yield "restored, and told her of another head", early(further={"left": {"kept": 4101}})
    yield "restored, skipping a log", early(begun={"log": "maison-lumen.example/besace/3"})
    yield "restored, keeping more than there was", early(left={"kept": 4712})
    yield "restored under the same key", early(left={"log_key": forge.public(NEW)})
    yield "lost", lost()
    yield "lost, and she was not told", lost(told=False)
    yield "lost, and nobody says so", lost(kept=False, told=False)
    yield "lost, and only she is told", lost(kept=False)
    yield "lost, and she is told otherwise", lost(said={"kept": 1})
    yield "lost, and she sends on", lost(sent)
    yield "lost, and given again", lost(used(60))
    yield "lost, and a grant of before carried over", lost(used(-60))
    yield "lost, with what was left", lost(former=True)
    yield "lost, with what was left, and it was written on", lost(lambda hers, shop, old, moment: old.go_on(moment), former=True)
    yield "lost, with what was left, of another history", lost(former="another")
    yield "lost, with what was left, pinned under another key", lost(former=True, left={"log_key": stranger})
    yield "lost before a withdrawal was answered", lost(unanswered)
