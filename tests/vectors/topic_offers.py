"""GTINs, days, offers, catalogues. spec/offers.md, spec/categories.md"""

import datetime
import hashlib
import pathlib
import re
import unicodedata

import topic_json
import topic_jws
from encoding import from_base64url, to_base64url
from refused import Refused

CATALOGUE_LEN_MAX = 8 << 20
OFFER_LEN_MAX = 128 << 10
OFFERS_MAX = 20_000
DAY = 86_400
PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "spec" / "categories.md"
ROWS = re.findall(r"^\| `([a-z.-]+)` \|.*\| (yes|no) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
SENSITIVE = {name: mark == "yes" for name, mark in ROWS}

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
SEASONS = ["spring", "summer", "autumn", "winter"]
PERIODS = ["winter_sales", "summer_sales", "back_to_school", "black_friday", "end_of_year"]
SKIES = ["sun", "cloud", "fog", "wind", "rain", "storm", "snow"]
NOT_PLAIN = re.compile(
    "[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def require(condition, what):
    if not condition:
        raise Refused(what)


def members(value, names, optional=()):
    require(isinstance(value, dict), "not a structure")
    require(set(names) <= set(value) <= set(names) | set(optional), f"not the members {names}")
    return value


def integer(value, low, high=topic_json.INTEGER_MAX):
    require(isinstance(value, int) and not isinstance(value, bool), "not an integer")
    require(low <= value <= high, "integer outside its bounds")
    return value


def match(value, pattern):
    require(isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII), "not the text")
    return value


def plain(value, limit):
    require(isinstance(value, str) and 1 <= len(value) <= limit, "length of a text")
    require(not any(unicodedata.category(c) == "Cc" for c in value), "control character")
    require(not NOT_PLAIN.search(value), "not plain")
    require(not value[0].isspace() and not value[-1].isspace(), "space at an end")
    return value


def localized(value, limit):
    for text in members(value, ["en", "fr"]).values():
        plain(text, limit)


def money(value):
    members(value, ["currency", "minor"])
    return match(value["currency"], "[A-Z]{3}"), integer(value["minor"], 0)


def gtin(text):
    """The fourteen digits of a GTIN of 8, 12, 13 or 14."""
    require(re.fullmatch("[0-9]{8}|[0-9]{12,14}", text, re.ASCII), "not the digits of a GTIN")
    digits = [int(digit) for digit in text.zfill(14)]
    require(any(digits[:13]), "not a number")
    weights = [3, 1] * 7
    require(sum(d * w for d, w in zip(digits, weights)) % 10 == 0, "check digit")
    return text.zfill(14)


def wire_gtin(value):
    return gtin(match(value, "[0-9]{14}"))


def shop(value):
    return match(value, "[0-9a-f]{8}")


def category(value):
    require(isinstance(value, str) and value in SENSITIVE, "not a category")
    return value


def one_of(values):
    def index(value):
        require(isinstance(value, str) and value in values, "not one of the list")
        return values.index(value)

    return index


def choices(value, read):
    require(isinstance(value, list) and 1 <= len(value) <= 32, "length of a list")
    items = [read(item) for item in value]
    # Texts ascend by their UTF-8 bytes.
    keys = [item.encode() if isinstance(item, str) else item for item in items]
    require(all(a < b for a, b in zip(keys, keys[1:])), "not strictly ascending")
    return items


# For each predicate: the knowledge it uses, and what its members are.
CATEGORIES = {"categories": lambda value: choices(value, category)}
SHOPS = {"shops": lambda value: choices(value, shop)}
PREDICATES = {
    "wish_gtin": ("wishes", {"gtins": lambda value: choices(value, wire_gtin)}),
    "wish_category": ("wishes", CATEGORIES),
    "wish_price": ("wishes", None),
    "interest": ("interests", CATEGORIES),
    "bought": ("purchases", {**CATEGORIES, "within_days": lambda value: integer(value, 1, 730)}),
    "tier": ("tier", {"tiers": lambda value: choices(value, lambda text: plain(text, 24))}),
    "near": ("place", {**SHOPS, "metres": lambda value: integer(value, 300, 50_000)}),
    "arrival": ("arrival", SHOPS),
    "first_visit": ("visits", None),
    "lapsed": ("visits", {"weeks_at_least": lambda value: integer(value, 1, 520)}),
    "birthday_week": ("birthday", None),
    "household": (
        "household",
        {"at_least": lambda value: integer(value, 1, 12), "at_most": lambda value: integer(value, 1, 12)},
    ),
    "basket_category": ("basket", CATEGORIES),
    "basket_total": ("basket", {"at_least": money}),
    "weather": ("weather", {"skies": lambda value: choices(value, one_of(SKIES))}),
    "temperature": (
        "weather",
        {"at_least": lambda value: integer(value, -40, 50), "at_most": lambda value: integer(value, -40, 50)},
    ),
    "time_of_day": (
        "clock",
        {"from": lambda value: integer(value, 0, 1439), "to": lambda value: integer(value, 0, 1439)},
    ),
    "weekday": ("clock", {"days": lambda value: choices(value, one_of(WEEKDAYS))}),
    "season": ("clock", {"seasons": lambda value: choices(value, one_of(SEASONS))}),
    "sales": ("clock", {"periods": lambda value: choices(value, one_of(PERIODS))}),
    "price_drop": ("offer", {"percent_at_least": lambda value: integer(value, 1, 90)}),
}
PERSONAL = set("wishes interests purchases tier place arrival visits birthday household basket".split())


def predicate(value):
    """Name and members of a predicate."""
    if isinstance(value, str):
        require(value in PREDICATES and PREDICATES[value][1] is None, "not a predicate")
        return value, {}
    require(isinstance(value, dict) and len(value) == 1, "not a predicate")
    [(name, inside)] = value.items()
    require(name in PREDICATES and PREDICATES[name][1] is not None, "not a predicate")
    rules = PREDICATES[name][1]
    members(inside, list(rules))
    for member, rule in rules.items():
        rule(inside[member])
    if name in ("household", "temperature"):
        require(inside["at_least"] <= inside["at_most"], "empty range")
    if name == "time_of_day":
        require(inside["from"] != inside["to"], "empty range")
    return name, inside


def check_conditions(offer):
    """The rules of spec/offers.md#rules."""
    conditions = offer["conditions"]
    require(isinstance(conditions, list) and len(conditions) <= 8, "clauses")
    personal, one_article, probes = set(), False, False
    for clause in conditions:
        require(isinstance(clause, list) and 1 <= len(clause) <= 8, "literals")
        for literal in clause:
            require(isinstance(literal, dict) and len(literal) == 1, "not a literal")
            [(polarity, inside)] = literal.items()
            require(polarity in ("holds", "fails"), "not a literal")
            name, inside = predicate(inside)
            uses = PREDICATES[name][0]
            personal |= {uses} & PERSONAL
            require(not any(SENSITIVE[c] for c in inside.get("categories", [])), "sensitive target")
            about_her = SENSITIVE[offer["category"]] and uses in PERSONAL
            require(not about_her, "sensitive offer with a condition about a person")
            shops = inside.get("shops", [])
            require(not offer["shops"] or set(shops) <= set(offer["shops"]), "another shop")
            require(name != "price_drop" or "prior_price" in offer, "no prior price")
            one_article |= name == "wish_gtin" and len(inside["gtins"]) == 1
            probes |= polarity == "fails" and uses in ("tier", "purchases", "visits")
    require(not (one_article and probes), "probe")
    require(len(personal) <= 3, "too personal")


def check_offer(offer):
    names = ["benefit", "body", "category", "conditions", "id", "price", "shops", "title", "validity"]
    members(offer, names, ["gtin", "prior_price"])
    localized(offer["body"], 600)
    localized(offer["title"], 80)
    category(offer["category"])
    match(offer["id"], "offer_[0-9a-f]{32}")
    price = money(offer["price"])
    if "gtin" in offer:
        wire_gtin(offer["gtin"])
    if "prior_price" in offer:
        prior = money(offer["prior_price"])
        require(prior[0] == price[0] and prior[1] > price[1], "prior price")
    require(isinstance(offer["shops"], list) and len(offer["shops"]) <= 64, "shops")
    if offer["shops"]:
        codes = [shop(code) for code in offer["shops"]]
        require(all(a < b for a, b in zip(codes, codes[1:])), "not strictly ascending")
    validity = members(offer["validity"], ["not_after", "not_before"])
    start, end = integer(validity["not_before"], 0), integer(validity["not_after"], 0)
    require(start < end <= start + 366 * DAY, "validity")
    benefit = offer["benefit"]
    if benefit != "price":
        require(isinstance(benefit, dict) and len(benefit) == 1, "not a benefit")
        [(kind, value)] = benefit.items()
        if kind == "amount_off":
            off = money(value)
            require(off[0] == price[0] and 1 <= off[1] <= price[1], "amount off")
        elif kind == "percent_off":
            integer(value, 1, 90)
        elif kind == "points":
            integer(value, 1, 1_000_000)
        else:
            require(kind == "gift", "not a benefit")
            localized(value, 80)
    check_conditions(offer)


def check_catalogue(header, body):
    key, now = from_base64url(header["key"]), int(header["now"])
    signed = topic_jws.verify(body, "besace-catalogue+jws", {"controller": key}, CATALOGUE_LEN_MAX)
    payload = topic_json.parse(signed, len(signed))
    members(payload, ["controller", "expires", "issued", "offers", "sequence", "v"])
    require(payload["v"] == 1 and not isinstance(payload["v"], bool), "version")
    integer(payload["sequence"], 0)
    issued, expires = integer(payload["issued"], 0), integer(payload["expires"], 0)
    require(issued < expires <= issued + 31 * DAY, "life")
    require(payload["controller"] == header["retailer"], "another retailer")
    require(issued <= now + 300 and now < expires, "not now")
    require(isinstance(payload["offers"], list) and len(payload["offers"]) <= OFFERS_MAX, "offers")
    accepted, set_aside = [], []
    for index, offer in enumerate(payload["offers"]):
        try:
            check_offer(offer)
            require(offer["id"] not in accepted, "two offers of one name")
            accepted.append(offer["id"])
        except Refused:
            set_aside.append(str(index))
    require(" ".join(accepted) == header.get("accepted", ""), "other offers accepted")
    require(" ".join(set_aside) == header.get("set-aside", ""), "other offers set aside")
    require(to_base64url(hashlib.sha256(body).digest()) == header["digest"], "another digest")


def sales(day):
    """The periods a day lies in, by walking through the calendar."""

    def weekdays(month, weekday):
        first = datetime.date(day.year, month, 1)
        days = (first + datetime.timedelta(n) for n in range(31))
        return [d for d in days if d.month == month and d.weekday() == weekday]

    def lasts(first, days):
        return first <= day < first + datetime.timedelta(days)

    january, june = weekdays(1, 2), weekdays(6, 2)
    winter = january[0] if january[1].day > 12 else january[1]
    summer = june[-2] if june[-1].day > 28 else june[-1]
    monday = weekdays(11, 3)[3] - datetime.timedelta(3)
    return [
        period
        for period, holds in zip(
            PERIODS,
            [
                lasts(winter, 28),
                lasts(summer, 28),
                (8, 16) <= (day.month, day.day) <= (9, 15),
                lasts(monday, 8),
                day.month == 12,
            ],
        )
        if holds
    ]


def check_day(header, body):
    try:
        day = datetime.date.fromisoformat(body.decode("ascii"))
    except ValueError as error:
        raise Refused("no such day") from error
    require(1970 <= day.year, "before the first day")
    require(WEEKDAYS[day.weekday()] == header["weekday"], "another weekday")
    require(SEASONS[(day.month - 3) % 12 // 3] == header["season"], "another season")
    require(" ".join(sales(day)) == header.get("sales", ""), "other sales")


def check(header, body):
    if header["kind"] == "gtin":
        text = body.decode("utf-8", "surrogateescape")
        require(header["form"] == "printed" or len(text) == 14, "fourteen digits on the wire")
        require(gtin(text) == header.get("wire"), "another GTIN")
    elif header["kind"] == "day":
        check_day(header, body)
    elif header["kind"] == "offer":
        offer = topic_json.parse(body, OFFER_LEN_MAX)
        check_offer(offer)
        require(topic_json.canonical(offer) == body, "written otherwise")
    elif header["kind"] == "catalogue":
        check_catalogue(header, body)
    else:
        raise ValueError("unknown kind")
