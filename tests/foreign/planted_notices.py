"""Notices that do not tell what they must, or tell something else than what was asked and given: for sabotage.py."""

import json

import forge
import verify


def changes():
    """A name, and what it makes of a notice."""
    for item in sorted(verify.ITEMS):
        yield f"a notice whose {item} says nothing", lambda notice, item=item: notice["items"].update({item: "—"})
        yield f"a notice without its {item}", lambda notice, item=item: notice["items"].pop(item)
    for name, members in {"of another purpose": {"purpose": "feedback"}, "of other recipients": {"recipients": ["other.example"]},
                          "of another retention": {"retention_days": 29}}.items():
        yield f"a notice {name}", lambda notice, members=members: notice.update(members)


def bundles(build):
    """Each of them, with a bundle in which all that named the notice names it as it is now: the shop had said so from the first day."""
    for name, change in changes():
        def spoil(papers, change=change):
            old = next(one for one, data in sorted(papers.items()) if b'"items"' in data and b'"signatures"' not in data)
            notice = json.loads(papers.pop(old))
            change(notice)
            data = forge.canonical(notice)
            papers[f"documents/{verify.sha(data).hex()}"] = data
            return {verify.encode(bytes.fromhex(old[10:])): verify.encode(verify.sha(data))}
        hers, shop, papers, policy = build(spoil)
        yield name, {**papers, **hers.files(forge.HER_LOG), **shop.files(forge.SHOP_LOG)}, policy
