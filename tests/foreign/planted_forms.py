"""Documents that both sides signed and that have not the form: for sabotage.py."""

import forge

GRANT = {"a member nobody knows": {"note": "x"}, "an unknown indication": {"indication": "silence"}, "another version": {"v": 2},
         "no time": {"given": -1}, "a number that is a text": {"expires": "1"}, "another name": {"id": "grant_7"},
         "a name of another kind": {"handle": "grant_" + "7" * 32}, "a rule that is none": {"indication": {"rule": "x"}}}
TERMS = {"ordinary benefits on it": {"base_benefit_conditional": True}, "no category": {"categories": {}},
         "a category of another purpose": {"categories": {"chosen_name": "exact", "presence": "exact"}},
         "a category nobody knows": {"categories": {"health": "exact"}}, "two purposes": {"purpose": ["recognition", "feedback"]},
         "a purpose nobody knows": {"purpose": "marketing"}, "no shop": {"shops": []}, "no end": {"valid_days": 0},
         "kept for ever": {"retention_days": 31}, "recipients twice": {"recipients": ["a.example", "a.example"]},
         "a benefit of no money": {"benefit": {"kind": "monthly_credit"}}, "a use of no day": {"frequency_per_day": 0}}
ENDS = {"a member nobody knows": {"note": "x"}, "another version": {"v": 2}}


def deeds():
    """As `deeds`: a member of a grant, of its request and its terms, or of an end, is another."""
    def given(change, terms=False, gone=None):
        def deed(hers, shop, papers, policy):
            for book in (hers, shop):
                index = book.find("grant")
                payload = forge.read(book.entries[index][1])[0]
                new = {**payload, "terms": {**payload["terms"], **change}} if terms else {**payload, **change}
                new.pop(gone, None)
                salt, record = book.entries[index]
                headers = forge.read(record)[1]
                keys = {"controller": forge.SHOP, "subject": forge.HER}
                signers = {header["role"]: keys[header["role"]] for header in headers}
                book.entries[index] = (salt, forge.sign("grant", new, signers, headers[0]["iat"]))
        return deed
    def asked(change):
        return lambda hers, shop, papers, policy: shop.sign(shop.find("request"), terms={**shop.payload("request")["terms"], **change})
    for name, change in GRANT.items():
        yield f"a grant with {name}", given(change)
    for name, change in TERMS.items():
        yield f"a grant with {name}", given(change, terms=True)
        yield f"a request with {name}", asked(change)
    for one in ("indication", "notice", "request_id", "subject_sealing_key", "terms", "v"):
        yield f"a grant without {one}", given({}, gone=one)
    for kind in ("withdrawal", "acknowledgement"):
        for name, change in ENDS.items():
            yield f"a {kind} with {name}", lambda hers, shop, papers, policy, kind=kind, change=change: shop.sign(shop.find(kind), **change)
