# What people read, in English. French comes first; the two say the same thing.
# A sentence that claims something carries, just above it, "Proof:" and the name of the test that
# proves it.

## Frame

brand = Besace
nav-label = Sections
nav-today = Today
nav-cards = Cards
nav-consent = Consent
nav-journal = Journal
skip-to-content = Skip to content
language-label = Language
language-fr = Français
language-en = English
close-besace = Lock
leave-keep-open = Leave without locking
back-to-cards = All cards

## Locked

unlock-title = Open your besace
locked = Your besace is locked. What arrives is sealed and waits for you. Without your key nobody can open it: not your host, not us.
unlock-here = Your besace is open, but not in this browser. Your passphrase will vouch for it.
passphrase-label = Your passphrase
unlock-button = Open
unlock-wrong = This passphrase does not open your besace. Check the capitals, then try again.
unlock-damaged = The file of your besace is damaged, or is not its own. Nothing in it was changed. The command besace doctor says more.
unlock-newer = A newer program has written to this besace. Open it with that one.
unlock-no-copy = Before your besace is brought up to date, a copy is kept, and there is no room for it. Nothing was changed.
unlock-not-upgraded = Your besace could not be brought up to date. It is as it was, and the former program still opens it.
unlock-too-fast = Too many tries in a row. Try again in { $seconds ->
    [one] one second
   *[other] { $seconds } seconds
}.

## Today

today-title = Today
today-waiting = { $count ->
    [one] One request is waiting for your answer
   *[other] { $count } requests are waiting for your answer
}
today-waiting-link = Read
today-offers = { $count ->
    [one] One offer answers what you are looking for
   *[other] { $count } offers answer what you are looking for
}
today-more = { $count ->
    [one] One more waits in your besace.
   *[other] { $count } more wait in your besace.
}
today-why = Why this one
today-until = Until { $date }
today-price = Price
today-price-before = instead of { $price }
today-at = at { $retailer }
today-empty-title = Nothing answers yet
today-empty-no-wish = Tell your besace what you are looking for: it will read the offers for you, right here.
today-empty-no-catalogue = Your wishes are noted. What is missing is a shop whose offers you want to read.
today-empty-quiet = Your wishes are noted. No current offer answers them; come back tomorrow.

## A product in hand

product-title = A product in hand
product-link = A product in hand? See what your besace knows of it.
product-code-label = Bar code, link or number
product-button = Look
# Proof: looking_at_a_product_sends_no_byte
product-stays-here = The answer is already at home. Nothing leaves, and nothing is noted.
product-unknown-code = This code stands for no product. Copy the number under the bars.
product-nothing = No shop whose offers you read speaks of it now.
product-lowest = Lowest price seen in thirty days: { $price }, at { $retailer }, on { $date }.
product-claim-confirmed = The price before, { $price }, is the one your besace saw.
product-claim-not-confirmed = Price before not confirmed: your besace saw { $price } on { $date }.
product-claim-unknown = Price before cannot be checked: your besace has watched it since { $date }.
product-claim-never-seen = Price before cannot be checked: your besace has not seen it.
product-missing = Not for you now
product-wish = It answers your wish “{ $wish }”.
product-wish-too-dear = It answers your wish “{ $wish }”, above your price.
product-history = Prices seen
product-seen = { $price } at { $retailer }, from { $first } to { $last }
product-comparison = In the same department, the cheapest first

## Cards

cards-title = Cards
cards-empty-title = No card yet
cards-empty = Bring those of your phone: an export from Catima is enough.
cards-empty-how = In a terminal:
card-code = { $symbology } code of the card { $card }
card-number = Number
card-balance = Balance
card-points = { $points ->
    [one] one point
   *[other] { $number } points
}
card-until = Valid until
card-note = Note
card-undrawable = This code cannot be drawn here without a risk of error. Read out or type the number.
card-no-code = This card has no code. Read out or type the number.
card-till-hint = Show the screen at the till, at full brightness.

## Consent

consent-title = Consent
consent-requests-title = What you are asked
consent-requests-empty = Nobody is asking you anything.
consent-yes = Yes
consent-no = No
consent-details = The details
consent-live-title = What you allow
consent-live-empty = You allow nobody anything.
consent-stop = Stop
consent-who = Who
consent-what = What
consent-where = Where
consent-why = What for
consent-since = Since
consent-until = Until
consent-get = In return
consent-kept = Kept
consent-sent-to = Passed on to
consent-state = Where it stands
consent-unsigned = { $retailer } has not signed yet; nothing leaves before.
consent-contact = To write to them
consent-notice = What the shop owes you to say
notice-controller = Who asks
notice-purpose = What for
notice-legal-basis = On what grounds
notice-obligation = If you say no
notice-recipients = Who else gets it
notice-transfers = Outside Europe
notice-retention = For how long
notice-automated-decisions = Automatic decisions
notice-withdrawal = How to stop
notice-rights = Your rights
notice-complaint = To complain
notice-data-protection-officer = Data protection officer
consent-looked-up-title = Who looked you up
consent-looked-up-empty = No shop has looked you up so far.
consent-proof = The proof
consent-ended-title = What is over
consent-kept-days = { $days ->
    [one] one day
   *[other] { $days } days
}
consent-ended-unanswered = { $retailer } did not sign your yes in the end: nothing was given.
consent-ended-expired = Ran out on { $date }.
consent-ended-revoked = Ended by the shop: { $retailer } ended it on { $date }.
consent-revoked-earned = What you have earned stays yours.
consent-revoked-restoration = { $retailer } lost a part of its registers. You may give again, if you like.
consent-revoked-programme-over = Its programme ends.
consent-revoked-purpose-over = It does not do this any more.
consent-revoked-security = It does so for safety.
consent-revoked-shop-closed = The shop closes.
consent-ended-superseded = On { $date } another consent to { $retailer } took its place.
renew-ends = It ends by itself on { $date }. You need do nothing.
renew-again = Go on for as long again
renew-replaces = You have agreed to this before. A yes here takes the place of that one, a no changes nothing about it.
renew-more = What is asked for more, or otherwise, than then: { $what }.
renew-less = What is asked for less than then: { $what }.
renew-same = It is the same as then, for as long again.

