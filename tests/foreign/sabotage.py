"""Spoils a good bundle in many ways, and holds what `besace-audit` says of each beside what `verify.py` says.

    python sabotage.py BESACE_AUDIT EVIDENCE POLICY

Bytes are spoiled as they lie there. For conduct, documents and logs are signed anew with keys made here (`forge.py`): a retailer
could log and sign anything.
"""

import base64
import concurrent.futures
import contextlib
import copy
import functools
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import forge
import planted_forms
import planted_mandates
import planted_notices
import planted_renewals
import planted_restorations
import planted_retention
import planted_revocations
import planted_successions
import planted_tills
import planted_witnesses
import verify

HERE = pathlib.Path(__file__).parent


def judge(program, evidence, policy):
    """Status and findings of both auditors; an entry counts where it lies in a file of openings."""
    ours = subprocess.run([program, evidence, "--policy", policy, "--json"], capture_output=True, check=False)
    report = json.loads(ours.stdout)
    found = {(one["assertion"], one["file"], one.get("entry") if "openings" in one["file"] else None)
             for one in report["findings"]}
    audit = verify.Audit(evidence, json.loads(policy.read_bytes()))
    with contextlib.redirect_stdout(io.StringIO()):
        status = audit.verdict()
    return (ours.returncode, found), (status, {(*finding, None)[:3] for finding in audit.findings})


def judged(program, case):
    """What both say of one bundle, written out for them."""
    _, spoiled, pinned = case
    with tempfile.TemporaryDirectory() as folder:
        bundle, file = pathlib.Path(folder, "bundle"), pathlib.Path(folder, "policy.json")
        bundle.mkdir()
        for one, data in spoiled.items():
            bundle.joinpath(one).parent.mkdir(parents=True, exist_ok=True)
            bundle.joinpath(one).write_bytes(data)
        file.write_text(json.dumps(pinned))
        return judge(program, bundle, file)


