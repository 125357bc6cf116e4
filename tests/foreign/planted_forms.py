"""Records that have not the form, though whoever had to sign them did: for sabotage.py."""

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
PLAIN = {"released": {"a day of text": {"day": "1"}, "a member nobody knows": {"note": "x"}}, "disclosed": {
             "categories twice": {"categories": ["chosen_name", "chosen_name"]}, "a category nobody knows": {"categories": ["health"]}},
         "disclosure_received": {"categories": {"categories": ["till_answers"]}, "another digest": {"digest": "x"}},
         "use": {"a shop that is none": {"shop": "1"}, "a wish": {"intention": "intention_" + "7" * 32}, "an unknown action": {"action": "sold"}}}
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
    for kind, changes in PLAIN.items():
        for name, change in changes.items():
            yield f"a record {kind} with {name}", lambda hers, shop, papers, policy, kind=kind, change=change: (
                book := hers if kind in ("released", "disclosed") else shop).change(book.find(kind), **change)
    for kind in ("withdrawal", "acknowledgement"):
        for name, change in ENDS.items():
            yield f"a {kind} with {name}", lambda hers, shop, papers, policy, kind=kind, change=change: shop.sign(shop.find(kind), **change)