marketing-title = The offers of each shop
marketing-open = The offers of { $retailer } are held against your wishes here, in your besace.
marketing-stopped = Since { $date }, no offer of { $retailer } is shown to you, and your besace asks it for no more vouchers. Yours stay.
marketing-told = { $retailer } knows: it stands in its log.
marketing-pending = { $retailer } has not put it into its log yet; we will keep telling it until then.
marketing-former = You said so to { $retailer } before you started afresh there: of who you are now, it does not know. Saying it again may help it to guess that you are the same person.
marketing-again = Say it again
marketing-object = No more offers
marketing-allow = Its offers again
stopped = It has stopped. From this moment your besace is silent to { $retailer }. What you have earned stays yours.
stop-pending = { $retailer } isn’t answering. For you, it has stopped; we will keep telling them until they sign for it.
stop-due = They have until { $moment } to sign.
stop-late = { $days ->
    [0] They should have signed by { $date }.
    [one] They should have signed by { $date }: they are one day late.
   *[other] They should have signed by { $date }: they are { $days } days late.
}
stop-erasure-late = The month that the law gives them to erase what they held is over. You may complain to the data protection authority.
erasure-due = { $retailer } has to sign before { $date } that what it held is erased.
erasure-late = { $days ->
    [0] { $retailer } should have signed before { $date } that what it held is erased. You may complain to the data protection authority.
    [one] { $retailer } should have signed before { $date } that what it held is erased: it is one day late. You may complain to the data protection authority.
   *[other] { $retailer } should have signed before { $date } that what it held is erased: it is { $days } days late. You may complain to the data protection authority.
}
erasure-done = { $retailer } signed on { $date } that what it held is erased.
erasure-shown-late = Your besace learnt of it only on { $date }.
erasure-kept = It keeps the proof of your yes and of its end.
erasure-mail = Proofs of use still wait for you there, sealed to you.
erasure-told = It told those to whom it had passed it on.
refused = It’s a no, and it’s understood. This request will not come back before { $date }.

## Journal

journal-title = Journal
journal-intro = Everything that left this machine, and everything that came.
journal-empty = Nothing left, nothing came.
journal-left = Left
journal-came = Came
journal-stayed = Here

## When it does not work

problem-title = That did not work
problem-not-found = There is nothing at this address.
problem-method = This address is visited another way.
problem-foreign = This request came from another page; it changed nothing.
problem-malformed = This request is incomplete or malformed; it changed nothing.
problem-too-large = This request is too long; it changed nothing.
problem-too-fast = Too many requests in a row. Wait a moment.
problem-gone = This request no longer waits for an answer.
problem-went-back = Your besace is not what it was last time: it has gone back in time. Nothing is written or sent until you decide.
problem-damaged = Your besace is damaged. You can still read it; nothing more is written to it.
problem-no-room = This could not be kept: the disk is full, or may not be written to. Nothing has changed.
problem-clock = The clock of this machine has gone back, or far ahead. Nothing is sent until it is right, or until you say that it is.
problem-unmarked = The file that notices when your besace goes back in time cannot be written. What you just did may be kept here. Nothing is sent until that file can be written: see its disk, then try again.
alarm-moved = The folder of your besace was moved or replaced while it was open. Put it back, then open your besace again. Until then nothing is written.
alarm-failing-disk = The disk of your besace no longer keeps what is written to it. Copy its folder to another disk. Until then nothing is written.
alarm-clock-accept = This time is right
problem-machine = This machine had a failure. Try again, or read the program’s log.
problem-back = Back to Today

## Dates

date-short = { $day } { $month }
date-long = { $day } { $month } { $year }
date-week = { $weekday } { $day } { $month }
time-of-day = { $hour }.{ $minute } { $half }
moment = { $weekday } { $day } { $month } at { $time }
first-of-month = 1
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
month-and-year = { $month } { $year }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## What is asked, in words