def spoiled_bytes(files):
    """Name and files of bundles in which one file is spoiled."""
    for name, good in sorted(files.items()):
        for at in sorted({0, len(good) // 3, len(good) // 2, len(good) - 1}):
            yield f"bit {at} of {name}", {**files, name: good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]}
        yield f"{name} ends early", {**files, name: good[:-1]}
        yield f"{name} ends late", {**files, name: good + b"\n"}
        yield f"{name} is empty", {**files, name: b""}
        yield f"{name} has a copy", {**files, name + ".bak": good}
        yield f"without {name}", {one: data for one, data in files.items() if one != name}


class Book:
    """One log: for each entry its salt and record, or the commitment alone."""

    def __init__(self, files, origin):
        prefix, audit = f"logs/{origin}/", verify.Audit(HERE / "none", {"controllers": []})
        tiles = sorted(name for name in files if name.startswith(prefix + "tile/entries/"))
        self.entries = [files[name][at:at + 34][2:] for name in tiles for at in range(0, len(files[name]), 34)]
        audit.files = files
        for name in (name for name in files if name.startswith(prefix + "openings/")):
            for place, salt, record in audit.read_openings(name, int(name.split("/")[-1][:-6]) * 256, self.entries):
                self.entries[place[1]] = (salt, record)
        self.origin = origin
        self.seen = []

    def find(self, *wanted, **members):
        """Index of the first entry of this kind (or type) with these members."""
        for index, entry in enumerate(self.entries):
            value = json.loads(entry[1]) if isinstance(entry, tuple) else {}
            if "signatures" in value:
                header = json.loads(verify.decode(value["signatures"][0]["protected"]))
                value = {**json.loads(verify.decode(value["payload"])), "kind": header["typ"][7:-4]}
            if value.get("kind") in wanted and all(value.get(name) == what for name, what in members.items()):
                return index
        raise LookupError(wanted)

    def change(self, index, **members):
        salt, record = self.entries[index]
        value = {**json.loads(record), **members}
        self.entries[index] = (salt, json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())

    def move(self, index, to):
        self.entries.insert(to, self.entries.pop(index))

    def go_on(self, at):
        """Something is published then that is not here."""
        self.entries.append((b"\4" * 32, json.dumps({"at": at, "digest": verify.encode(verify.sha(b"%d" % at)), "kind": "published"},
                                                    sort_keys=True, separators=(",", ":")).encode()))

    def payload(self, *wanted, **members):
        return forge.read(self.entries[self.find(*wanted, **members)][1])[0]

    def sign(self, index, keys=None, **members):
        """Signs an entry anew, with other members; its digest then."""
        salt, record = self.entries[index]
        self.entries[index] = (salt, forge.signed_anew(record, keys, **members))
        return forge.digest(self.entries[index][1])

    def flip(self, index, role):
        """Spoils one signature."""
        salt, record = self.entries[index]
        value = json.loads(record)
        part = value["signatures"][role]
        raw = bytearray(verify.decode(part["signature"]))
        raw[40] ^= 1
        part["signature"] = verify.encode(bytes(raw))
        self.entries[index] = (salt, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    def files(self, key):
        public = key.public_key().public_bytes_raw()
        leaf = b"besace log/v1 consent leaf"
        entries = [entry if isinstance(entry, bytes) else verify.sha(entry[0], hashlib.sha256(entry[1]).digest(), label=leaf)
                   for entry in self.entries]
        leaves = [verify.sha(b"\0", entry) for entry in entries]

        def head(size, top):
            text = f"{self.origin}\n{size}\n{base64.b64encode(top).decode()}\n"
            key_id = verify.sha(self.origin.encode(), b"\n\1", public)[:4]
            line = base64.b64encode(key_id + key.sign(text.encode())).decode()
            return f"{text}\n\u2014 {self.origin} {line}\n".encode()

        lines = [b"" if isinstance(entry, bytes) else json.dumps(
            {"index": index, "record": verify.encode(entry[1]), "salt": verify.encode(entry[0])},
            sort_keys=True, separators=(",", ":")).encode() for index, entry in enumerate(self.entries)]
        while not lines[-1]:
            lines.pop()
        width = len(leaves)
        seen = {width + more: verify.root(leaves[:width + more]) if true else verify.sha(b"another") for more, true in self.seen}
        return {**{f"logs/{self.origin}/seen/{size}": head(size, top) for size, top in seen.items()},
                f"logs/{self.origin}/checkpoint": head(width, verify.root(leaves)),
                f"logs/{self.origin}/tile/0/000.p/{width}": b"".join(leaves),
                f"logs/{self.origin}/tile/entries/000.p/{width}": b"".join(b"\0\x20" + entry for entry in entries),
                f"logs/{self.origin}/openings/0.jsonl": b"".join(line + b"\n" for line in lines)}


def deeds():
    """What a retailer or an agent could have done: a name, and what it makes of her log, the retailer's, documents and policy."""
    def use(shop, n=1):
        return shop.find("use", action="recognised", counter=n)

    later = 3 * verify.DAY
    yield "nothing", lambda hers, shop, papers, policy: None
    yield "time", lambda hers, shop, papers, policy: policy.update(now=policy["now"] + later)
    for n in (1, 2, 3):
        yield f"use {n} hidden", lambda hers, shop, papers, policy, n=n: shop.entries.pop(use(shop, n))
        yield f"use {n} told twice", lambda hers, shop, papers, policy, n=n: shop.entries.insert(
            use(shop, n), shop.entries[use(shop, n)])
        for name, change in {"in another shop": {"shop": "0000000f"}, "of another action": {"action": "greeted"},
                             "of another chain": {"prev": verify.encode(b"\0" * 32)}, "of another count": {"counter": 7},
                             "of another grant": {"grant": "grant_" + "0" * 32},
                             "before the grant": {"at": 1_600_000_000}, "after its end": {"at": 1_900_000_000}}.items():
            yield f"use {n} {name}", lambda hers, shop, papers, policy, n=n, change=change: shop.change(use(shop, n), **change)
        yield f"use {n} after the withdrawal", lambda hers, shop, papers, policy, n=n: shop.move(
            use(shop, n), shop.find("withdrawal"))
        yield f"use {n} before the grant", lambda hers, shop, papers, policy, n=n: shop.move(use(shop, n), shop.find("grant"))
    for kind in ("request", "grant", "withdrawal", "acknowledgement", "release_received", "disclosure_received", "published"):
        yield f"the shop leaves out a {kind}", lambda hers, shop, papers, policy, kind=kind: shop.entries.pop(shop.find(kind))
    for kind in ("grant", "withdrawal", "acknowledgement", "released", "disclosed"):
        yield f"she leaves out a {kind}", lambda hers, shop, papers, policy, kind=kind: hers.entries.pop(hers.find(kind))
        yield f"she logs a {kind} first of all", lambda hers, shop, papers, policy, kind=kind: hers.move(hers.find(kind), 0)
        yield f"she logs a {kind} last", lambda hers, shop, papers, policy, kind=kind: hers.move(
            hers.find(kind), len(hers.entries))

    def unacknowledged(hers, shop, papers, policy):
        for book in (hers, shop):
            book.entries.pop(book.find("acknowledgement"))
        policy["now"] += later
    def unacknowledged_to_the_end(hers, shop, papers, policy):
        unacknowledged(hers, shop, papers, policy)
        shop.go_on(policy["now"])
    def unheard(hers, shop, papers, policy):
        unacknowledged_to_the_end(hers, shop, papers, policy)
        shop.entries.pop(shop.find("withdrawal"))
    yield "nobody answers a withdrawal, as far as the bundle goes", unacknowledged
    yield "nobody answers a withdrawal", unacknowledged_to_the_end
    yield "nothing shows that a withdrawal was heard of", unheard
    yield "a deadline of no time", lambda hers, shop, papers, policy: policy.update(
        acknowledge_within_seconds=0, now=policy["now"] + later)
    for kind, role in (("request", 0), ("grant", 0), ("grant", 1), ("withdrawal", 0), ("acknowledgement", 0), ("manifest", 0)):
        yield f"forged {kind}, signature {role}", lambda hers, shop, papers, policy, kind=kind, role=role: shop.flip(
            shop.find(kind), role)
    def late(hers, shop, papers, policy):
        """She withdrew days before; the shop logs it now, and answers as if it had been then."""
        for book in (hers, shop):
            index = book.find("withdrawal")
            ended = book.payload("withdrawal")["withdrawn"] - 2 * verify.DAY
            named = book.sign(index, withdrawn=ended)
            book.sign(book.find("acknowledgement"), acknowledged=ended + 60, withdrawal=named)
    yield "a withdrawal logged late, with an answer of another day", late
    def left_out(many, answer):
        """The shop signs so many uses fewer than there were: in its answer, or in a count of that day."""
        def deed(hers, shop, papers, policy):
            said = shop.payload("acknowledgement")
            number = said["uses"]["count"] - many + 1
            head = json.loads(shop.entries[shop.find("use", grant=said["grant"], counter=number)][1])["prev"]
            members = {"grant": said["grant"], "uses": {"count": number - 1, "head": head}}
            if answer:
                for book in (hers, shop):
                    book.sign(book.find("acknowledgement"), **members)
            else:
                stated = said["acknowledged"] + verify.DAY
                paper = forge.sign("use-statement", {**members, "day": stated // verify.DAY, "stated": stated, "v": 1},
                                   {"controller": forge.SHOP}, stated)
                papers[f"documents/{hashlib.sha256(paper).hexdigest()}"] = paper
        return deed
    for many in (1, 2):
        yield f"an answer that leaves out {many}", left_out(many, True)
        yield f"a count that leaves out {many}", left_out(many, False)

    def made_up(at):
        def deed(hers, shop, papers, policy):
            index, keys = at(shop), {"subject": forge.STRANGER}
            shop.entries.insert(index, shop.entries[shop.find("grant")])
            shop.sign(index, keys, id="grant_" + "5" * 32, subject_key=forge.public(forge.STRANGER),
                      subject_log_key=forge.public(forge.STRANGER))
            return "unpinned"
        return deed
    yield "a pseudonym that the shop made up names her log first", made_up(lambda shop: shop.find("grant"))
    yield "a pseudonym that the shop made up names her log last", made_up(lambda shop: len(shop.entries))
    def long(policy, days):
        policy["valid_days_max"] = days
    for days in (1, 400):
        yield f"grants of at most {days} days", lambda hers, shop, papers, policy, days=days: long(policy, days)

    def untold(hers, shop, papers, policy):
        """A grant for other terms than its notice tells, whose request nobody opens."""
        asked = shop.payload("grant")["request"]
        for index, entry in enumerate(shop.entries):
            if isinstance(entry, tuple) and b"signatures" in entry[1] and forge.digest(entry[1]) == asked:
                shop.entries[index] = verify.sha(entry[0], hashlib.sha256(entry[1]).digest(), label=b"besace log/v1 consent leaf")
        for book in (hers, shop):
            grant = book.payload("grant")
            named = book.sign(book.find("grant"), terms={**grant["terms"], "retention_days": 3})
            named = book.sign(book.find("withdrawal", grant=grant["id"]), grant_digest=named)
            book.sign(book.find("acknowledgement", grant=grant["id"]), withdrawal=named)
    yield "a grant for other terms than its notice tells", untold

    def known_elsewhere(key, domain="other.example"):
        """Another shop has grants of the same pseudonym, or of another one."""
        def deed(hers, shop, papers, policy):
            other, swap, signers = copy.deepcopy(shop), {}, {"subject": key}
            wanted = (shop.find("request"), shop.find("request") + 1, shop.find("grant"))
            other.origin, other.entries = domain + "/besace", [shop.entries[index] for index in wanted]
            for index, (_, record) in enumerate(other.entries):
                payload, members = forge.read(record)[0], {"controller": domain}
                if "subject_key" in payload:
                    members |= {"id": "grant_" + "7" * 32, "request": swap[payload["request"]], "subject_key": forge.public(key)}
                swap[forge.digest(record)] = other.sign(index, signers, **members)
            papers |= other.files(forge.SHOP_LOG)
            policy["controllers"].append({**policy["controllers"][0], "domain": domain})
        return deed
    yield "a pseudonym that two shops know", known_elsewhere(forge.HER)
    yield "a pseudonym that two shops know, the other by an earlier name", known_elsewhere(forge.HER, "another.example")
    yield "a pseudonym for each shop", known_elsewhere(forge.STRANGER)
    yield from ends()
    yield from negotiated()
    yield from planted_renewals.deeds()
    def showed(*heads):
        """It had shown a head of so many entries more or fewer, true or not."""
        def deed(hers, shop, papers, policy):
            shop.seen = list(heads)
        return deed
    yield "true heads shown before", showed((-9, True), (-1, True), (0, True))
    yield "another history shown before", showed((-9, False), (-1, True))
    yield "another history of the same size", showed((-9, True), (0, False))
    yield "a longer history shown before", showed((1, False))
    yield from planted_revocations.deeds()
    yield from planted_restorations.deeds()
    yield from planted_retention.deeds()
    yield from planted_successions.deeds()
    yield from planted_tills.deeds()
    yield from planted_forms.deeds()
    for days in (-2, 3, 30, 400):
        yield f"keys of {days} days on, received", lambda hers, shop, papers, policy, days=days: shop.change(
            shop.find("release_received"), day=json.loads(shop.entries[shop.find("release_received")][1])["day"] + days)
        yield f"keys of {days} days on, released", lambda hers, shop, papers, policy, days=days: hers.change(
            hers.find("released"), day=json.loads(hers.entries[hers.find("released")][1])["day"] + days)
    yield "what she never sent", lambda hers, shop, papers, policy: shop.change(
        shop.find("disclosure_received"), digest=verify.encode(b"\1" * 32))
    yield "logged as sent after it arrived", lambda hers, shop, papers, policy: hers.change(
        hers.find("disclosed"), at=json.loads(hers.entries[hers.find("disclosed")][1])["at"] + 600)
    yield "another category", lambda hers, shop, papers, policy: hers.change(hers.find("disclosed"), categories=["presence"])
    yield "a use in her log", lambda hers, shop, papers, policy: hers.entries.append(shop.entries[use(shop)])
    yield "a disclosure in the shop's log", lambda hers, shop, papers, policy: shop.entries.append(
        hers.entries[hers.find("disclosed")])
    yield "keys deleted late", lambda hers, shop, papers, policy: shop.entries.append((b"\7" * 32, json.dumps(
        {"at": policy["now"] + 9 * verify.DAY, "days": [json.loads(shop.entries[shop.find("release_received")][1])["day"]],
         "grant": json.loads(shop.entries[use(shop)][1])["grant"], "kind": "deleted", "reason": "day_over"},
        sort_keys=True, separators=(",", ":")).encode()))


def negotiated():
    """As `deeds`: grants that came of a negotiation (spec/negotiation.md). The good one: she proposes fewer days, the shop counters,
    she proposes in between, the shop agrees, she gives."""
    def talk(turns=3, of=None, change=None, show=True, agree=True, name=None, prev=None, at="before", **given):
        """`change` is of one turn (`of`), or of each. `given` are terms of the grant that its last proposal has not."""
        def deed(hers, shop, papers, policy):
            asked, grant = shop.payload("request", id=shop.payload("grant")["request_id"]), shop.payload("grant")
            request = forge.digest(shop.entries[shop.find("request", id=asked["id"])][1])
            matter = {"controller": grant["controller"], "controller_key": grant["controller_key"], "request": request,
                      "id": "negotiation_" + "7" * 32, "subject_key": grant["subject_key"]}
            said, before, days = [], request, (10, 20, 15)
            for turn in range(1, turns + 1):
                payload = {"expires": grant["given"] + verify.DAY, "issued": grant["given"] - 60 + turn, "matter": {**matter},
                           "prev": before if prev is None or turn == 1 else prev, "turn": turn, "v": 1,
                           "terms": {**asked["terms"], "retention_days": min(days[turn - 1], asked["terms"]["retention_days"])}}
                keys = {"controller" if turn == 2 else "subject": forge.SHOP if turn == 2 else forge.HER}
                if change and of in (None, turn):
                    keys = change(payload) or keys
                    payload["prev"] = payload["matter"]["request"] if turn == 1 else payload["prev"]
                said.append((b"%d" % turn * 32, forge.sign("proposal", payload, keys, payload["issued"])))
                before = forge.digest(said[-1][1])
            last = forge.read(said[-1][1])[0]
            if agree:
                answer = {"agreed": grant["given"], "matter": matter, "prev": before, "v": 1}
                said.append((b"8" * 32, forge.sign("agreement", answer, {"controller": forge.SHOP}, grant["given"])))
            terms = {**last["terms"], **given}
            for book in (hers, shop):
                end = grant["given"] + terms["valid_days"] * verify.DAY
                named = book.sign(book.find("grant", id=grant["id"]), terms=terms, expires=end, proposal=name or before)
                named = book.sign(book.find("withdrawal", grant=grant["id"]), grant_digest=named)
                book.sign(book.find("acknowledgement", grant=grant["id"]), withdrawal=named)
            place = shop.find("grant", id=grant["id"]) + (at != "before")
            if show:
                shop.entries[place:place] = said
        return deed
    def wide(payload):
        payload["terms"]["valid_days"] += 1
    def members(keys=None, **new):
        """Says these members instead; a key of `matter` goes there."""
        def change(payload):
            for one, value in new.items():
                (payload["matter"] if one in payload["matter"] else payload)[one] = value
            return keys
        return change
    def objecting(talked, said, key, late):
        """She objects, or takes it back, so many seconds after some moment; before all else that the shop's log has of the negotiation, or after it."""
        def deed(hers, shop, papers, policy):
            talked(hers, shop, papers, policy)
            place = len(shop.entries) if late else shop.find("proposal", turn=1)
            for seconds, objects in said or [(1, True)]:
                what = {"controller": shop.payload("grant")["controller"], "objects": objects, "said": 1_795_240_000 + seconds, "subject_key": forge.public(key), "v": 1}
                shop.entries.insert(place, (b"\6" * 32, forge.sign("objection", what, {"subject": key}, what["said"])))
                place += 1
        return deed
    nobody = verify.encode(b"\1" * 32)
    for turns in (1, 2, 3):
        yield f"negotiated in {turns} turns", talk(turns)
        yield f"negotiated in {turns} turns, wider than was asked", talk(turns, turns, wide)
        yield f"negotiated in {turns} turns, and none is shown", talk(turns, show=False)
        yield f"negotiated in {turns} turns, shown after the grant", talk(turns, at="after")
        yield f"negotiated in {turns} turns, and nobody says that it was agreed", talk(turns, agree=False)
        yield f"negotiated in {turns} turns, a grant of nobody's proposal", talk(turns, name=nobody)
        yield f"negotiated in {turns} turns, each of another negotiation", talk(turns, change=members(id="negotiation_" + "6" * 32))
        for name, said in {"": [(1, True)], " elsewhere": [(1, True)], ", and takes it back": [(1, True), (2, False)], " again": [(2, False), (3, True)], " and not, at once": [(1, True), (1, False)],
                           ", heard in another order": [(9, False), (8, True)], " after it": []}.items():
            yield f"negotiated in {turns} turns, and she objects{name}", objecting(talk(turns), said, forge.STRANGER if name == " elsewhere" else forge.HER, late=not said)
        yield f"negotiated in {turns} turns, the transcript spliced", talk(turns, prev=nobody)
        for one, value in {"retention_days": 29, "frequency_per_day": 1, "valid_days": 396, "valid_days ": 1, "recipients": ["ads.example"],
                           "lookback_days": 3, "shops": ["0000000f"], "categories": {"presence": "month"}}.items():
            yield f"negotiated in {turns} turns, given with {one} {value}", talk(turns, **{one.strip(): value})
        for name, change in {
                "a request of another": members(request=nobody), "another shop": members(controller="other.example"),
                "over before it was given": members(issued=1_795_249_000, expires=1_795_250_000), "made after it was given": members(issued=1_795_260_000),
                "another key of the shop": members(controller_key=forge.public(forge.STRANGER)),
                "a stranger's, in her name": members({"subject": forge.STRANGER}),
                "a stranger's, in the shop's name": members({"controller": forge.STRANGER}),
                "a stranger's, in his own": members({"subject": forge.STRANGER}, subject_key=forge.public(forge.STRANGER)),
                "the shop's, whoever's turn it is": members({"controller": forge.SHOP}),
                "hers, whoever's turn it is": members({"subject": forge.HER})}.items():
            yield f"negotiated in {turns} turns, the last of {name}", talk(turns, turns, change)
            yield f"negotiated in {turns} turns, the first of {name}", talk(turns, 1, change)
    def words(record, **entry):
        """Stands somewhere in a log though it belongs to no grant."""
        def deed(hers, shop, papers, policy):
            talk()(hers, shop, papers, policy)
            (hers if entry.get("hers") else shop).entries.append((b"9" * 32, record(shop)))
        return deed
    def matter_of(shop):
        return shop.payload("proposal")["matter"]
    def refusal(by, key):
        return lambda shop: forge.sign("refusal", {"by": by, "matter": matter_of(shop), "prev": nobody, "reason": "declined",
                                                   "refused": 1_795_341_660, "v": 1}, {by: key}, 1_795_341_660)
    def again(kind):
        return lambda shop: shop.entries[shop.find(kind)][1]
    for by, key in (("subject", forge.HER), ("controller", forge.SHOP), ("subject", forge.SHOP), ("controller", forge.STRANGER)):
        yield f"a refusal by the {by}, whoever signed it", words(refusal(by, key))
    yield "a refusal by the subject in her log", words(refusal("subject", forge.HER), hers=True)
    yield "a refusal by the controller in her log", words(refusal("controller", forge.SHOP), hers=True)
    for kind in ("proposal", "agreement"):
        for hers in (False, True):
            yield f"the {kind} once more, hers: {hers}", words(again(kind), hers=hers)
    def other_grant(hers, shop, papers, policy):
        """Her log has the grant word for word as it was asked, the shop's the negotiated one."""
        before = copy.deepcopy(hers.entries)
        talk()(hers, shop, papers, policy)
        hers.entries = before
    yield "negotiated in the shop's log, as it was asked in hers", other_grant
    def other_proposal(hers, shop, papers, policy):
        """The grant names the first proposal and has the terms of the last."""
        talk(name=None)(hers, shop, papers, policy)
        first = forge.digest(shop.entries[shop.find("proposal", turn=1)][1])
        given = shop.payload("grant")["id"]
        for book in (hers, shop):
            named = book.sign(book.find("grant", id=given), proposal=first)
            named = book.sign(book.find("withdrawal", grant=given), grant_digest=named)
            book.sign(book.find("acknowledgement", grant=given), withdrawal=named)
    yield "a grant that names the first proposal and takes the last", other_proposal
    def word_for_word(hers, shop, papers, policy):
        """Less than was asked, and no proposal is named."""
        given = shop.payload("grant")["id"]
        for book in (hers, shop):
            grant = book.payload("grant", id=given)
            named = book.sign(book.find("grant", id=given), terms={**grant["terms"], "lookback_days": 0, "retention_days": 1})
            named = book.sign(book.find("withdrawal", grant=given), grant_digest=named)
            book.sign(book.find("acknowledgement", grant=given), withdrawal=named)
    yield "less than was asked, and no proposal", word_for_word


def ends():
    """As `deeds`: how grants end."""
    def erased(days=0, in_both=False, **members):
        def deed(hers, shop, papers, policy):
            answer = shop.payload("acknowledgement")
            grant = shop.entries[shop.find("grant", id=answer["grant"])][1]
            given, moment = forge.read(grant)[0], answer["acknowledged"] + int(days * verify.DAY)
            erasure = {"categories": sorted(given["terms"]["categories"]), "controller": given["controller"], "erased": moment,
                       "grant": given["id"], "grant_digest": forge.digest(grant), "kept": ["consent_proof"],
                       "recipients": given["terms"]["recipients"], "v": 1, "withdrawal": answer["withdrawal"], **members}
            erasure = {name: value for name, value in erasure.items() if value is not None}
            for book in (shop, hers) if in_both else (shop,):
                book.entries.append((b"\6" * 32, forge.sign("erasure", erasure, {"controller": forge.SHOP}, moment)))
            policy["now"] = max(policy["now"], moment if days >= 0 else 0)
        return deed
    nobody = verify.encode(b"\1" * 32)
    yield "erased", erased()
    yield "erased, in both logs", erased(in_both=True)
    yield "erased on the last day", erased(days=31)
    yield "erased late", erased(days=31.01)
    yield "erased late, in both logs", erased(days=32, in_both=True)
    yield "erased before it was answered", erased(days=-0.5, in_both=True)
    yield "erased in the future", erased(erased=1_900_000_000)
    yield "erased of another category", erased(categories=["chosen_name"])
    yield "erased with others told", erased(recipients=["other.example"])
    yield "erased under other words", erased(grant_digest=nobody)
    yield "erased after a withdrawal of nobody", erased(withdrawal=nobody)
    yield "erased as if it had run out", erased(withdrawal=None)
    yield "erased by another", erased(controller="other.example")
    yield "erased of no known grant", erased(grant="grant_" + "0" * 32)
    def over(hers, shop, papers, policy):
        policy["now"] += 40 * verify.DAY
    def never(hers, shop, papers, policy):
        over(hers, shop, papers, policy)
        shop.go_on(policy["now"])
    yield "never erased, as far as the bundle goes", over
    yield "never erased", never
    def twice(first, second):
        def deed(hers, shop, papers, policy):
            erased(first)(hers, shop, papers, policy)
            erased(second, in_both=True)(hers, shop, papers, policy)
        return deed
    yield "erased in time and again late", twice(1, 32)
    yield "erased late, and signed anew as of before", twice(32, 1)
    yield "erased too late for the policy", lambda hers, shop, papers, policy: (
        policy.update(erase_within_seconds=3600), erased(days=0.1)(hers, shop, papers, policy))

    def again(days, late=0, answered=True):
        """A vault that was restored stops again; she was shown the first withdrawal and its answer."""
        def deed(hers, shop, papers, policy):
            first = hers.find("withdrawal")
            hers.entries.insert(first, hers.entries[first])
            hers.sign(first, id="withdrawal_" + "6" * 32, withdrawn=hers.payload("withdrawal")["withdrawn"] + int(days * verify.DAY))
            for book in (hers, shop):
                index = book.find("withdrawal") + (book is hers)
                moment = forge.read(book.entries[index][1])[0]["withdrawn"] - int(late * verify.DAY)
                named = book.sign(index, withdrawn=moment)
                book.sign(book.find("acknowledgement"), withdrawal=named if answered else verify.encode(b"\1" * 32))
            policy["now"] += int(days * verify.DAY)
        return deed
    def answers_the_later(hers, shop, papers, policy):
        """The first withdrawal stands in the shop's log alone; it answers the second."""
        index = shop.find("withdrawal")
        shop.entries.insert(index, shop.entries[index])
        shop.sign(index, id="withdrawal_" + "6" * 32, withdrawn=shop.payload("withdrawal")["withdrawn"] - 2 * verify.DAY)
    yield "the later of two withdrawals is answered", answers_the_later

    def many_times(number):
        """She stops again and again; the answer names that one of them."""
        def deed(hers, shop, papers, policy):
            for book in (hers, shop):
                first = book.find("withdrawal")
                copies = [book.entries[first]] * 20
                book.entries[first:first + 1] = copies
                names = [book.sign(first + n, id=f"withdrawal_{n:032x}") for n in range(20)]
                book.sign(book.find("acknowledgement"), withdrawal=names[number])
        return deed
    for number in (0, 16, 17, 19):
        yield f"stopped twenty times, and {number} is answered", many_times(number)
    yield "stopped again", again(9)
    yield "stopped again, and the first was answered late", again(9, late=2)
    yield "stopped again, and none was answered", again(9, answered=False)
    for at_shop in (False, True):
        for controller in ("maison-lumen.example", "other.example"):
            objection = {"controller": controller, "objects": True, "said": 1_795_250_000,
                         "subject_key": forge.public(forge.HER), "v": 1}
            entry = (b"\5" * 32, forge.sign("objection", objection, {"subject": forge.HER}, objection["said"]))
            yield f"objected to {controller}, shop: {at_shop}", lambda hers, shop, papers, policy, entry=entry, at_shop=at_shop: (
                shop if at_shop else hers).entries.append(entry)


def main(program, evidence, policy_file):
    evidence, policy = pathlib.Path(evidence), json.loads(pathlib.Path(policy_file).read_bytes())
    files = {path.relative_to(evidence).as_posix(): path.read_bytes() for path in evidence.rglob("*") if path.is_file()}
    retailer = policy["controllers"][0]["domain"] + "/besace"
    pseudonym = next(name.split("/")[1] for name in files if name.startswith("logs/log_"))
    def build(spoil=lambda papers: {}):
        papers = {one: data for one, data in files.items() if one.startswith("documents/")}
        swap, books = spoil(papers), (Book(files, pseudonym), Book(files, retailer), papers, copy.deepcopy(policy))
        forge.forge(*books, swap)
        return books
    base = build()
    cases = [(name, spoiled, policy) for name, spoiled in spoiled_bytes(files)] + list(planted_witnesses.bundles(files, retailer, policy))
    for name, deed in deeds():
        hers, shop, papers, pinned = copy.deepcopy(base)
        done = deed(hers, shop, papers, pinned)
        if done != "unpinned":
            key = forge.HER_LOG.public_key().public_bytes_raw()
            key_id = verify.sha(pseudonym.encode(), b"\n\1", key)[:4].hex()
            former = [one for one in pinned.get("logs", []) if "/besace" in one]
            pinned["logs"] = [*former, f"{pseudonym}+{key_id}+{base64.b64encode(bytes([1]) + key).decode()}"]
        own = {} if done == "gone" else hers.files(forge.HER_LOG)
        cases.append((name, {**papers, **own, **shop.files(forge.SHOP_LOG)}, pinned))
    cases += [*(case[:3] for case in planted_mandates.bundles()), *planted_notices.bundles(build)]
    statuses, wrong, named = {}, 0, set()
    with concurrent.futures.ProcessPoolExecutor() as several:
        verdicts = several.map(functools.partial(judged, program), cases, chunksize=8)
        for (name, *_), (ours, theirs) in zip(cases, verdicts, strict=True):
            statuses[ours[0]] = statuses.get(ours[0], 0) + 1
            named |= {finding[0] for finding in ours[1] & theirs[1]}
            if ours != theirs:
                wrong += 1
                print(f"{name}\n  besace-audit: {ours}\n  verify.py:    {theirs}")
    print(f"verdicts: {len(cases) - wrong} passed, {wrong} failed")
    # Every assertion that is made of evidence alone was found broken by both.
    page = (pathlib.Path(__file__).parent / "../../spec/audit.md").read_text()
    table = page.split("\n## Assertions\n")[1].split("\n## ")[0]
    asserted = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ") and line[3].isdigit()}
    if named != asserted:
        sys.exit(f"found by both: {sorted(named)}; asserted, and not found: {sorted(asserted - named)}")
    if wrong or statuses.get(0, 0) < 2 or statuses.get(1, 0) < 100:
        sys.exit(f"how many of each verdict: {statuses}")


if __name__ == "__main__":
    main(*sys.argv[1:])
