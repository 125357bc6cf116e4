"""A second auditor, from spec/audit.md, spec/log.md and spec/consent.md: it shares no code with the first.
    python verify.py EVIDENCE POLICY          exit 0: holds, 1: does not, 2: could not be checked
Prints each finding: assertion, file, entry of an opening. Reads no continuations; of G2 only what conduct is judged by."""
import base64, hashlib, json, pathlib, re, sys, time  # one line: this file has at most 300
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DAY, PUBLIC, TOLD = 86_400, ("manifest", "catalogue", "voucher-keys"), ("purpose", "recipients", "retention_days")
UNREADABLE = (ValueError, KeyError, TypeError, IndexError, InvalidSignature)
PURPOSES = {"recognised": "recognition", "recognised_unbound": "recognition", "greeted": "staff_greeting", "identified": "loyalty_account",
            "debited": "loyalty_account"}
HERS, THEIRS = {"released", "disclosed", "anchor"}, {"release_received", "disclosure_received", "deleted", "use", "published", "discrepancy"}
ITEMS = set("purpose legal_basis obligation recipients transfers retention automated_decisions withdrawal rights complaint data_protection_officer".split())

def sure(well, value):
    return value if well else int("refused")  # a ValueError
def sha(*parts, label=b""):
    return hashlib.sha256(bytes([len(label)])[:len(label)] + label + b"".join(parts)).digest()
def encode(data, alt=b"-_"):
    return base64.b64encode(data, alt).decode().rstrip("=" if alt == b"-_" else "")
def decode(text, alt=b"-_"):
    data = base64.b64decode(text + "=" * (-len(text) % 4), alt, validate=True)
    return sure(encode(data, alt) == text, data)