ask-recognition = { $retailer } would like to know when you enter { $shops }, until { $date }. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
ask-greeting = { $retailer } would like to greet you by the name of your choice in { $shops }, until { $date }. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
ask-till = { $retailer } would like to recognise your besace at the till in { $shops }, until { $date }. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
mirror = With this, { $retailer } could guess { $guesses }.
mirror-nothing = With this, { $retailer } guesses nothing beyond what this sentence says.
mirror-groups = All your answers together put you in one group of { $groups }, silence included.
mirror-and = { $before } and { $last }
guess-hours = your daily hours
guess-stay = how long you stay
guess-days = your days off
guess-rhythm = how regularly you come
guess-area = the area you live in
guess-nearby = whether you live or work next door
guess-household = how many you are at home
guess-gender = whether you are rather a woman or a man
guess-child = whether you have a child, or expect one
guess-pet = whether you have a pet
guess-leisure = what you do in your free time
guess-outings = how often you eat out
guess-drinking = what you drink
guess-works = that you move, or have work done at home
guess-means = what you can afford
guess-origin = your age or where your family comes from, if that name is yours
guess-mind = what is on your mind these days
guess-basket = how your household lives, by what it buys
consent-minor = This besace is a minor’s until { $date }: it gives nothing, and no request is shown. Offers and vouchers need none.
ask-wishes = { $retailer } would like to know what you are looking for, to answer you in { $shops }, until { $date }. Only the wishes that you show leave. First the kind of thing and the order of a price. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
ask-answers = { $retailer } would like to know your answers to a few questions ({ $questions }), to serve you better in { $shops }, until { $date }. Each answer is a short choice, and you may rather not say. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
ask-feedback = { $retailer } would like to read what you think of { $shops }, until { $date }. Only what you write leaves: a mark or a few words, on a month or a kind of thing. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
ask-receipts = { $retailer } would like to know which of its till receipts are yours, for a return or a repair without paper, in { $shops }, until { $date }. Only the receipts that you show leave. In return: { $benefit }. Say no, and your points stay your points. Say yes, and one tap will stop it.
shop-one = its { $name } shop
shop-many = { $count ->
    [one] one of its shops
   *[other] its { $count } shops
}
benefit-monthly = { $amount } a month
benefit-welcome = { $amount } as a welcome
benefit-service = the service itself, and nothing else
purpose-recognition = to recognise you when you come in
purpose-greeting = to greet you by the name of your choice
purpose-till = to recognise your besace at the till, and to take there what you sign
purpose-wishes = to hear what you look for, so as to answer
purpose-answers = to know your answers to a few questions, so as to serve you better
what-answer-advice = whether you would rather be advised or left alone
what-answer-moment = when you would rather come
what-answer-reach = how you come
what-answer-visits = on about how many days you come
purpose-feedback = to read what you think of the shop
what-feedback = a mark, on a month of visits or a kind of thing
what-feedback-words = your words
purpose-receipts = to know which till receipts are yours, for a return or a repair
what-receipts-month = the number of your receipts, their shop and their month
what-receipts-day = the number of your receipts, their shop and their day
what-receipt-totals = what you paid
what-presence-exact = the moment you come in
what-till = your answers at the till
what-wish-kind = the kind of thing you look for, and the order of a price
what-wish-detail = your words, the article and your price, once the wish is accepted
what-presence-day = the day you come
what-presence-week = the week you come
what-presence-month = the month you come
what-chosen-name = the name you chose
what-topics = the subjects you chose
consent-sent-to-nobody = nobody else

## Your answers

answers-title = Your answers
answers-link = Answer what shops ask
answers-lead = The questions are from a closed list. Here is each answer as it would leave. Nothing leaves before you choose.
answers-empty = No shop asks you anything.
answers-until = Asked until { $date }.
answer-computed = Worked out here, from the visits that your besace noted. Do you want to send it?
answer-unknown = Your besace noted no visit: it has nothing to answer.
answer-keep = I would rather not say
answer-take-back = Take this answer back
answer-said = Your answer: { $answer }.
answer-aside = Your answer came back with a backup: { $answer }. It does not leave unless you give it again.
answer-kept = You would rather not say. The shop makes nothing of it.
question-advice = In the shop, what do you prefer?
answer-advice-1 = To be advised
answer-advice-2 = To be left alone
question-moment = When would you rather come?
answer-moment-1 = On a weekday morning
answer-moment-2 = On a weekday afternoon
answer-moment-3 = On a weekday evening
answer-moment-4 = At the weekend
question-reach = How do you come?
answer-reach-1 = On foot
answer-reach-2 = By bicycle
answer-reach-3 = By public transport
answer-reach-4 = By car
question-visits = On how many days did you come here, of the last 90?
answer-visits-1 = One or two days
answer-visits-2 = Three to eleven days
answer-visits-3 = Twelve days or more

## What you think

feedback-title = What you think
feedback-link = Tell shops what you think
feedback-lead = A mark, a few words, or both. The shop reads them the next day, with no name, no time and no purchase.
feedback-empty = No shop may read what you think.
feedback-until = It is read until { $date }.
feedback-of-month = My visits: { $month }
feedback-rating = Mark: { $rating } of 5
feedback-aside = This came back with a backup, and is not said to the shop. If you still mean it, write it again.
feedback-over = The shop has forgotten it: the agreed time is over.
feedback-take-back = Take this back
feedback-subject = What is it about?
feedback-mark = Your mark out of 5
feedback-no-mark = No mark
feedback-words = Your words
feedback-words-hint = The way you write may give you away. Leave your name out.
feedback-say = Send it with the next exchange
feedback-bad = A mark or a few words, once, and of nothing before what you allowed.
feedback-many = Eight are enough. Take one back to say another.

