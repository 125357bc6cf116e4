"""Data that a retailer could say it deleted, late or in time: for sabotage.py."""

import json

import forge
import verify


def deeds():
    """A name, and what it makes of her log, the retailer's, documents and policy."""

    def held(days, *seconds, reason="day_over", again=()):
        """The data is said to be gone so many seconds after the retention of what arrived was over; `again` is when more arrives."""
        def deed(hers, shop, papers, policy):
            index = shop.find("disclosure_received")
            said = json.loads(shop.entries[index][1])
            kept = shop.payload("grant", id=said["grant"])["terms"]["retention_days"]
            over = (said["at"] // verify.DAY + kept) * verify.DAY
            records = [{"at": over + n, "days": list(days), "grant": said["grant"], "kind": "deleted", "reason": reason} for n in seconds]
            for n in again:
                digest = verify.encode(verify.sha(b"again %d" % n))
                told = {"at": said["at"] + n, "digest": digest, "grant": said["grant"]}
                records.append({**told, "kind": "disclosure_received"})
                hers.entries.append((b"\x0e" * 32, forge.canonical({**told, "categories": json.loads(hers.entries[hers.find("disclosed")][1])["categories"], "kind": "disclosed"})))
            for n, record in enumerate(sorted(records, key=lambda one: one["at"])):
                shop.entries.append((bytes([n + 60]) * 32, forge.canonical(record)))
            policy["now"] += 100 * verify.DAY
        return deed

    limit = 1800 + 90
    yield "data deleted in time", held((), limit)
    yield "data deleted late", held((), limit + 1)
    yield "data never deleted", held(())
    yield "data deleted late, with the end of the grant", held((), limit + 1, reason="withdrawn")
    yield "keys deleted, and data of the same grant", held((20_000,), limit + 1, reason="withdrawn")
    yield "keys deleted, and then data, late", held((20_000,), limit + 1)
    yield "data deleted twice", held((), limit, limit + 9 * verify.DAY)
    yield "data replaced, and deleted in time", held((), limit + verify.DAY, again=(verify.DAY,))
    yield "data replaced, and deleted late", held((), limit + verify.DAY + 1, again=(verify.DAY,))
    yield "data deleted, and more arrives", held((), limit, again=(60 * verify.DAY,))
