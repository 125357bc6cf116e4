//! What a page shows, as plain display data: words are chosen, dates and amounts are written out.
//!
//! Texts that come from outside go through [`plain`] before they stand here; the templates escape
//! them once more for HTML.

use super::{backup::BackupNote, barcode::Barcode, voice::Voice};

/// A labelled value: "Until", "31 March".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// How much, who, when.
    pub value: String,
}

impl Fact {
    /// A value under the label that `key` says.
    pub fn new(voice: &Voice, key: Key, value: impl Into<String>) -> Self {
        Self { label: voice.say(key.0), value: value.into() }
    }
}

/// Why a form was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The sentence.
    pub sentence: String,
    /// Whether it is because the passphrase is soon guessed: she may keep it.
    pub weak: bool,
}

impl From<String> for Refused {
    fn from(sentence: String) -> Self {
        Self { sentence, weak: false }
    }
}

/// The key of a sentence in the catalogues; a test checks that each one exists.
#[derive(Clone, Copy, Debug)]
pub struct Key(pub &'static str);

/// Today: what answers her wishes, and what waits for her.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TodayView {
    /// The day, as `mardi 3 mars`.
    pub date: String,
    /// Consent requests that wait for an answer.
    pub waiting: usize,
    /// How many offers match.
    pub found: usize,
    /// How many of them are not on the page.
    pub more: usize,
    /// Matching offers, best first.
    pub offers: Vec<OfferView>,
    /// Why there is none, if there is none.
    pub nothing: Option<NothingToday>,
    /// What somebody else ended, for a day.
    pub ended: Vec<String>,
    /// What is to be said of backups.
    pub backup: Option<BackupNote>,
}

/// Why no offer stands on Today; each says what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NothingToday {
    /// No wish to answer.
    NoWish,
    /// No catalogue to read.
    NoCatalogue,
    /// Wishes and catalogues, and nothing fits.
    Quiet,
}

/// A matching offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferView {
    /// What she gets: `5 € de remise`.
    pub benefit: String,
    /// The retailer's title.
    pub title: String,
    /// The retailer's text.
    pub text: Option<String>,
    /// `chez Maison Lumen`.
    pub retailer: String,
    /// What it costs.
    pub price: Option<PriceView>,
    /// Sentences that say why it is shown.
    pub why: Vec<String>,
    /// `Jusqu’au 31 mars`.
    pub until: Option<String>,
    /// The page of the voucher that redeems it, if she has one.
    pub voucher: Option<String>,
}

/// A price, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceView {
    /// `89,90 €`.
    pub now: String,
    /// `au lieu de 119 €`.
    pub before: Option<String>,
}

/// A card in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLine {
    /// Its identifier, for the address of its page.
    pub id: String,
    /// What she calls it.
    pub name: String,
    /// Its number.
    pub number: Option<String>,
}

/// One card, for the till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardView {
    /// What she calls it.
    pub name: String,
    /// Its number as people read it.
    pub number: Option<String>,
    /// The code.
    pub code: CodeView,
    /// What a screen reader says instead of the drawing.
    pub code_label: String,
    /// What else is known about it.
    pub facts: Vec<Fact>,
}

/// The code of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeView {
    /// Drawn, and read back.
    Drawn(Barcode),
    /// There is one, but it cannot be drawn without risk.
    Undrawable,
    /// There is none.
    Missing,
}

/// The vouchers of one retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherShelfView {
    /// The name over the door.
    pub retailer: String,
    /// What she has.
    pub classes: Vec<VoucherClassView>,
    /// What vouchers told it this year.
    pub told: String,
}

/// Vouchers of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherClassView {
    /// The page that asks whether to show one.
    pub address: String,
    /// `5 € de remise`.
    pub benefit: String,
    /// How many.
    pub left: String,
    /// From which basket on.
    pub minimum: Option<String>,
    /// Until when.
    pub until: String,
}

/// What the shop would learn from a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherAskView {
    /// Whose it is.
    pub domain: String,
    /// Its class.
    pub class: String,
    /// Whether she is asked because another was shown a short while ago.
    pub linked: bool,
    /// What it gives.
    pub benefit: String,
    /// What the shop learns, in words.
    pub learns: String,
    /// The same in bits.
    pub in_bits: String,
    /// What vouchers told it this year.
    pub told: String,
    /// That two vouchers would be linked.
    pub links: Option<String>,
    /// That it would tell too much.
    pub over: Option<String>,
}

/// A voucher, for a till to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherShownView {
    /// Its name, to say what became of it.
    pub nullifier: String,
    /// What it gives.
    pub benefit: String,
    /// The code.
    pub code: CodeView,
    /// What a screen reader says instead of the drawing.
    pub label: String,
    /// What the code holds.
    pub text: String,
    /// From which basket on.
    pub minimum: Option<String>,
    /// Until when.
    pub until: String,
}

/// A shop whose tills know her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillAccountView {
    /// The grant, for the address of its page.
    pub grant: String,
    /// The name over the door.
    pub retailer: String,
}

/// What her phone shows at a till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillShownView {
    /// The grant, for the address of its codes.
    pub grant: String,
    /// At whose tills.
    pub retailer: String,
    /// The code.
    pub code: CodeView,
    /// What a screen reader says instead of the drawing.
    pub label: String,
    /// What the code holds, for tills that take text.
    pub text: String,
    /// After how many seconds there is another.
    pub refresh: Option<u64>,
    /// What it does, and what it does not.
    pub hint: String,
}

/// What a till asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillQuestionView {
    /// Who asks for what, in one breath.
    pub sentence: String,
    /// How much, large.
    pub amount: Option<String>,
    /// Until when it may be answered.
    pub until: String,
    /// What was scanned, to be sent again with the answer.
    pub scanned: String,
}