## Wishes

wishes-title = Wishes
wishes-link = Your wishes
wishes-lead = Say what you are looking for. Your besace reads the offers for you, here; nothing leaves until you show a wish.
wishes-empty = No wish yet.
wishes-nobody = You have allowed no shop to hear your wishes.
wishes-heard = You have allowed the wishes that you show to be heard by: { $retailers }.
wish-category = Kind of thing
wish-gtin = Bar code
wish-price = At most
wish-until = Last day
wish-hidden = It stays here. Your besace holds it against the offers it reads.
wish-unnamed = It stays here: without a kind of thing, there is nothing to tell a shop.
wish-sensitive = It stays here: this kind of thing is told to no shop.
wish-over = It stays here: its last day is over.
wish-shown = Those shops hear of it with the next exchange: its kind and the order of its price.
wish-shown-nobody = A shop will hear of it as soon as you allow one to.
wish-show = Show it
wish-hide = Keep it to myself
wish-remove = Forget it
wish-another = Say a wish
wish-text = What you are looking for
wish-no-category = No kind
wish-category-hint = This is how offers answer.
wish-price-field = At most, in euro
wish-add = Keep it
wish-bad = A few words, 200 characters at most; a price is written 90 or 89.90, and the last day is not over.

## Till receipts

receipts-title = Till receipts
receipts-link = Your till receipts
receipts-lead = Take something back or have it repaired without paper: the shop finds the receipt that you call yours, by its number.
receipts-empty = No receipt yet.
receipts-no-shop = You have to know a shop first.
receipt-shop = Shop
receipt-number = Number
receipt-day = Day
receipt-total = Paid
receipt-hers = Yours alone.
receipt-told = { $retailer } may know that it is yours. Whenever somebody there looks it up, you read it under “Consent”.
receipt-told-nobody = Yours alone, until you allow its shop to know your receipts.
receipt-over = { $retailer } has forgotten it: the agreed time is over. To tell it again, take it back first.
receipt-tell = Say that it is mine
receipt-untell = Take that back
receipt-remove = Forget it
receipt-another = Keep a receipt
receipt-number-field = Number of the receipt, as printed
receipt-total-field = Paid, in euro
receipt-label = Your name for it
receipt-label-hint = Nobody else reads it.
receipt-add = Keep it
receipt-bad = A number has at most 32 plain characters; the day is not to come; a price is written 90 or 89.90.
receipt-known = That receipt is here already.
receipt-many = Sixteen receipts per shop are enough. Take one back to tell another.

## What leaves and what comes

journal-line = { $what } · { $domain } · { $bytes ->
    [one] one byte
   *[other] { $number } bytes
}
journal-asked = { $what } · asked of { $domain }
journal-stopped = { $what } · for { $domain }
kind-manifest = a shop’s calling card
kind-requests = a shop’s requests
kind-notice = a notice
kind-catalogue = a catalogue of offers
kind-log = a shop’s log
kind-grant = a grant
kind-withdrawal = a withdrawal
kind-erasure = the signature that what was held is erased
kind-objection = your refusal of a shop’s offers, or its end
kind-release = the keys of a day
kind-disclosure = what you allowed to be told
kind-grant-stopped = a grant, stopped before it left
kind-release-stopped = the keys of a day, stopped before they left
kind-disclosure-stopped = what you allowed to be told, stopped before it left
kind-grant-cut = a grant, cut off on its way: it may have arrived
kind-release-cut = the keys of a day, cut off on their way: they may have arrived
kind-disclosure-cut = what you allowed to be told, cut off on its way: it may have arrived
kind-mailbox = the mail
kind-acknowledgement = an acknowledgement
kind-continuation = the news of your new log
kind-last-head = what a shop remembers of your log

## Who looked you up

looked-up-recognised = On { $moment }, { $retailer } ({ $shop }) knew you were coming in. You had allowed it on { $date }; here is the proof.
looked-up-greeted = On { $moment }, { $retailer } ({ $shop }) read the name you chose. You had allowed it on { $date }; here is the proof.
looked-up-identified = On { $moment }, { $retailer } ({ $shop }) recognised your besace at the till. You had allowed it on { $date }; here is the proof.
looked-up-debited = On { $moment }, { $retailer } ({ $shop }) took at the till what you had agreed to. You had allowed it on { $date }; here is the proof.
looked-up-receipt = On { $moment }, { $retailer } ({ $shop }) found a till receipt to be yours. You had allowed it on { $date }; here is the proof.
looked-up-wish = On { $moment }, { $retailer } ({ $shop }) accepted a wish of yours. You had allowed it on { $date }; here is the proof.
log-forked = { $retailer } signed two different histories in its log. Since { $date }, your besace entrusts nothing to it. Both signed versions are kept: show them to whoever checks.
pilot-without-witnesses = Pilot without witnesses: nobody else checks yet that a shop shows everyone the same log.
log-knew-less = On { $date }, { $retailer } began another log. Of the one before, it said that it knew { $known } entries, and it had shown you { $shown }. What it had shown you is kept.
log-waits = The log of { $retailer } could not be compared yet with what the shop showed of it. Until then, your besace entrusts nothing new to it.
looked-up-missing = { $retailer } counted { $counted ->
    [one] one look-up
   *[other] { $counted } look-ups
} and showed you { $opened ->
    [0] none
    [one] only one
   *[other] only { $opened }
}. Its signed count is kept: show it to whoever checks.
looked-up-other = { $retailer } signed a count of { $counted ->
    [one] one look-up
   *[other] { $counted } look-ups
} that does not match what it showed you. Its signed count is kept: show it to whoever checks.

