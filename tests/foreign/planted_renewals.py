"""Grants in the place of another one, as they may be and as they may not: for sabotage.py."""

import json

import forge
import verify


def deeds():
    """As `deeds`: a grant in the place of another one."""
    def renewed(before, in_hers=False, times=1, old=None, **members):
        def deed(hers, shop, papers, policy):
            name = json.loads(shop.entries[shop.find("use", action="recognised", counter=1)][1])["grant"]
            grant = shop.entries[shop.find("grant", id=name)][1]
            given, headers = forge.read(grant)
            named = {"digest": forge.digest(grant), "grant": name, **(old or {})}
            for n in range(times):
                new = {**given, "handle": f"handle_{n + 5:032x}", "id": f"grant_{n + 5:032x}", "supersedes": named, **members}
                new["expires"] = new["given"] + new["terms"]["valid_days"] * verify.DAY
                signed = forge.sign("grant", new, {"controller": forge.SHOP, "subject": forge.HER}, headers[0]["iat"])
                for book in (shop, hers)[:1 + in_hers]:
                    at = before(book) if book is shop else book.find("grant", id=name) + 1
                    book.entries.insert(at, (bytes([n + 9]) * 32, signed))
        return deed
    def use(number):
        return lambda book: book.find("use", action="recognised", counter=number)
    def end(book):
        return len(book.entries)
    def withdrawn(before):
        def deed(hers, shop, papers, policy):
            name = json.loads(shop.entries[use(1)(shop)][1])["grant"]
            grant = shop.entries[shop.find("grant", id=name)][1]
            for book in (hers, shop):
                index = book.find("withdrawal")
                book.sign(index, grant=name, grant_digest=forge.digest(grant))
            renewed(before)(hers, shop, papers, policy)
        return deed
    yield "renewed after all uses", renewed(end)
    yield "renewed in both logs", renewed(end, in_hers=True)
    for number in (2, 3):
        yield f"used after it was renewed, from use {number} on", renewed(use(number))
    yield "renewed twice", renewed(end, times=2)
    yield "renewed under other words", renewed(end, old={"digest": verify.encode(b"\1" * 32)})
    yield "renewed what nobody gave", renewed(end, old={"grant": "grant_" + "0" * 32})
    yield "renewed before it was given", renewed(end, given=1_600_000_000)
    yield "renewed what is withdrawn", withdrawn(end)
    yield "renewed, then withdrawn", withdrawn(lambda book: book.find("grant") + 3)
