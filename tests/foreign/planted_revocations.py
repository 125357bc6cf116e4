"""Revocations that a retailer could log, and what it could do after them: for sabotage.py."""

import json

import forge
import verify


def deeds():
    """A name, and what it makes of her log, the retailer's, documents and policy."""

    def use(number):
        return lambda book: book.find("use", action="recognised", counter=number)

    def end(book):
        return len(book.entries)

    def revoked(before, erased=None, in_hers=False, days=True, copies=1, **members):
        """A revocation of the grant of the first use, before an entry of the retailer's log; after it an erasure, so many seconds later."""

        def deed(hers, shop, papers, policy):
            name = json.loads(shop.entries[use(1)(shop)][1])["grant"]
            grant = shop.entries[shop.find("grant", id=name)][1]
            given, at = forge.read(grant)[0], before(shop)
            head, count, moment, held = verify.sha(bytes.fromhex(name[6:]), label=b"besace log/v1 use chain"), 0, given["given"], set()
            for entry in [one for one in shop.entries[:at] if isinstance(one, tuple)]:
                value = json.loads(entry[1])
                moment = max(moment, value.get("at", 0))
                if value.get("grant") == name and value["kind"] == "use":
                    count, head = value["counter"], verify.sha(entry[0], verify.sha(entry[1]), label=b"besace log/v1 use chain")
                elif value.get("grant") == name and value["kind"] == "release_received":
                    held.add(value["day"])
            said = {"controller": given["controller"], "deleted_days": sorted(held) if days else [], "grant": name, "grant_digest": forge.digest(grant),
                    "reason": "shop_closed", "revoked": moment, "uses": {"count": count, "head": verify.encode(head)}, "v": 1, **members}
            documents = [forge.sign("revocation", {**said, "revoked": said["revoked"] + n}, {"controller": forge.SHOP}, moment) for n in range(copies)]
            if erased is not None:
                signed = {"categories": sorted(given["terms"]["categories"]), "controller": given["controller"], "erased": said["revoked"] + erased, "grant": name,
                          "grant_digest": forge.digest(grant), "kept": ["consent_proof"], "recipients": given["terms"]["recipients"],
                          "revocation": forge.digest(documents[0]), "v": 1}
                documents.append(forge.sign("erasure", signed, {"controller": forge.SHOP}, moment))
            for book, place in [(shop, at), (hers, len(hers.entries))][:1 + in_hers]:
                book.entries[place:place] = [(bytes([n + 40]) * 32, document) for n, document in enumerate(documents)]

        return deed

    yield "revoked after all uses", revoked(end)
    yield "revoked after all uses, and erased", revoked(end, erased=0)
    yield "revoked, and erased before", revoked(end, erased=-1)
    yield "revoked, and erased late", revoked(end, erased=32 * verify.DAY)
    yield "revoked in both logs", revoked(end, erased=0, in_hers=True)
    for number in (2, 3):
        yield f"revoked, and used after, from use {number} on", revoked(use(number))
    yield "revoked, and used after, though it was erased", revoked(use(2), erased=0)
    yield "revoked twice", revoked(end, copies=2)
    yield "revoked, and keys are left", revoked(use(1), days=False)
    yield "revoked, and no use counted", revoked(end, uses={"count": 0, "head": verify.encode(b"\1" * 32)})
    yield "revoked, and a use too many counted", revoked(end, uses={"count": 999, "head": verify.encode(b"\1" * 32)})
    yield "revoked under other words", revoked(end, grant_digest=verify.encode(b"\1" * 32))
    yield "revoked by another", revoked(end, controller="other.example")
    yield "revoked what nobody gave", revoked(end, grant="grant_" + "0" * 32)
    yield "revoked what had run out", revoked(end, revoked=1_900_000_000)
    yield "revoked before it was given", revoked(end, revoked=1_600_000_000)