def canonical(data):
    text = json.dumps(value := json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sure(text.encode() == data, value)
def root(leaves):
    half = 1 << max(0, (len(leaves) - 1).bit_length() - 1)
    return sha(b"\1", root(leaves[:half]), root(leaves[half:])) if leaves[1:] else (leaves or [sha()])[0]
def head_of(data, origin, key):
    """Size and root of a head with exactly one signature, the log's own; nothing if it is none."""
    try:
        text, line = data.decode().split("\n\n")
        name, size, top = text.split("\n")
        blob = decode(re.fullmatch("\u2014 " + re.escape(origin) + " (.+)\n", line)[1], b"+/")
        Ed25519PublicKey.from_public_bytes(key).verify(blob[4:], (text + "\n").encode())
        known = (blob[:4], name, len(decode(top, b"+/"))) == (sha(origin.encode(), b"\n\1", key)[:4], origin, 32)
        return (int(size), decode(top, b"+/")) if known else None
    except UNREADABLE:
        return None
def tile_name(row, index, width):
    groups = re.findall("...", f"{index:0{-(-len(str(index)) // 3) * 3}d}")
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{row}/{path}" + (f".p/{width}" if width < 256 else "")
class Audit:
    def __init__(self, folder, policy):
        files = (path for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file())
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        self.policy, self.findings, self.conduct, self.open = policy, set(), set(), False
        self.skew, self.now = policy.get("skew_seconds", 90), policy.get("now", int(time.time()))
        self.within, self.erase = policy.get("acknowledge_within_seconds", DAY), policy.get("erase_within_seconds", 31 * DAY)
        self.domains = {one["domain"] + "/besace": one for one in policy["controllers"]}
        self.requests, self.published, self.notices, self.sides, self.stated = {}, set(), {}, ({}, {}), []
        self.misnamed, self.known, self.last = set(), {}, {}

    def check(self, well, assertion, place):
        self.findings |= set() if well else {(assertion, *place)}
        return well
    def judge(self, place, **assertions):  # of conduct, which counts only if all evidence holds
        self.conduct |= {(name, *place) for name, well in assertions.items() if not well}
        return all(assertions.values())

    def verdict(self):
        names, named, books = {}, {}, []
        keys = {v.split("+")[0]: decode(v.split("+")[2], b"+/")[1:] for v in self.policy.get("logs", [])}
        for name, data in self.files.items():
            if found := re.fullmatch(r"logs/([a-z0-9.-]+/besace|log_[0-9a-f]{32})/(.+)", name):
                names.setdefault(found[1], []).append(found[2])
            elif f"documents/{sha(data).hex()}" != name:
                self.check(False, "B1", (name,))
        for origin in sorted(names, key=lambda origin: origin.startswith("log_")):
            if origin in self.domains:
                keys[origin] = decode(self.domains[origin]["log_key"])
            elif origin in named and origin not in keys:
                head = self.files.get(f"logs/{origin}/checkpoint", b"")
                keys[origin] = min(named[origin], key=lambda key: not head_of(head, origin, key))
                self.misnamed |= {place for key, place in named[origin].items() if key != keys[origin]}
            self.open |= origin not in keys
            entries = self.read_log(origin, keys[origin], names[origin]) if origin in keys else None
            books += [(origin, entries)] if isinstance(entries, list) else []
            for place, _, record in entries or [] if origin in self.domains else []:
                if "subject_log" in (given := self.signed(record)[1] or {}):
                    named.setdefault(given["subject_log"], {}).setdefault(decode(given["subject_log_key"]), place)
        for origin, entries in books if not self.findings else []:
            theirs = origin in self.domains
            for place, salt, record in entries:
                kind, payload = self.signed(record)
                if b'"signatures"' not in record:
                    self.take_record(canonical(record), salt, record, place, self.sides[theirs], theirs)
                elif self.check(kind, "G1", place):
                    self.take_document(kind, payload, place, theirs, self.sides[theirs], origin)
        self.findings or self.read_documents() or self.findings or self.compare()
        self.open |= not books or not {text.split("\n")[0] for text in self.policy.get("remembered", [])} <= set(names)
        sys.stdout.writelines(" ".join(map(str, finding)) + "\n" for finding in sorted(self.findings, key=str))
        return 1 if self.findings else 2 if self.open else 0

    def read_log(self, origin, key, kinds):
        """Every file of a log against its head; gives the opened entries, or nothing: place, salt, record."""
        prefix, heads, entries, differing = f"logs/{origin}/", {}, [], []
        for kind in (kind for kind in kinds if re.fullmatch(r"checkpoint|seen/(0|[1-9]\d*)", kind)):
            head = head_of(self.files[prefix + kind], origin, key)
            if self.check(head and kind in ("checkpoint", f"seen/{head[0]}"), "L1", (prefix + kind,)):
                heads[prefix + kind] = head
        if not self.check("checkpoint" in kinds, "B1", (prefix + "checkpoint",)) or prefix + "checkpoint" not in heads:
            return None
        size, top = heads.pop(prefix + "checkpoint")
        for text in self.policy.get("remembered", []):
            heads.update({"policy": head_of(text.encode(), origin, key)} if text.startswith(origin + "\n") else {})
        counts = [size >> 8 * level for level in range(8)]
        rows = [[(n // 256, min(256, many - n)) for n in range(0, many, 256)] for many in counts]
        wanted = {tile_name(row, *tile) for row, tiles in [("entries", rows[0]), *enumerate(rows)] for tile in tiles}
        for kind in set(kinds) ^ wanted:
            self.check(re.fullmatch(r"checkpoint|(seen/(0|[1-9]\d*)|openings/(0|[1-9]\d*)\.jsonl)", kind), "B1", (prefix + kind,))
        for name, width in [(prefix + tile_name("entries", *tile), tile[1]) for tile in rows[0] if wanted <= set(kinds)]:
            parts = re.findall(b"\0\x20(.{32})", self.files[name], re.DOTALL)
            if len(parts) != width or b"".join(b"\0\x20" + part for part in parts) != self.files[name]:
                return self.check(False, "L4", (name,)) and None
            entries += parts
        leaves = nodes = [sha(b"\0", entry) for entry in entries]
        for row, tiles in enumerate(rows if wanted <= set(kinds) else []):
            differing += [(row, n, width) for n, width in tiles if b"".join(nodes[n * 256:n * 256 + width])
                          != self.files[prefix + tile_name(row, n, width)]]
            nodes = [root(nodes[n:n + 256]) for n in range(0, len(nodes) - 255, 256)]
        for row, n, width in differing[:1]:
            row = "entries" if root(leaves) != top and row == 0 else row
            return self.check(False, "L4", (prefix + tile_name(row, n, width),)) and None
        if len(entries) < size or root(leaves) != top:
            return self.check(len(entries) < size, "L4", (prefix + "checkpoint",)) and None
        for name, (known, other) in heads.items():
            self.check(known <= size and root(leaves[:known]) == other, "L5" if known == size else "L3", (name,))
        numbers = [int(kind[9:-6]) for kind in kinds if re.fullmatch(r"openings/(0|[1-9]\d*)\.jsonl", kind)]
        return [one for n in sorted(numbers) for one in self.read_openings(f"{prefix}openings/{n}.jsonl", n * 256, entries)]

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
    def signed(self, record):
        """Type and payload of a signed record, if its signatures hold; None and None if not."""
        try:
            document = canonical(record)
            parts, payload = document["signatures"], canonical(decode(document["payload"]))
            headers = [canonical(decode(part["protected"])) for part in parts]
            kind, roles = headers[0]["typ"][7:-4], [header["role"] for header in headers]
            life = self.sides[0].get(payload.get("grant")) or self.sides[1].get(payload.get("grant")) or payload
            controller = life.get("controller", next(iter(self.policy["controllers"]))["domain"])
            keys = {"controller": self.domains.get(controller + "/besace", {}).get("key"), "subject": payload.get("subject_key")}
            demanded = {"grant": ["controller", "subject"], "withdrawal": ["subject"], "objection": ["subject"]}.get(kind, ["controller"])
            well = roles == demanded or (kind, roles) == ("grant", ["subject"])
            for part, header in zip(parts, headers, strict=True):
                key, text = decode(keys[header["role"]]), f"{part['protected']}.{document['payload']}"
                named = {"alg": "Ed25519", "kid": encode(sha(key, label=b"besace keys/v1 key id")[:16]),
                         "iat": header["iat"], "role": header["role"], "typ": f"besace-{kind}+jws"}
                Ed25519PublicKey.from_public_bytes(key).verify(decode(part["signature"]), text.encode())
                well &= named == header
            payload |= {"digest": encode(sha(decode(document["payload"]))), "roles": roles}
            return (kind, payload) if well else (None, None)
        except UNREADABLE:
            return None, None

    def take_document(self, kind, payload, place, theirs, lives, origin):
        life = lives.get(payload.get("grant"))
        if kind == "request" and theirs:
            self.notices.setdefault(payload["notice"]["digest"], {})["G4", payload["digest"]] = (payload["terms"], None)
            self.requests.setdefault(payload["digest"], payload)
        elif kind == "grant":
            own = payload["controller"] + "/besace" if theirs and payload["roles"][1:] else payload["subject_log"]
            asked, given = self.requests.get(payload["request"]), payload["given"]
            timed = payload["expires"] == given + payload["terms"]["valid_days"] * DAY
            self.check(own == origin and timed and place not in self.misnamed, "G2", place)
            if theirs and asked:
                same = [asked[one] for one in ("id", "terms", "controller")] + [asked["notice"]["digest"]] == [
                    payload[one] for one in ("request_id", "terms", "controller", "notice")]
                opened = asked["issued"] <= given < min(asked["expires"], self.now + self.skew + 1)
                self.check(same and opened and "proposal" not in payload, "G3", place)
            self.check(lives.get(payload["id"], payload)["digest"] == payload["digest"], "G3", place)
            told = ("G5", theirs, str([payload["terms"][one] for one in TOLD]))
            self.notices.setdefault(payload["notice"], {}).setdefault(told, (payload["terms"], place))
            self.judge(place, G7=payload["id"] in lives or payload["terms"]["valid_days"] <= self.policy.get("valid_days_max", 396))
            start = encode(sha(bytes.fromhex(payload["id"][6:]), label=b"besace log/v1 use chain"))
            lives.setdefault(payload["id"], {**payload, "place": place, "heads": {0: start}, "uses": [], "things": {},
                                             "days": {}, "deleted": {}, "often": {}, "last": 0, "said": {}, "cut": (0, 0)} |
                             dict.fromkeys(["withdrawal", "acknowledgement", "erasure"]))
        elif kind in ("withdrawal", "acknowledgement", "erasure") and self.check(life, "U1", place):
            named, erased, early = payload.get("withdrawal"), payload.get("erased", 0), kind == "acknowledgement" and not life["said"]
            right = {"subject_key": life["subject_key"], "controller": life["controller"], "grant_digest": life["digest"]}
            ended = named in life["said"] if named else kind == "withdrawal" or erased >= life["expires"]
            if self.check(ended and {**right, **payload} == {**payload, **right}, "G2" if early else "G1", place):
                if kind == "withdrawal" and len(life["said"]) < 17:
                    life["cut"] = life["cut"] if life["said"] else (life["last"], len(life["uses"]))
                    life["said"][payload["digest"]] = payload["withdrawn"]
                if not life[kind] or kind == "erasure" and erased < life[kind][0]["erased"]:
                    last_use = sorted(life["uses"], key=lambda use: (use[0], use[2][1]))[-1:]
                    life[kind] = (payload, place, self.last.get(place[0].split("/openings")[0], 0), last_use)
                theirs and kind != "withdrawal" and self.moment(payload.get("acknowledged", erased), place)
                whole = all(set(payload[one]) == set(life["terms"][one]) for one in ("categories", "recipients") if one in payload)
                self.judge(place, W8=whole and erased <= self.now + self.skew)
        else:
            self.open |= kind == "continuation"
            home = origin[:-7] if theirs else next(iter(lives.values()), payload).get("controller")
            kinds = (*PUBLIC, *"withdrawal acknowledgement continuation erasure objection use-statement".split())
            self.check(kind in kinds and (kind != "objection" or payload["controller"] == home), "G2", place)
    def moment(self, at, place):
        last = self.last.get(book := place[0].split("/openings")[0], 0)
        self.last[book] = max(last, at)
        self.judge(place, L8=at >= last - self.skew)

    def take_record(self, value, salt, record, place, lives, theirs):
        kind, at, life = value.get("kind"), value.get("at", 0), lives.get(value.get("grant"))
        self.published |= {value["digest"]} if kind == "published" else set()
        known = self.judge(place, G2=kind in (THEIRS if theirs else HERS)) and not self.moment(at, place)
        if not known or kind in ("published", "discrepancy", "anchor") or not self.judge(place, U1=life):
            return
        terms, heads = life["terms"], life["heads"]
        live = kind != "deleted" and self.judge(place, U1=life["given"] - self.skew <= at < life["expires"], U2=not life["said"])
        if kind == "deleted":
            life["deleted"] = {**dict.fromkeys(value["days"], (at, place)), **life["deleted"]}
        elif kind == "use":
            day = (value["shop"], at // DAY)
            life["often"][day] = life["often"].get(day, 0) + live
            within = value["shop"] in terms["shops"] and life["often"][day] <= terms["frequency_per_day"]
            self.judge(place, U4=not live or terms["purpose"] == PURPOSES[value["action"]], U3=not live or within,
                       U8=(life["last"] + 1, heads[life["last"]]) == (value["counter"], value["prev"]))
            life["last"], heads[value["counter"]] = value["counter"], encode(sha(salt, sha(record), label=b"besace log/v1 use chain"))
            life["uses"].append((at, value["counter"], place))
        elif live:
            self.judge(place, U3=set(value.get("categories", [])) <= set(terms["categories"]))
            life["things"].setdefault(value.get("commit") or value["digest"], (at, place))
            if kind.startswith("release"):
                last = min((at + self.skew) // DAY + terms["release_ahead_days"], (life["expires"] - 1) // DAY)
                self.judge(place, U4=terms["purpose"] != "staff_greeting", U3=(at - self.skew) // DAY <= value["day"] <= last)
                life["days"][value["day"]] = place

    def read_documents(self):
        for name in (name for name in self.files if name.startswith("documents/")):
            digest, data = encode(bytes.fromhex(name[10:])), self.files[name]
            kind, payload = self.signed(data)
            if digest in self.notices:
                notice = canonical(data)
                said = all(len(re.findall("[A-Za-zÀ-ÖØ-öø-ɏ]", notice["items"].get(item, ""))) > 2 for item in ITEMS)
                self.check(said, "G4", (name,))
                for (assertion, *_), (terms, place) in self.notices[digest].items() if said else []:
                    self.check(all(notice[one] == terms[one] for one in TOLD), assertion, place or (name,))
            elif kind == "use-statement" and payload["grant"] in {**self.sides[0], **self.sides[1]}:
                self.stated.append((payload["grant"], payload["uses"], payload["stated"], (name,)))
            elif digest not in self.published or kind not in PUBLIC:
                self.check(self.open and digest not in self.published, "G1" if digest in self.published else "B1", (name,))

    def compare(self):
        """Her log beside the retailer's, what the retailer signed beside what it did; and now conduct counts."""
        for life in sorted(self.sides[1].values(), key=lambda life: life["controller"] + "/"):
            self.judge(life["place"], U7=self.known.setdefault(life["subject_key"], life["controller"]) == life["controller"])
        for grant in {**self.sides[0], **self.sides[1]}:
            hers, theirs = (side.get(grant) for side in self.sides)
            pair = [life for life in (hers, theirs) if life]
            ends, answers, erasures = [[life[one] for life in pair if life[one]] for one in ("withdrawal", "acknowledgement", "erasure")]
            answer, place = answers[0][:2] if answers else (None, None)
            said, logged = {**pair[-1]["said"], **pair[0]["said"]}, theirs and theirs["withdrawal"]
            reached = min(self.now, max(self.last.get(life["place"][0].split("/openings")[0], 0) for life in pair))
            for thing, (at, where) in theirs["things"].items() if hers and theirs else []:
                sent = hers["things"].get(thing)
                self.judge(where, U5=sent, U6=not sent or sent[0] <= at + self.skew)
            self.judge(pair[-1]["place"], G3=pair[0]["digest"] == pair[-1]["digest"])
            heard = [max(logged[0]["withdrawn"], 0 if answer else logged[2])] if logged else []  # nothing shows what was neither logged
            if heard := heard + ([said[answer["withdrawal"]]] if answer else []):  # nor answered
                self.judge(place or ends[0][1], W1=(answer["acknowledged"] if answer else reached) <= min(heard) + self.within)
            for at, _, where in (logged[3] if logged else theirs["uses"]) if theirs and answer else []:
                self.judge(where, U2=at <= answer["acknowledged"] + self.skew)
            ended = [(answer["acknowledged"], place)] if answer else [(heard[0], ends[0][1])] if logged else []
            over, where = min([(pair[-1]["expires"], pair[-1]["place"]), *ended], key=lambda one: one[0])
            erasure, at = min(erasures, key=lambda one: one[0]["erased"], default=({}, where))[:2]
            early = answer and "withdrawal" in erasure and erasure["erased"] + self.skew < answer["acknowledged"]
            self.judge(at, W8=not (theirs or answer) or not early and erasure.get("erased", reached) <= over + self.erase)
            counts = [(uses, stated, where, (0, 0)) for one, uses, stated, where in self.stated if one == grant]
            counts += [(answer["uses"], answer["acknowledged"], place, theirs["cut"])] if answer and theirs else []
            for uses, stated, where, (least, before) in counts if theirs else []:
                if hers or uses["count"] <= max(theirs["heads"]):
                    self.judge(where, U9=uses["count"] >= least and theirs["heads"].get(uses["count"]) == uses["head"])
                for used in [one[2] for one in theirs["uses"][before:] if one[1] > uses["count"] and one[0] + self.skew < stated][:1]:
                    self.judge(used, U9=False)
            for day, where in theirs["days"].items() if theirs else []:
                said = {one: (answer["acknowledged"], where) for one in answer["deleted_days"]} if answer else {}
                (gone, where), after = {**said, **theirs["deleted"]}.get(day, (None, where)), (day + 1) * DAY
                left = answer and gone is None and answer["acknowledged"] <= after
                self.judge(where, W2=not left and (gone or 0) <= after + 1800 + self.skew)
        self.findings = self.conduct
if __name__ == "__main__":
    sys.exit(Audit(sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_bytes())).verdict())