## At the till

till-title = At the till
till-link = At the till
till-link-why = A code that changes, rather than a number
till-accounts = Show your besace
till-no-account = No shop has your leave yet to recognise you at the till.
till-show = Show the code
till-shown-hint = This code changes every thirty seconds and works once. It says that it is you; it cannot take anything.
till-qr = QR code for the till of { $retailer }
till-as-text = The code in letters
till-codes-link = Codes to read out, or to print
till-scan-title = Answer the till
till-scan-lead = The till shows a code: paste it here. You will see who asks, and how much, before you answer.
till-scan-label = The till’s code
till-scan-read = Read what it asks
till-ask-who = { $retailer }, at { $shop }, asks whether it is you. Nothing will be taken.
till-ask-amount = { $retailer }, at { $shop }, asks for { $amount }. Say yes, and your besace signs this amount and no other.
till-ask-until = The question holds until { $time }.
till-answered-hint = Show this code to the till. It says that it is you, and nothing is taken.
till-debited-hint = Show this code to the till. It is good for { $amount }, once, at this till.
till-codes-title = Your codes of the day
till-codes-lead = On { $date }, each works once. They say that it is you; they cannot take anything.
till-refused-form = This is not a till’s code, or a piece of it is missing. Copy all of it, then try again.
till-refused-expired = This question is more than a minute old. Ask the till to show another.
till-refused-clock = This question comes from the future: the till’s clock or yours is wrong. Nothing was signed.
till-refused-till = No till of a shop you know signed this question. Nothing was signed.
till-refused-grant = This is a till of a shop you know. It does not have your leave to recognise you.
kind-till-answer = an answer shown to a till
kind-till-debit = an amount signed at a till

## Vouchers

voucher-title = Vouchers
voucher-link = Your vouchers
voucher-link-why = Money off, without saying who you are
voucher-empty-title = No voucher yet
voucher-empty = Every week your besace asks the shops that give some, for the same ones as everybody.
voucher-left = { $count ->
    [one] one voucher
   *[other] { $count } vouchers
}
voucher-minimum = From a basket of { $amount }
voucher-told = This year, in bits: { $told } learnt from your vouchers; your besace stops at { $budget }.
shop-learns = At the till, this voucher says only “{ $benefit }”. Not who you are, nor why you like it. Your bank card is more talkative.
voucher-bits = For { $retailer }, in bits: { $bits }, or at most { $questions ->
    [one] one yes-or-no question
   *[other] { $questions } yes-or-no questions
}.
voucher-no-bits = For { $retailer }, in bits: 0. All the vouchers of the moment look alike.
voucher-links = Another voucher was shown here a moment ago. Show this one, and { $retailer } will know that both come from one person.
voucher-budget = This voucher would say more than the year’s budget. It stays in your besace; the commonest vouchers always work.
voucher-show = Show it
voucher-later = Later
voucher-qr = QR code of the voucher: { $benefit }
voucher-used = The till took it
voucher-kept = I still have it
kind-voucher-keys = the voucher keys of a week
kind-vouchers = vouchers, the same as everybody’s

## The spare of the key

# Proof: the_one_who_lost_both_is_told_and_opens_nothing
recovery-kit = These words are the spare of your key. Print them, keep them away from home: whoever finds them can open. If all your keys are lost, nobody can open it again, not even us.
kit-sheet-title = Recovery kit of your besace
kit-sheet-code = The same words, as a QR code
kit-sheet-how-title = To open with this paper
kit-sheet-how = On the page that asks for your passphrase, follow “I lost my passphrase” and type the fifteen words. In a terminal: besace key change-passphrase --with-kit
kit-sheet-typing = Capitals and accents do not matter. The QR code says the same: its text can be pasted in place of the words.
kit-sheet-made = Made on
kit-sheet-vault = Besace
kit-title = Your recovery kit
kit-none = You have no recovery kit yet. Without one, a forgotten passphrase locks your besace for ever.
kit-how = Your besace draws fifteen words. You put them on paper, then type them once, so that you can rest easy.
kit-make = Make a kit
kit-later = Later
kit-have-words = My words are on paper already
kit-is-proven = Your kit opens your besace: you have proven it. Keep it away from home.
kit-make-another = Is the paper lost, or has somebody seen it? Make another kit, then remove the old one from your keys.
kit-go-on = Go in
kit-print = Print this page, or copy the fifteen words. They will not be shown again.
kit-on-paper = My words are on paper
kit-proof-title = Your fifteen words
kit-proof-lead = Type them from your paper, in order. From then on the kit counts.
kit-words-label = The fifteen words
kit-check = Check
kit-wrong-count = It takes fifteen words; here are { $count }.
kit-wrong-word = Word { $count } is not one of the list. Compare it with your paper.
kit-wrong-checksum = These words do not belong together: one is another, or two changed places.
kit-wrong-code = This is no recovery kit, or it is damaged.
kit-is-another = These are the words of another kit. Take your newest paper.
kit-too-many = There are four kits already. Remove one from your keys, then try again.
kit-lost-link = I lost my passphrase
kit-lost-title = Open with your kit
kit-lost-lead = Type the fifteen words of your paper, then choose a new passphrase.
kit-opens-nothing = These words do not open this besace.
# Proof: the_one_who_lost_both_is_told_and_opens_nothing
both-lost = Look for a newer paper, or for your passphrase. If both are lost, nobody can open this besace again, not even us.

