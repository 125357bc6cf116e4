"""A second auditor, from spec/audit.md, spec/log.md and spec/consent.md: it shares no code with the first.
    python verify.py EVIDENCE POLICY          exit 0: holds, 1: does not, 2: could not be checked
Prints each finding: assertion, file, entry of an opening."""
import base64, hashlib, json, pathlib, re, sys, time, endings, forms, mandates, restorations, successions, talks, visits  # one line: this file has at most 300
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
DAY, PUBLIC, TOLD = 86_400, ("manifest", "catalogue", "voucher-keys"), ("purpose", "recipients", "retention_days")
UNREADABLE, SAID = (ValueError, KeyError, TypeError, IndexError, InvalidSignature), ("agreement", "proposal", "refusal", "objection", "restoration")
ACTIONS = {"recognition": {"recognised", "recognised_unbound"}, "staff_greeting": {"greeted"}, "loyalty_account": {"identified", "debited"}, "wish_broadcast": {"wish_accepted"}, "answers": set(), "feedback": set(), "receipts": {"receipt_found"}}
HERS, THEIRS = {"released", "disclosed", "anchor", "delegated"}, {"release_received", "disclosure_received", "deleted", "use", "published", "discrepancy"}
ITEMS = set("purpose legal_basis obligation recipients transfers retention automated_decisions withdrawal rights complaint data_protection_officer".split())
def sure(well, value): return value if well else int("refused")  # a ValueError
def sha(*parts, label=b""): return hashlib.sha256(bytes([len(label)])[:len(label)] + label + b"".join(parts)).digest()
def encode(data, alt=b"-_"): return base64.b64encode(data, alt).decode().rstrip("=" if alt == b"-_" else "")
def decode(text, alt=b"-_"): return sure(encode(data := base64.b64decode(text + "=" * (-len(text) % 4), alt, validate=True), alt) == text, data)
def canonical(data):
    text = json.dumps(value := json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sure(text.encode() == data, value)
def asks(terms):  # as a set, of which that of narrower terms is a part (spec/negotiation.md#order), whatever is promised
    fine = {one: list("mwde"[:"mwde".index(grain[0]) + 1]) for one, grain in terms.get("categories", {}).items()}
    each = {**terms, **fine, "benefit": [], "categories": []}.items()
    return {(a, b) for a, many in each for b in (range(many) if isinstance(many, int) else [many] if isinstance(many, str) else many)}
def root(leaves):
    return sha(b"\1", root(leaves[:(cut := 1 << (len(leaves) - 1).bit_length() - 1)]), root(leaves[cut:])) if leaves[1:] else (leaves or [sha()])[0]
def note_of(data):
    text, lines = sure(data.endswith(b"\n"), data[:-1]).decode().rsplit("\n\n", 1)
    lines = [re.fullmatch("\u2014 ([^\\s+]+) (.+)", line) for line in lines.split("\n")]
    return text + "\n", [(line[1], decode(line[2], b"+/")[:4], decode(line[2], b"+/")[4:]) for line in lines]  # name, key id, what follows
def head_of(data, origin, key, alone=True):  # Size and root of a head that its log signed, and nobody else if it is to stand alone; nothing if it is none.
    try:
        text, lines = note_of(data)
        name, size, top = text[:-1].split("\n")
        own = [line for line in lines if line[:2] == (origin, sha(origin.encode(), b"\n\1", key)[:4])]
        Ed25519PublicKey.from_public_bytes(key).verify(sure(own and own == (lines if alone else own[:1]), own)[0][2], text.encode())
        return sure(name == origin and len(decode(top, b"+/")) == 32, (int(size), decode(top, b"+/")))
    except UNREADABLE:
        return None
def tile_name(row, index, width):
    path = re.sub("(...)(?=.)", r"x\1/", f"{index:0{-(-len(str(index)) // 3) * 3}d}")
    return f"tile/{row}/{path}" + (f".p/{width}" if width < 256 else "")
class Audit:
    def __init__(self, folder, policy):
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}
        self.policy, self.findings, self.conduct, self.published, self.misnamed, self.lost, self.contradicted, self.open, self.lacking = policy, set(), set(), set(), set(), set(), set(), False, False
        self.now, limits = policy.get("now", int(time.time())), {"skew": 90, "acknowledge_within": DAY, "erase_within": 31 * DAY}
        self.skew, self.within, self.erase = (policy.get(f"{one}_seconds", most) for one, most in limits.items())
        self.domains, self.shops = restorations.logs(policy), {one["domain"]: one for one in policy["controllers"]}
        self.requests, self.notices, self.known, self.last, self.seen, self.begun, self.restored, self.since, self.heads, self.links, self.next, self.first, self.pseudonyms, self.sides, self.stated = *({} for _ in range(13)), ({}, {}), []
    def book(self, name):  # The first log of the pseudonym whose log it is.
        return self.first.get(name := name.split("/openings")[0], name)
    def check(self, well, assertion, place):
        return well or self.findings.add((assertion, *place))
    def judge(self, place, **assertions):  # of conduct, which counts only if all evidence holds
        self.conduct |= {(name, *place) for name, well in assertions.items() if not well}
        return all(assertions.values())
    def verdict(self):
        names, named, books = {}, {}, []
        keys = {v.split("+")[0]: decode(v.split("+", 2)[2], b"+/")[1:] for v in self.policy.get("logs", [])}
        for name, data in self.files.items():
            if found := re.fullmatch(rf"logs/({restorations.RETAILER}|log_[0-9a-f]{{32}})/(?!\d)(.+)", name):
                names.setdefault(found[1], []).append(found[4])
            elif f"documents/{sha(data).hex()}" != name:
                self.check(False, "B1", (name,))
        for origin in sorted(names, key=lambda origin: (origin.startswith("log_"), origin)):
            if origin in self.domains:
                keys[origin] = decode(self.domains[origin]["log_key"])
            elif origin in named and origin not in keys:
                keys[origin] = min(named[origin], key=lambda key: not head_of(self.files.get(f"logs/{origin}/checkpoint", b""), origin, key))
                self.misnamed |= {place for key, place in named[origin].items() if key != keys[origin]}
            entries = self.read_log(origin, keys[origin], names[origin]) if origin in keys else None
            books += [(origin in self.domains, origin, entries)] if isinstance(entries, list) else []
            successions.read(self, origin, entries or [], named) if origin in self.domains else None
        self.open, books = not set(names) <= set(keys), successions.chained(self, books, {one for one in names if one in keys and one not in self.domains})
        for theirs, origin, entries in books if not self.findings else []:
            for place, salt, record in entries:
                kind, payload = restorations.begins(self, self.signed(record), record, place, origin)
                if b'"signatures"' not in record:
                    self.check(forms.hold("plain", record), "G2", place) and self.take_record(canonical(record), salt, record, place, self.sides[theirs], theirs)
                elif self.check(kind, "G1", place) and self.check(forms.hold(kind, record), "G2", place):
                    self.take_document(kind, payload, place, theirs, self.sides[theirs], origin)
        self.findings or self.read_documents() or self.findings or self.compare()
        self.open |= self.lacking or not books or not {text.split("\n")[0] for text in self.policy.get("remembered", [])} <= set(names)
        sys.stdout.writelines(" ".join(map(str, finding)) + "\n" for finding in sorted(self.findings, key=str))
        return 1 if self.findings else 2 if self.open else 0
    def read_log(self, origin, key, kinds):  # Every file of a log against its head; gives the opened entries, or nothing: place, salt, record.
        prefix, heads, entries, differing = f"logs/{origin}/", {}, [], []
        for kind in (kind for kind in kinds if re.fullmatch(r"checkpoint|seen/(0|[1-9]\d*)", kind)):
            head = head_of(self.files[prefix + kind], origin, key)
            if self.check(head and kind in ("checkpoint", f"seen/{head[0]}"), "L1", (prefix + kind,)):
                heads[prefix + kind] = head
        if not self.check("checkpoint" in kinds, "B1", (prefix + "checkpoint",)) or prefix + "checkpoint" not in heads:
            return None
        size, top = self.heads[origin] = heads.pop(prefix + "checkpoint")
        known = [head_of(text.encode(), origin, key, alone=False) for text in self.policy.get("remembered", []) if text.startswith(origin + "\n")]
        heads = [*heads.items(), *(("policy", head) for head in known if self.check(head, "L1", ("policy",))), *(visits.in_order(self, origin, key, self.witnessed(origin, key)) if origin in self.domains else [])]
        rows = [[(n // 256, min(256, many - n)) for n in range(0, many, 256)] for many in (size >> 8 * level for level in range(8))]
        wanted = {tile_name(row, *tile) for row, tiles in [("entries", rows[0]), *enumerate(rows)] for tile in tiles}
        for kind in set(kinds) ^ wanted:
            known = r"checkpoint|seen/(0|[1-9]\d*)|openings/(0|[1-9]\d*)\.jsonl" + "|cosigned" * (origin in self.domains)
            self.check(re.fullmatch(known, kind), "B1", (prefix + kind,))
        if not wanted <= set(kinds):
            return None
        for name, width in [(prefix + tile_name("entries", *tile), tile[1]) for tile in rows[0]]:
            parts = [self.files[name][at + 2:at + 34] for at in range(0, 34 * width, 34)]
            if b"".join(b"\0\x20" + part for part in parts) != self.files[name]:
                return self.check(False, "L4", (name,)) and None
            entries += parts
        leaves = nodes = [sha(b"\0", entry) for entry in entries]
        for row, tiles in enumerate(rows):
            differing += [(row, *tile) for tile in tiles if b"".join(nodes[tile[0] * 256:][:tile[1]]) != self.files[prefix + tile_name(row, *tile)]]
            nodes = [root(nodes[n:n + 256]) for n in range(0, len(nodes) - 255, 256)]
        for row, n, width in differing[:1]:
            row = "entries" if root(leaves) != top and row == 0 else row
            return self.check(False, "L4", (prefix + tile_name(row, n, width),)) and None
        if not self.check(root(leaves) == top, "L4", (prefix + "checkpoint",)):
            return None
        for name, (known, other) in heads:
            self.check(known <= size and root(leaves[:known]) == other, "L5" if known == size else "L3", (name,))
        numbers = [int(kind[9:-6]) for kind in kinds if re.fullmatch(r"openings/(0|[1-9]\d*)\.jsonl", kind)]
        return [one for n in sorted(numbers) for one in self.read_openings(f"{prefix}openings/{n}.jsonl", n * 256, entries)]
    def witnessed(self, origin, key):  # A retailer's head with the lines of witnesses, if it has one; L2 unless enough of the policy had seen it. Without one, nothing is known.
        name, since, asked = f"logs/{origin}/cosigned", {"none": self.now}, self.policy.get("witnesses", "quorum none")
        head = head_of(self.files.get(name, b""), origin, key, alone=False)
        text, lines = note_of(self.files[name]) if self.check(head or name not in self.files, "L1", (name,)) and head else ("", [])
        self.lacking |= not (name in self.files or re.search(r"(?m)^\s*quorum\s+none\s*$", asked))
        try:
            for words in map(str.split, asked.splitlines() if head else []):
                if words[:1] == ["witness"]:
                    who, key_id, public = words[2].split("+", 2)
                    own = [line[2] for line in lines if line[:2] == (who, bytes.fromhex(key_id))]
                    at = int.from_bytes(sure(not own[1:], b"".join(own))[:8], "big")
                    since[words[1]] = at if at <= self.now + 300 else 0
                    public, signed = Ed25519PublicKey.from_public_bytes(decode(public, b"+/")[1:]), f"cosignature/v1\ntime {at}\n{text}"
                    own and public.verify(own[0][8:], signed.encode())
                elif words[:1] == ["group"]:  # since when: of its members in their order, the last that is needed
                    least = {"all": len(words) - 3, "any": 1}.get(words[2]) or int(words[2])
                    since[words[1]] = sorted(since[one] for one in words[3:])[-least]
                elif words[:1] == ["quorum"] and self.check(since[words[1]], "L2", (name,)) and words[1] != "none":
                    self.seen[f"logs/{origin}"] = (head[0], since[words[1]])
        except UNREADABLE:  # as one wrong line of a witness spoils a head
            self.check(False, "L2", (name,))
        return [(name, head)] if head else []
    def read_openings(self, name, first, entries):
        data, opened = self.files[name], []
        lines = (data[:-1] if data.endswith(b"\n") else data + b"-").split(b"\n")
        for index, line in enumerate(lines, first):
            try:
                if line or index == first + len(lines) - 1:
                    opening = canonical(line)
                    record, salt = decode(opening.pop("record")), decode(opening.pop("salt"))
                    leaf = sha(salt, sha(record), label=b"besace log/v1 consent leaf")
                    fits = canonical(record) and opening == {"index": index} and leaf == entries[index:first + 256][0]
                    opened.append(sure(fits, ((name, index), salt, record)))
            except UNREADABLE:
                return self.check(False, "L7", (name, min(index, first + 255))) or opened
        return opened
    def signed(self, record):  # Type and payload of a signed record, if its signatures hold; None and None if not.
        try:
            document = canonical(record)
            parts, payload = document["signatures"], (said := canonical(decode(document["payload"]))) | said.get("matter", {})
            headers = [canonical(decode(part["protected"])) for part in parts]
            kind, roles = headers[0]["typ"][7:-4], [header["role"] for header in headers]
            life = self.sides[0].get(payload.get("grant")) or self.sides[1].get(payload.get("grant")) or payload
            home = life.get("controller") if "matter" not in said or life["controller"] in self.shops else ""  # else G2
            keys = {"controller": self.shops.get(home or [*self.shops, ""][0], {}).get("key"), "subject": payload.get("subject_key"), **(moved := successions.signers(kind, payload))}
            demanded = {"grant": ["controller", "subject"], "withdrawal": ["subject"], "objection": ["subject"], "mandate": ["subject"], "mandate-withdrawal": ["subject"], "refusal": [payload.get("by")],
                        "proposal": ["controller" if payload.get("turn") == 2 else "subject"]}.get(kind, [*moved] or ["controller"])
            well = payload.get("controller_key", keys["controller"]) == keys["controller"] and (roles == demanded or (kind, roles) == ("grant", ["subject"]))
            for part, header in zip(parts, headers, strict=True):
                key, text = decode(keys[header["role"]]), f"{part['protected']}.{document['payload']}"
                Ed25519PublicKey.from_public_bytes(key).verify(decode(part["signature"]), text.encode())
                well &= {**header, "alg": "Ed25519", "kid": encode(sha(key, label=b"besace keys/v1 key id")[:16]), "typ": f"besace-{kind}+jws"} == header and len(header) == 5
            return (kind, payload | {"digest": encode(sha(decode(document["payload"]))), "roles": roles}) if well else (None, None)
        except UNREADABLE:
            return None, None
    def take_document(self, kind, payload, place, theirs, lives, origin):
        life = lives.get(payload.get("grant"))
        if kind == "request" and theirs:
            asked = self.requests.setdefault(payload["digest"], payload | {"request_id": payload["id"], "notice": payload["notice"]["digest"]})
            self.notices.setdefault(asked["notice"], {})["G4", payload["digest"]] = (payload["terms"], None)
        elif kind == "proposal" and theirs and payload["controller"] == self.domains[origin]["domain"]:
            self.requests.setdefault((kind, payload["digest"]), payload) and talks.heard(self, kind, payload, place, theirs)
        elif kind == "grant":
            own = payload["controller"] == self.domains[origin]["domain"] if theirs and payload["roles"][1:] else self.book("logs/" + payload["subject_log"]) == self.book("logs/" + origin)
            self.check(own and payload["expires"] == payload["given"] + payload["terms"]["valid_days"] * DAY and place not in self.misnamed, "G2", place)
            if theirs and (asked := self.requests.get(payload["request"])):
                said = self.requests.get(("proposal", payload["proposal"]), {}) if "proposal" in payload else asked
                right = {**said, **{one: asked[one] for one in ("request_id", "controller", "notice")}}
                same = all(payload[one] == right.get(one, payload[one]) for one in ("request", "request_id", "controller", "notice", "subject_key"))
                same &= payload["terms"] == said.get("terms") and asks(payload["terms"]) <= asks(asked["terms"]) and (said is asked or talks.follows(self.requests, said))
                end = min(asked["expires"], said.get("expires", 0), self.now + self.skew + 1)
                self.check(same and max(asked["issued"], said.get("issued", 0) - self.skew) <= payload["given"] < end, "G3", place)
            self.check(lives.get(payload["id"], payload)["digest"] == payload["digest"], "G3", place)
            told, terms = self.notices.setdefault(payload["notice"], {}), payload["terms"] | {"less": "proposal" in payload}
            told.setdefault(("G5", theirs, str([terms[one] for one in ("less", *TOLD)])), (terms, place))
            if payload["id"] not in lives and (old := lives.get(payload.get("supersedes", {}).get("grant"))):  # from here on it stands in its place
                same = [one["terms"]["purpose"] + one["controller"] + successions.first(self, one["subject_key"], place) for one in (old, payload)]
                same = same[0] == same[1] and payload["supersedes"]["digest"] == old["digest"] and old["given"] <= payload["given"] < old["expires"]
                old["next"] = payload["id"] if self.judge(place, W6=same and not (old["said"] or old["revocation"] or old.get("next") or old.get("ended") or old["restored"])) else old.get("next")
            self.judge(place, G7=payload["id"] in lives or payload["terms"]["valid_days"] <= self.policy.get("valid_days_max", 396))
            lives.setdefault(payload["id"], {**dict.fromkeys(["withdrawal", "acknowledgement", "erasure", "revocation"]), **payload, "place": place, "last": 0,
                "heads": {0: encode(sha(bytes.fromhex(payload["id"][6:]), label=b"besace log/v1 use chain"))}, "uses": [], "things": {}, "days": {}, "deleted": {}, "often": {}, "said": {}, "cut": (0, 0), "restored": payload["given"] < self.since.get(origin, 0)})
        elif kind in ("withdrawal", "acknowledgement", "erasure", "revocation") and self.check(life, "U1", place):
            erased, early = payload.get("erased", 0), kind == "acknowledgement" and not life["said"]
            right = {"subject_key": successions.same(self, payload.get("subject_key"), life["subject_key"], place), "controller": life["controller"], "grant_digest": life["digest"]}
            ended = endings.fits(kind, payload, life)
            if self.check(ended and {**right, **payload} == {**payload, **right}, "G2" if early else "G1", place):
                if kind == "withdrawal" and len(life["said"]) < 17:
                    life["cut"] = life["cut"] if life["said"] else (life["last"], len(life["uses"]))
                    life["said"][payload["digest"]], after = payload["withdrawn"], life
                    while after := lives.get(after.get("next")): after["ended"] = True  # with it ends what took its place
                if not life[kind] or kind == "erasure" and erased < life[kind][0]["erased"]:
                    life[kind] = (payload, place, self.last.get(self.book(place[0]), 0), sorted(life["uses"])[-1:])
                theirs and kind != "withdrawal" and self.moment(payload.get("acknowledged", payload.get("revoked", erased)), place)
                parts = [one for one in ("categories", "recipients") if set(payload.get(one, life["terms"][one])) != set(life["terms"][one])]
                self.judge(place, W8=not parts and erased <= self.now + self.skew)
        else:
            home = self.domains[origin]["domain"] if theirs else next(iter(lives.values()), payload).get("controller")
            kinds = (*PUBLIC, *"withdrawal acknowledgement continuation erasure objection restoration revocation use-statement".split(), *SAID[:3 * theirs])
            self.check(kind in kinds and (theirs or kind != "continuation" or successions.fits(self, payload, origin)) and (kind not in SAID or payload["controller"] == home and restorations.take(self, kind, payload, place, theirs, lives, origin) and talks.heard(self, kind, payload, place, theirs)) or not theirs and mandates.take(self, kind, payload, place), "G2", place)
    def moment(self, at, place):
        last = self.last.get(book := self.book(place[0]), 0)
        self.last[book], (size, seen) = max(last, at), self.seen.get(book, (0, 0))
        self.judge(place, L8=at >= last - self.skew and (place[1] >= size or at <= seen + self.skew + 300))
    def take_record(self, value, salt, record, place, lives, theirs):
        kind, at, life = value.get("kind"), value.get("at", 0), lives.get(value.get("grant"))
        self.published |= {value["digest"]} if kind == "published" else set()
        known = self.judge(place, G2=kind in (THEIRS if theirs else HERS) and (kind != "anchor" or not place[1])) and not self.moment(at, place)
        if not known or kind in ("published", "discrepancy", "anchor") or mandates.acted(self, kind, value, place) or not self.judge(place, U1=life):
            return
        terms, heads = life["terms"], life["heads"]
        live = kind != "deleted" and self.judge(place, U1=life["given"] - self.skew <= at < life["expires"], U2=not life["said"] and not life["revocation"] and not life["restored"], W6=not life.get("next") and not life.get("ended"))
        if kind == "deleted":
            self.judge(place, W2=at <= endings.deleted(value, (at, place), life) + 1800 + self.skew)
        elif kind == "use":
            day = (value["shop"], at // DAY)
            life["often"][day] = life["often"].get(day, 0) + live
            within = value["shop"] in terms["shops"] and life["often"][day] <= terms["frequency_per_day"]
            self.judge(place, U4=not live or value["action"] in ACTIONS[terms["purpose"]], U3=not live or within,
                       U8=(life["last"] + 1, heads[life["last"]]) == (value["counter"], value["prev"]))
            life["last"], heads[value["counter"]] = value["counter"], encode(sha(salt, sha(record), label=b"besace log/v1 use chain"))
            life["uses"].append((at, place, value["counter"]))
        elif live:
            self.judge(place, U3=set(value.get("categories", [])) <= set(terms["categories"]))
            endings.passed(value, (at, place), life)
            if kind.startswith("release"):
                last = min((at + self.skew) // DAY + terms["release_ahead_days"], (life["expires"] - 1) // DAY)
                self.judge(place, U4=terms["purpose"] in ("recognition", "loyalty_account"), U3=(at - self.skew) // DAY <= value["day"] <= last)
                life["days"][value["day"]] = place
    def read_documents(self):
        for name in (name for name in self.files if name.startswith("documents/")):
            digest, (kind, payload) = encode(bytes.fromhex(name[10:])), self.signed(data := self.files[name])
            if digest in self.notices:
                notice = canonical(data)
                said = all(len(re.findall("[A-Za-zÀ-ÖØ-öø-ɏ]", notice["items"].get(item, ""))) > 2 for item in ITEMS)
                for (assertion, *_), (terms, place) in self.notices[digest].items() if self.check(said, "G4", (name,)) else []:
                    told, given = ({one: some[one] for one in TOLD} for some in (notice, terms))
                    self.check(told == given or terms.get("less") and asks(given) <= asks(told), assertion, place or (name,))
            elif kind == "use-statement" and payload["grant"] in {**self.sides[0], **self.sides[1]}:
                self.stated.append((payload["grant"], payload["uses"], payload["stated"], (name,)))
            elif digest not in self.published or kind not in PUBLIC:
                self.check(self.open and digest not in self.published, "G1" if digest in self.published else "B1", (name,))
    def compare(self):  # Her log beside the retailer's, what the retailer signed beside what it did; and now conduct counts.
        for life in sorted(self.sides[1].values(), key=lambda life: life["controller"] + "/"): self.judge(life["place"], U7=self.known.setdefault(life["subject_key"], life["controller"]) == life["controller"])
        for grant in {**self.sides[0], **self.sides[1]}:
            hers, theirs = (side.get(grant) for side in self.sides)
            pair = [life for life in (hers, theirs) if life]
            ends, answers, erasures, revoked = [[life[one] for life in pair if life[one]] for one in ("withdrawal", "acknowledgement", "erasure", "revocation")]
            answer, place = answers[0][:2] if answers else (None, None)
            closed = endings.closed(answer, revoked)
            said, logged = {**pair[-1]["said"], **pair[0]["said"]}, theirs and theirs["withdrawal"]
            gone = hers and self.book(hers["place"][0]) in self.lost
            reached = min([self.now, max(self.last.get(self.book(life["place"][0]), 0) for life in pair), *restorations.over(self, pair)])
            for thing, (at, where) in theirs["things"].items() if hers and theirs else []:
                self.judge(where, U5=gone or thing in hers["things"], U6=gone or hers["things"].get(thing, (at,))[0] <= at + self.skew)
            self.judge(pair[-1]["place"], G3=pair[0]["digest"] == pair[-1]["digest"])
            heard = [max(logged[0]["withdrawn"], 0 if answer else logged[2])] if logged else []  # nothing shows what was neither logged
            if heard := heard + ([said[answer["withdrawal"]]] if answer else []):  # nor answered
                self.judge(place or ends[0][1], W1=(answer["acknowledged"] if answer else reached) <= min(heard) + self.within)
            for at, where, _ in (logged[3] if logged else theirs["uses"]) if theirs and answer else []:
                self.judge(where, U2=at <= answer["acknowledged"] + self.skew)
            ended = [(answer["acknowledged"], place)] if answer else [(heard[0], ends[0][1])] if logged else []
            over, where = min([(pair[-1]["expires"], pair[-1]["place"]), *ended, *((one[0]["revoked"], one[1]) for one in revoked)], key=lambda one: one[0])
            erasure, at = min(erasures, key=lambda one: one[0]["erased"], default=({}, where))[:2]
            early = answer and "withdrawal" in erasure and erasure["erased"] + self.skew < answer["acknowledged"]
            self.judge(at, W8=not (theirs or closed) or not early and erasure.get("erased", reached) <= over + self.erase)
            counts = [(uses, stated, where, (0, 0)) for one, uses, stated, where in self.stated if one == grant]
            counts += [(*one, theirs["cut"]) for one in endings.counts(answer, place, revoked)] if theirs else []
            for uses, stated, where, (least, before) in counts if theirs else []:
                known = least <= uses["count"] and theirs["heads"].get(uses["count"]) == uses["head"]
                self.judge(where, U9=known or not hers and uses["count"] > max(theirs["heads"]))
                for used in [one[1] for one in theirs["uses"][before:] if one[2] > uses["count"] and one[0] + self.skew < stated][:1]:
                    self.judge(used, U9=False)
            for day, where in theirs["days"].items() if theirs else []:
                said = {one: (closed["acknowledged"], where) for one in closed["deleted_days"]} if closed else {}
                (gone, where), after = {**said, **theirs["deleted"]}.get(day, (None, where)), (day + 1) * DAY
                self.judge(where, W2=gone <= after + 1800 + self.skew if gone else not closed or closed["acknowledged"] > after)
        self.findings = self.conduct
if __name__ == "__main__":
    sys.exit(2 if pathlib.Path(sys.argv[1], "unfinished").exists() else Audit(sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_bytes())).verdict())