/// Codes to be typed at a till, or to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TillCodesView {
    /// At whose tills.
    pub retailer: String,
    /// On which day, and what they are good for.
    pub lead: String,
    /// The codes, as they are printed.
    pub codes: Vec<String>,
}

/// Consent: what is asked, what is allowed, who looked her up, what is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentView {
    /// What is wrong with logs of retailers.
    pub standing: Vec<String>,
    /// That nothing is asked of a minor, if the vault is one's.
    pub minor: Option<String>,
    /// That nobody else checks their logs, if nobody does.
    pub pilot: Option<String>,
    /// Open requests.
    pub requests: Vec<RequestView>,
    /// Live grants.
    pub live: Vec<GrantView>,
    /// Retailers, and whether their offers are shown.
    pub marketing: Vec<MarketingView>,
    /// What retailers counted and did not show her.
    pub alarms: Vec<String>,
    /// Uses under any grant, newest first.
    pub looked_up: Vec<LookUpView>,
    /// Grants that are over and requests that were refused, newest first.
    pub ended: Vec<EndedView>,
}

/// A consent request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestView {
    /// Its identifier.
    pub id: String,
    /// Who asks.
    pub retailer: String,
    /// The question, in one breath.
    pub sentence: String,
    /// What could be guessed of who says yes.
    pub mirror: String,
    /// In what it goes beyond which rule of hers.
    pub beyond: Vec<String>,
    /// All its terms.
    pub facts: Vec<Fact>,
    /// Language tag of the notice.
    pub notice_language: String,
    /// The notice, item by item; only the values are in that language.
    pub notice: Vec<Fact>,
}

/// A live grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantView {
    /// Its identifier.
    pub id: String,
    /// To whom.
    pub retailer: String,
    /// Who, what, until when, what she gets.
    pub facts: Vec<Fact>,
    /// "Stop: Maison Lumen", for whoever hears the button without seeing the card.
    pub stop_label: String,
    /// That it ends soon, and how to go on, where nothing more is asked.
    pub renew: Option<RenewView>,
}

/// That a grant ends soon by itself, and the button that renews it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewView {
    /// When it ends.
    pub sentence: String,
    /// "Go on: Maison Lumen", for whoever hears the button without seeing the card.
    pub label: String,
}

/// A retailer, and whether its offers are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketingView {
    /// Its domain.
    pub domain: String,
    /// Its name.
    pub retailer: String,
    /// How it stands.
    pub sentence: String,
    /// Whether she objects.
    pub objects: bool,
    /// A button that says it again as who she is now, with the name, where only who she was said so.
    pub again: Option<String>,
    /// What the button does, with the name.
    pub label: String,
    /// Leads to a fresh start, where there is somebody to leave.
    pub afresh: Option<String>,
    /// That the shop hears of nobody yet.
    pub waiting: Option<String>,
}

/// Before she starts afresh with a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AfreshView {
    /// Its domain.
    pub domain: String,
    /// Its name.
    pub retailer: String,
    /// What ends, what is lost, and what would still tell who she is.
    pub told: Vec<String>,
    /// Why it is not done now.
    pub refusal: Option<String>,
}

/// One use under a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUpView {
    /// Who learnt what, when, and by which leave.
    pub sentence: String,
    /// The proof that it stands in the retailer's log, as text.
    pub proof: Option<String>,
}

/// Something that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedView {
    /// Identifier of the grant or the request.
    pub id: String,
    /// With whom.
    pub retailer: String,
    /// How it ended.
    pub sentence: String,
}

/// Everything that left and came, by days, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalView {
    /// Days with at least one entry.
    pub days: Vec<JournalDay>,
}

/// One day of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalDay {
    /// `mardi 3 mars`.
    pub date: String,
    /// Newest first.
    pub entries: Vec<JournalEntry>,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// `17 h 42`.
    pub time: String,
    /// The same in the form of `<time datetime>`.
    pub machine_time: String,
    /// Whether it left or came.
    pub way: Way,
    /// What, and with whom.
    pub what: String,
}

/// The way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Out of this machine.
    Left,
    /// Into it.
    Came,
    /// Neither: something that happened here.
    Stayed,
}

impl Way {
    /// The word for it.
    pub fn word(self, voice: &Voice) -> String {
        match self {
            Self::Left => voice.say("journal-left"),
            Self::Came => voice.say("journal-came"),
            Self::Stayed => voice.say("journal-stayed"),
        }
    }

    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Came => "came",
            Self::Stayed => "stayed",
        }
    }
}

/// `text` from outside as one line of plain text: control and direction characters are dropped, line
/// breaks become spaces, and what is longer than `max` characters ends in an ellipsis.
pub fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0_usize;
    for c in text.trim().chars().filter(|c| !is_invisible(*c)) {
        if length == max {
            out.push('…');
            break;
        }
        length = length.saturating_add(1);
        out.push(if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    }
    out
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm (Unicode, annex 9),
/// characters without width, and controls other than white space.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_from_outside_can_neither_turn_nor_break_a_sentence() {
        assert_eq!(plain("Maison\u{202e}nemuL\u{2066}", 80), "MaisonnemuL");
        assert_eq!(plain(" a\nb\u{0}c\u{2028}d ", 80), "a bc d");
        assert_eq!(plain("éèêë", 3), "éèê…");
        assert_eq!(plain("éèê", 3), "éèê");
    }

    proptest! {
        #[test]
        fn plain_text_is_bounded_and_stays_plain(text in ".*", max in 0_usize..40) {
            let once = plain(&text, max);
            prop_assert!(once.chars().count() <= max + 1);
            prop_assert!(!once.chars().any(is_invisible));
        }
    }
}