## Keys

keys-title = Your keys
keys-lead = Each of them opens your besace by itself.
keys-list = What opens
key-passphrase = Passphrase
key-kit = Recovery kit
key-kit-unproven = Recovery kit, not yet typed back
key-device = Key of a device
key-made = Made on { $date }
key-made-long-ago = Made long ago
key-remove = Remove
key-remove-title = Remove this key
key-older-copies = Older copies of your besace still open with the old key. If somebody else could have one, in a terminal:
key-last = This is the last key that you keep yourself: it stays.
key-device-how = A device of yours can open with a file. In a terminal:
passphrase-change = Change the passphrase
passphrase-changed = It is changed. The old passphrase opens your besace no more.
passphrase-present = Present passphrase
passphrase-new = New passphrase
passphrase-again = The same again
passphrase-differs = The two new passphrases differ. Try again.
passphrase-empty = The new passphrase is empty.
passphrase-weak = This is one of those that are tried first: it is short, or repeats itself. Add two or three words to it.
passphrase-weak-anyway = Keep it all the same

## Backups

backup-title = Backups
backup-lead = An encrypted copy of your whole besace, made every day while it is open. Locked, it makes none.
backup-running = It is under way, and may take a while.
backup-in-progress = A backup is being made already. Try again when it is finished.
backup-look-again = See how far it is
backup-made = The backup is made. It was read back to its end.
backup-rehearsed-now = The rehearsal went well: { $rows } rows came back and were compared. Nothing was replaced.
backup-nothing-there = There is nothing to restore there yet. Make a backup first.
backup-failed-now = It did not work: { $why }. What was there still is.
backup-failed = Failed on { $moment }: { $why }.
backup-why-unreachable = the place does not answer, or is not plugged in
backup-why-denied = the place refuses access
backup-why-full = there is no room
backup-why-unsound = what came back is not what was written
backup-why-strange = the place gives an answer that is not understood
backup-why-machine = this machine broke down
backup-places = Where they go
backup-nowhere = Nowhere yet. If this machine is lost or breaks, everything your besace keeps is lost.
backup-kind-folder = Folder
backup-kind-s3 = S3 server
backup-last-label = The last
backup-last = { $moment }, { $size }
backup-moment = { $date } at { $time }
backup-none-yet = None yet
backup-rehearsed-label = Rehearsed
backup-rehearsed-never = Never yet
backup-next-label = The next
backup-soon = In a moment
backup-keep-label = Kept
backup-keep = { $count ->
    [one] the last one
   *[other] the last { $count }
}
backup-now = Back up now
backup-rehearse = Rehearse a restore
backup-rehearse-hint = A rehearsal fetches the newest back, opens it and compares. Nothing of it is kept.
backup-forget = No longer back up there
backup-forget-hint = What lies there stays.
backup-add = One more place
backup-add-button = Add this place
backup-folder-label = A folder
backup-folder-hint = Its whole path, as this machine sees it. It is there already, best on another disk.
backup-name-label = The name you give it
backup-name-hint = Plain letters, digits, dots and dashes.
backup-name-folder = disk
backup-s3 = Or an S3 server
backup-s3-endpoint = Address of the server
backup-s3-bucket = Bucket
backup-s3-prefix = Beginning of the names, if you want one
backup-s3-region = Region
backup-s3-access-key = Name of the key
backup-s3-secret-key = Secret key
backup-no-folder = This folder is not there, or your besace cannot open it. Plug its disk in, then try again.
backup-beside = This folder is your besace’s own: what loses one loses the other. Choose another disk.
backup-taken = A place has this name already, or there are eight.
backup-name-refused = This name will not do. Use plain letters, digits, dots and dashes.
backup-s3-address = Write the address like this: { $example }, and nothing after it.
backup-s3-plain = Without https, this server has to be at your home, on your network.
backup-s3-names = Bucket, beginning of the names, region and key are written in plain letters, without spaces.
backup-take = Take one with you
backup-take-lead = Two files, to be kept together: the backup, and the locks that your passphrase opens.
backup-take-kit = With your recovery kit, the backup alone is enough.
backup-take-file = The backup
backup-take-slots = Its locks
today-backup-nowhere = Your besace is copied nowhere. Choose where.
today-backup-none-yet = Your besace has no backup yet.
today-backup-old = The last backup of your besace is more than a week old.
today-backup-failed = The last backup of your besace did not work.
size-gigabytes = { $number } GB
size-megabytes = { $number } MB
size-kilobytes = { $number } kB

