"""What she answered at tills, and what the shop says that she signed there: for sabotage.py."""

import forge
import verify

OPEN, SKEW = 120, 90


def deeds():
    """As `deeds`: a grant for tills, when she answered under it, and when the shop counted a debit."""
    def at_till(answers, debits, action="debited", category="till_answers"):
        def deed(hers, shop, papers, policy):
            asked, given = shop.payload("request"), shop.payload("grant")
            begin = policy["now"] + 1000
            notice = {**asked["notice"], "digest": verify.encode(b"\x31" * 32)}
            terms = {**asked["terms"], "categories": {"till_answers": "exact"}, "purpose": "loyalty_account", "valid_days": 90}
            request = {**asked, "expires": begin + verify.DAY, "id": "request_" + "6" * 32, "issued": begin - 60,
                       "notice": notice, "terms": terms}
            signed = forge.sign("request", request, {"controller": forge.SHOP}, begin - 60)
            shop.entries.append((b"\x41" * 32, signed))
            grant = {**given, "expires": begin + 90 * verify.DAY, "given": begin, "handle": "handle_" + "6" * 32,
                     "id": "grant_" + "6" * 32, "notice": notice["digest"], "request": forge.digest(signed),
                     "request_id": request["id"], "terms": terms}
            signed = forge.sign("grant", grant, {"controller": forge.SHOP, "subject": forge.HER}, begin)
            for book in (hers, shop):
                book.entries.append((b"\x42" * 32, signed))
            for n, seconds in enumerate(answers):
                told = {"at": begin + 1000 + seconds, "categories": [category], "digest": verify.encode(bytes([n]) * 32),
                        "grant": grant["id"], "kind": "disclosed"}
                hers.entries.append((bytes([n + 70]) * 32, forge.canonical(told)))
            head = verify.encode(verify.sha(bytes.fromhex("6" * 32), label=b"besace log/v1 use chain"))
            for n, seconds in enumerate(debits):
                record = forge.canonical({"action": action, "at": begin + 1000 + seconds, "counter": n + 1, "grant": grant["id"],
                                          "kind": "use", "prev": head, "shop": terms["shops"][0]})
                salt = bytes([n + 90]) * 32
                shop.entries.append((salt, record))
                head = verify.encode(verify.sha(salt, verify.sha(record), label=b"besace log/v1 use chain"))
            policy["now"] = begin + 2000
        return deed
    yield "answered a till", at_till((0,), (5,))
    yield "debited, and never answered", at_till((), (5,))
    yield "identified without an answer", at_till((), (5,), action="identified")
    yield "one answer for two debits", at_till((0,), (5, 6))
    yield "two answers for two debits", at_till((0, 4), (5, 6))
    for late in (0, 1):
        yield f"debited {late} s after the till was closed", at_till((0,), (OPEN + SKEW + late,))
        yield f"answered {late} s after the debit", at_till((SKEW + late,), (0,))
    yield "two answers, the first too old for the second debit", at_till((0, 100), (150, 250))
    yield "three answers, all too old", at_till((0, 1, 2), (300,))
    yield "answered a till with another thing", at_till((0,), (5,), category="presence")
