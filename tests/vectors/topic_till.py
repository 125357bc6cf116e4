"""Challenges, answers, presentations and typed codes of the till. spec/till.md

Header: `kind` says what the body is, in hexadecimal, or for a code as typed. `domain`, `shop` and
`till-keys` (keys of that shop in the manifest, space between) say whom a phone trusts; `root`, `scope` and
`day` give the released keys; `challenge` (hexadecimal) is what is answered; `subject` is her key; `now`
is the reader's clock. `text` is the Base45 of the body; `till-seed` and `subject-seed` make it again.
"""

import hmac
import re

import ed25519
from refused import Refused
from topic_presence import be, day_key, label, locator, released, sha256

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)


def to_base45(data):
    text = ""
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        number = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            number, digit = divmod(number, 45)
            text += ALPHABET[digit]
    return text


def demand(condition, reason):
    if not condition:
        raise Refused(reason)


def till_id(key):
    return sha256(label("besace keys/v1 key id"), key)[:4]


def challenge_message(domain, fields):
    return label("besace presence/v1 challenge") + sha256(domain.encode("ascii")) + fields


def debit_message(challenge):
    return label("besace presence/v1 debit") + sha256(challenge)


def keys_of(header):
    """Locator key and till key of the day."""
    key = day_key(bytes.fromhex(header["root"]), header["scope"], int(header["day"]))
    keys = released(key, True)
    demand(header.get("till", "yes") == "yes", "no till key was released")
    return keys[:16], keys[48:]


def tag(key, *parts):
    return hmac.digest(key, b"".join(parts), "sha256")[:16]


def check_locator(header, key, found, epochs):
    day = int(header["day"])
    live = [locator(key, epoch) for epoch in epochs if epoch // 144 == day]
    demand(found in live, "not an identifier of this grant and moment")


def read(data, size):
    demand(len(data) == size, "another length")
    demand(data[0] == 1, "another version")


def check_challenge(header, data):
    read(data, 104)
    fields, signature = data[:40], data[40:]
    demand(all(65 <= letter <= 90 for letter in fields[37:]), "no currency")
    demand(fields[1:5].hex() == header["shop"], "another shop")
    keys = [bytes.fromhex(key) for key in header["till-keys"].split(" ")]
    keys = [key for key in keys if till_id(key) == fields[5:9]]
    demand(keys, "no such till")
    message = challenge_message(header["domain"], fields)
    ed25519.verify(keys[0], message, signature)
    expires, now = int.from_bytes(fields[25:29], "big"), int(header["now"])
    demand(now < expires, "expired")
    demand(expires <= now + 120, "expires too far in the future")
    amount = f"{int.from_bytes(fields[29:37], 'big')} {fields[37:].decode('ascii')}"
    demand(amount == header["amount"], f"amount {amount}")
    demand(sha256(data).hex() == header["digest"], "another digest")
    if "till-seed" in header:
        again = ed25519.sign(bytes.fromhex(header["till-seed"]), message)
        demand(again == signature, "signs to other bytes")


def check_answer(header, data):
    read(data, 29)
    locator_key, till_key = keys_of(header)
    epoch = int(header["now"]) // 600
    check_locator(header, locator_key, data[1:13], (epoch - 1, epoch, epoch + 1))
    digest = sha256(bytes.fromhex(header["challenge"]))
    demand(tag(till_key, label("besace presence/v1 till"), digest) == data[13:], "another tag")


def check_debit(header, data):
    demand(len(data) == 93, "another length")
    check_answer(header, data[:29])
    message = debit_message(bytes.fromhex(header["challenge"]))
    ed25519.verify(bytes.fromhex(header["subject"]), message, data[29:])
    if "subject-seed" in header:
        again = ed25519.sign(bytes.fromhex(header["subject-seed"]), message)
        demand(again == data[29:], "signs to other bytes")


def check_presentation(header, data):
    read(data, 33)
    locator_key, till_key = keys_of(header)
    step = int.from_bytes(data[13:17], "big")
    demand(abs(int(header["now"]) // 30 - step) <= 1, "not of now")
    check_locator(header, locator_key, data[1:13], (step // 20,))
    again = tag(till_key, label("besace presence/v1 qr"), data[13:17], data[1:13])
    demand(again == data[17:], "another tag")


def damm(digits):
    state = 0
    for digit in digits:
        state = int(DAMM[state][int(digit)])
    return state


def typed_code(till_key, number):
    code = hmac.digest(till_key, label("besace presence/v1 code") + bytes([number]), "sha256")
    digits = f"{int.from_bytes(code[:8], 'big') % 10**14:014}"
    digits += str(damm(digits))
    return f"{digits[:5]} {digits[5:10]} {digits[10:]}"


def check_code(header, data):
    typed = data.decode("utf-8")
    number = int(header["number"])
    demand(number < 4, "no such code")
    _, till_key = keys_of(header)
    form = re.fullmatch("([0-9]{5})[ -]?([0-9]{5})[ -]?([0-9]{5})", typed)
    demand(form, "not fifteen digits")
    digits = "".join(form.groups())
    demand(damm(digits) == 0, "mistyped")
    demand(digits == typed_code(till_key, number).replace(" ", ""), "another code")


KINDS = {
    "challenge": check_challenge,
    "answer": check_answer,
    "debit": check_debit,
    "presentation": check_presentation,
}


def check_base45(header, _body):
    data, text = bytes.fromhex(header["bytes"]), header["text"]
    demand(to_base45(data) == text, "another spelling")


def check(header, body):
    if header["kind"] == "code":
        check_code(header, body)
        return
    if header["kind"] == "base45":
        check_base45(header, body)
        return
    data = bytes.fromhex(body.decode("ascii"))
    if "text" in header:
        demand(to_base45(data) == header["text"], "another spelling")
    KINDS[header["kind"]](header, data)