## Gone back

went-back-title = Your besace has gone back in time
went-back-link = Read and decide
went-back-older = It is older than when it was last used here.
went-back-elsewhere = It was changed elsewhere, or a copy of it was put back and used.
went-back-mixed = It is put together from two moments: somebody put an old page back.
went-back-mark-missing = Its mark is not here: this is another machine, or the mark was taken away.
went-back-mark-foreign = What stands where its mark was is not its own.
went-back-mark-older = Its mark is older than it is: somebody put an earlier mark back.
went-back-retailer = A shop knows something newer of you than your besace does.
went-back-missing-label = Missing
went-back-changes = { $count ->
    [one] one change
   *[other] { $number } changes
}
went-back-known-label = Last known
went-back-here-label = Here now
went-back-lead = You can read everything. Nothing is written or sent until you decide.
went-back-why = It happens after a move to another machine, or when a program puts an older copy back. It also happens when somebody tampers with it.
went-back-restore = Restore a backup
went-back-restore-lead = A newer backup gives back what is missing, up to its day.
went-back-backups = See the backups
went-back-step-stop = Stop your besace on this machine.
went-back-step-aside = Put its folder aside, without destroying it:
went-back-step-start = Start it again: its first page offers to restore.
went-back-restore-how = Or in a terminal, into another folder:
went-back-go-on = Go on with what is here
went-back-go-on-lead = What is missing stays lost. Something you had stopped may be allowed again: read your consents afterwards. Every shop will learn that your log starts anew.
went-back-go-on-link = Go on without what is missing
went-back-read = I have read what is missing, and do without it.
went-back-unread = First tick that you have read what is missing.

## The first day

start-title = Welcome
start-code-lead = This machine has no besace yet. The program that answers you showed a code when it started: type it here.
start-code-hint = You will find it in the terminal, or in the program’s log. Whoever cannot read it there cannot take your place.
start-code-label = The code
start-code-button = Continue
start-code-wrong = This is not the code. { $count ->
    [one] One try is left.
   *[other] { $count } tries are left.
}
start-code-spent = This machine has no besace yet, and its starting code no longer works. Stop the program and start it again: it will show a new one.
start-choose = Your besace
start-restore = Restore a backup
start-restore-hint = Everything comes back as it was that day.
start-new = A new besace
start-new-hint = A passphrase, then a recovery kit on paper.
start-new-lead = Choose a passphrase. Four or five words drawn by lot are better than one complicated word.
# Proof: the_one_who_lost_both_is_told_and_opens_nothing
start-new-lost = You will make a recovery kit next. If passphrase and kit are both lost, nobody can open it again, not even us.
start-create = Make my besace
start-restore-lead = Choose the backup, and its locks if your passphrase is what opens it.
start-restore-file = The backup: a .age file
start-restore-slots = Its locks: a .slots.json file
start-restore-slots-hint = With your recovery kit, the backup alone is enough.
start-restore-button = Continue
start-restore-limit = Up to 2 GB here. Beyond, in a terminal:
start-another-file = Choose another file
start-open = Open the backup
start-open-lead = Type the passphrase that was in use then. It will stay yours.
start-open-button = Restore
start-open-kit = I have my recovery kit
start-open-passphrase = I have my passphrase and the locks
restore-nothing = First choose the file of the backup.
restore-not-backup = This file is not a backup of a besace, or it was changed. Nothing was put in place.
restore-slots-broken = The second file does not hold the locks, or it is damaged. Choose another, or leave it out: your recovery kit is enough.
restore-slots-missing = There is a besace file here already, without its locks. Put vault.slots.json back beside it, then start the program again.
restore-wrong-passphrase = This passphrase does not open this backup. Take the one that was in use when it was made.
restore-wrong-kit = These words do not open this backup. It may be older than this kit, or belong to another besace.
restore-other-seal = This file was sealed in another way. Use the command besace restore.
restore-stranger = This backup does not come from the besace that it names. Nothing was put in place.
restore-newer = A newer program wrote this backup. Restore it with that one.
restore-broken = This backup is cut or damaged. Nothing was put in place; try another one.
restore-busy = This machine has too little memory left just now. Close other programs, then try again.
restored-title = Your besace is back
restored-lead = It is as it was on { $moment }. What came later is not in it.
restored-logs = Every shop will learn that your log starts anew. Read your consents: what you had stopped after that day is back. Wishes and till receipts stay with you until you show them again.
restored-cards = Cards
restored-wishes = Wishes
restored-retailers = Shops
restored-grants = Consents
restored-vouchers = Vouchers
restored-fixes = Places you were
restored-rows = Rows in all

## Rules

mandates-title = Your mandates
mandates-lead = A relative or an association can refuse, narrow and withdraw for you. Never accept, see your places, or take your data away.
mandates-empty = You have given no mandate.
mandates-link = Your mandates: who may say no for you
mandate-title = { $name }, since { $date }
mandate-name-of-it = Name of the mandate, to tell them
mandate-may = What is allowed
mandate-until = Until
mandate-seen = Last call
mandate-withdrawn = You took it back on { $date }.
mandate-over = It ran out on { $date }.
mandate-set-aside = This mandate came back with a backup. It counts once you confirm it again.
mandate-act-refuse = refusing
mandate-act-withdraw = withdrawing a consent
mandate-act-narrow = narrowing a rule
mandate-act-rules = writing rules that refuse
mandate-tick-refuse = Refuse a request
mandate-tick-withdraw = Withdraw a consent
mandate-tick-narrow = Narrow a rule
mandate-tick-rules = Write rules that refuse
mandate-refused = A request was refused on { $date }.
mandate-stopped = A consent was withdrawn on { $date }.
mandate-narrowed = Rule { $number } was narrowed on { $date }.
mandate-wrote = Rule { $number }, which refuses, was written on { $date }.
mandate-undone = You undid it on { $date }.
mandate-undo = Undo
mandate-by = It was { $name } who did it, under your mandate of { $date }.
mandate-add = One more mandate
mandate-name = What you call them
mandate-key = Their key
mandate-key-hint = The one that the command “besace delegate key” shows them.
mandate-days = For how many days, at most 396
mandate-give = Give this mandate
mandate-bad = This mandate cannot be given. It takes a name, the whole key, at least one thing that is allowed, and 1 to 396 days.
mandate-many = You have sixteen mandates: take one back.
rules-title = Your rules
rules-lead = What you decide here counts for requests to come. Whatever goes beyond your rules, you are asked.
rules-empty = You have no rule: you are asked everything.
rules-link = Your rules: decide once for many requests
rule-title = Rule { $number }, confirmed on { $date }
rule-set-aside = This rule came back with a backup. It counts once you confirm it again.
rule-ended = It has not counted since { $date }: confirm it, or take it away.
rule-holds = Counts until
rule-retailer = For which shop
rule-retailer-all = all of them
rule-verdict = Your answer
rule-give = yes, within these limits
rule-refuse = no
rule-a-day = How many times a day, at most
rule-kept = How many days it is kept, at most
rule-valid = How many days the consent lasts, at most
rule-shops = In which shops
rule-shops-hint = Their codes, such as 00000001; nothing for all. With codes, choose whose they are.
rule-shops-all = all that ask for it
rule-least = In return, at least
rule-least-none = the service itself
rule-least-welcome = an amount as a welcome
rule-least-monthly = an amount a month
rule-least-amount = How much, in euros
rule-less = If more is asked, propose what is left within these limits.
rule-else = If more is asked
rule-else-less = your besace proposes less
rule-else-ask = you answer yourself
rule-mirror = What could be guessed
rule-mirror-none = { $retailer } is shown and given nothing: nobody can say what could be guessed.
rule-mirror-later = You have met no retailer that this rule is for. What it could guess will be read here.
rule-add = One more rule
rule-confirm = Confirm this rule
rule-again = Confirm again
rule-remove = Take away
rule-bad = This rule says nothing that anybody can ask. At most 1440 times a day, 30 days kept, 396 days given.
rule-bad-shops = Shops are those of one retailer: choose it.
rule-many = You have sixty-four rules: take one away.
counter-answers = { $retailer } answers what your besace proposed. This stands until { $date }.
rule-given-by = Given
rule-accepted = accepted by your rule { $number } of { $date }
rule-refused = Refused by your rule { $number } of { $date }.
rule-beyond = It goes beyond your rule { $number } of { $date }: { $what }.
beyond-base-benefit = what else hangs on it
beyond-benefit = what you get
beyond-categories = what it tells of you
beyond-frequency = how many times a day
beyond-lookback = how far back
beyond-purpose = what for
beyond-recipients = who else gets it
beyond-ahead = how many days ahead
beyond-retention = how long it is kept
beyond-scope = under which name
beyond-shops = in which shops
beyond-validity = for how long

## Starting afresh

afresh-link = Start afresh
afresh-title = Start afresh with { $retailer }
afresh-ends = Everything you allow { $retailer } stops at once, whether the shop answers or not. Nothing leaves under the old key any more.
afresh-lost = You lose what hangs on the old key at { $retailer }: points, tiers, credit, advantages promised for a consent. None of it passes to the new one.
afresh-kept = Vouchers that are in your besace already stay good: they hang on nobody. What you refused stays refused, and { $retailer } does not know.
afresh-wait = Then silence: between one and seven days, drawn by lot. After that, { $retailer } may ask you again, and you can say yes under a new key.
afresh-links = { $retailer } will be able to connect the old and the new only by what you show it. The same card, for paying or for loyalty; your face or your name; the same address on the network.
afresh-erased = The old key serves only to say that it is over, and to receive the signature that all is erased.
afresh-nobody = { $retailer } knows nobody yet under a key of your besace: there is nothing to leave.
afresh-too-soon = The last fresh start with { $retailer } is too recent: who begins again and again is known by it. It will be possible from { $date }. Stopping is possible at any time.
afresh-waiting = To { $retailer }, your besace exists no more. It will not present itself there before { $date }.
afresh-go = Start afresh
