//! The pages: a view in its frame, rendered to HTML.

use askama::Template;
use besace_protocol::lang::Language;

use super::{
    answers::AnswersView,
    assets,
    backup::{BackupView, PlaceForm, PlaceKind},
    feedback::{ListenerView, RemarkFields},
    keys::{KeyLine, KeysView},
    kit::KitSheet,
    mandates::{MandateFields, MandatesView},
    product::ProductView,
    rules::{RuleFields, RulesView},
    start::RestoredView,
    till_receipts::{ReceiptFields, ReceiptsView},
    view::{
        AfreshView, CardLine, CardView, CodeView, ConsentView, JournalView, NothingToday, Refused,
        TillAccountView, TillCodesView, TillQuestionView, TillShownView, TodayView, VoucherAskView,
        VoucherShelfView, VoucherShownView,
    },
    voice::Voice,
    went_back::WentBackView,
    wishes::{WishFields, WishesView},
};
/// The sections of an open besace, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What answers her wishes.
    Today,
    /// Loyalty cards.
    Cards,
    /// What she allows.
    Consent,
    /// What left and came.
    Journal,
    /// What opens the vault.
    Keys,
    /// Copies of it elsewhere.
    Backup,
    /// Her decision after the vault went back.
    WentBack,
}

impl Section {
    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Today => "/",
            Self::Cards => "/cards",
            Self::Consent => "/consent",
            Self::Journal => "/journal",
            Self::Keys => "/keys",
            Self::Backup => "/backup",
            Self::WentBack => "/went-back",
        }
    }
}

/// What stands around every page.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    voice: &'a Voice,
    title: String,
    section: Option<Section>,
    back: &'a str,
    stylesheet: &'static str,
    icon: &'static str,
}

impl<'a> Frame<'a> {
    /// The frame of a page that shows nothing of the vault: no navigation.
    pub fn closed(voice: &'a Voice, title: String) -> Self {
        Self {
            voice,
            title,
            section: None,
            back: "/",
            stylesheet: assets::stylesheet_path(),
            icon: assets::icon_path(),
        }
    }

    /// The same, for a page at the address `back`.
    pub fn closed_at(voice: &'a Voice, title: String, back: &'a str) -> Self {
        Self { back, ..Self::closed(voice, title) }
    }

    /// The frame of a page in `section`; `back` is its own address, for the change of language.
    pub fn open(voice: &'a Voice, title: String, section: Section, back: &'a str) -> Self {
        Self { section: Some(section), back, ..Self::closed(voice, title) }
    }

    /// Whether the page stands in `section`.
    fn is_in(&self, section: Section) -> bool {
        self.section == Some(section)
    }
}

/// The locked screen.
#[derive(Debug, Template)]
#[template(path = "unlock.html")]
pub struct UnlockPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Whether the vault is locked, or only this browser unknown.
    pub locked: bool,
    /// Why the last try did not open.
    pub refusal: Option<String>,
}

/// Asks for the code of the terminal.
#[derive(Debug, Template)]
#[template(path = "start_code.html")]
pub struct StartCodePage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Whether there is none any more.
    pub spent: bool,
    /// Why the last one was none.
    pub refusal: Option<String>,
}

/// Begin anew, or from a backup.
#[derive(Debug, Template)]
#[template(path = "start_choice.html")]
pub struct StartChoicePage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
}

/// The passphrase of a new vault.
#[derive(Debug, Template)]
#[template(path = "start_new.html")]
pub struct StartNewPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Why none was made.
    pub refusal: Option<Refused>,
}

/// Asks for the file of a backup.
#[derive(Debug, Template)]
#[template(path = "start_restore.html")]
pub struct StartRestorePage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Why the last one is none.
    pub refusal: Option<String>,
}

/// Asks for what opens a backup.
#[derive(Debug, Template)]
#[template(path = "start_open.html")]
pub struct StartOpenPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Whether that is a kit.
    pub kit: bool,
    /// Whether key slots came with the backup: then a passphrase may open it.
    pub slots: bool,
    /// Why the last try opened nothing.
    pub refusal: Option<Refused>,
}

/// What came back.
#[derive(Debug, Template)]
#[template(path = "start_restored.html")]
pub struct RestoredPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a RestoredView,
    /// Where she goes on.
    pub next: &'a str,
}

/// The way in for who lost the passphrase.
#[derive(Debug, Template)]
#[template(path = "kit_lost.html")]
pub struct KitLostPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Why the last try did not open.
    pub refusal: Option<Refused>,
    /// Whether the words were those of no kit of this vault: then it is said what that may mean.
    pub both: bool,
}

/// Her kit: whether she has one, and making one.
#[derive(Debug, Template)]
#[template(path = "kit.html")]
pub struct KitPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// What there is.
    pub view: &'a KeysView,
    /// Whether the passphrase is asked for first.
    pub ask: bool,
    /// Why the last try made none.
    pub refusal: Option<String>,
}

/// A kit, shown once, to be printed.
#[derive(Debug, Template)]
#[template(path = "kit_made.html")]
pub struct KitMadePage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub sheet: &'a KitSheet,
}

/// Typing the words back.
#[derive(Debug, Template)]
#[template(path = "kit_proof.html")]
pub struct KitProofPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Why the last try proved nothing.
    pub refusal: Option<String>,
}

/// What opens the vault.
#[derive(Debug, Template)]
#[template(path = "keys.html")]
pub struct KeysPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a KeysView,
    /// Why the passphrase was not changed.
    pub refusal: Option<Refused>,
    /// Whether it just was.
    pub changed: bool,
}

/// Before a key is taken away.
#[derive(Debug, Template)]
#[template(path = "key_remove.html")]
pub struct KeyRemovePage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Which key.
    pub key: &'a KeyLine,
    /// Why it stays.
    pub refusal: Option<String>,
}

/// Backups: where they go, how it goes, and making one.
#[derive(Debug, Template)]
#[template(path = "backup.html")]
pub struct BackupPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a BackupView,
    /// The forms at its end.
    pub form: &'a PlaceForm,
}

/// What was noticed of a vault that went back, and what she can do.
#[derive(Debug, Template)]
#[template(path = "went_back.html")]
pub struct WentBackPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a WentBackView,
}

/// Before she goes on with what is here.
#[derive(Debug, Template)]
#[template(path = "went_back_go_on.html")]
pub struct GoOnPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// What is lost.
    pub view: &'a WentBackView,
    /// Why she does not go on.
    pub refusal: Option<String>,
}

/// Before she starts afresh with a shop.
#[derive(Debug, Template)]
#[template(path = "afresh.html")]
pub struct AfreshPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// What she reads.
    pub view: &'a AfreshView,
}

/// What answers her wishes.
#[derive(Debug, Template)]
#[template(path = "today.html")]
pub struct TodayPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a TodayView,
}

/// All cards.
#[derive(Debug, Template)]
#[template(path = "cards.html")]
pub struct CardsPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub cards: &'a [CardLine],
}

/// One card.
#[derive(Debug, Template)]
#[template(path = "card.html")]
pub struct CardPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub card: &'a CardView,
}

/// Her vouchers.
#[derive(Debug, Template)]
#[template(path = "vouchers.html")]
pub struct VouchersPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// By retailer.
    pub shelves: &'a [VoucherShelfView],
}

/// What the shop would learn from a voucher.
#[derive(Debug, Template)]
#[template(path = "voucher_ask.html")]
pub struct VoucherAskPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a VoucherAskView,
}

/// A voucher, for a till to read.
#[derive(Debug, Template)]
#[template(path = "voucher_shown.html")]
pub struct VoucherShownPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a VoucherShownView,
}

/// At the till: where she may show herself, and where she pastes what a till shows.
#[derive(Debug, Template)]
#[template(path = "till.html")]
pub struct TillPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Shops whose tills know her.
    pub accounts: &'a [TillAccountView],
    /// Why what was pasted is not answered.
    pub refusal: Option<String>,
}

/// What her phone shows at a till.
#[derive(Debug, Template)]
#[template(path = "till_shown.html")]
pub struct TillShownPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a TillShownView,
}

/// What a till asks, with a yes and a no.
#[derive(Debug, Template)]
#[template(path = "till_question.html")]
pub struct TillQuestionPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a TillQuestionView,
}

/// Codes to be typed or printed.
#[derive(Debug, Template)]
#[template(path = "till_codes.html")]
pub struct TillCodesPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a TillCodesView,
}

/// What she allows.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a ConsentView,
}

/// What she decided once for many requests.
#[derive(Debug, Template)]
#[template(path = "rules.html")]
pub struct RulesPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a RulesView,
    /// The form at its end.
    pub fields: &'a RuleFields,
}

/// What shops ask, and her answers.
#[derive(Debug, Template)]
#[template(path = "answers.html")]
pub struct AnswersPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a [AnswersView],
}

/// What she says to shops.
#[derive(Debug, Template)]
#[template(path = "feedback.html")]
pub struct FeedbackPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a [ListenerView],
    /// The form that was not taken.
    pub fields: &'a RemarkFields,
}

/// What she would like.
#[derive(Debug, Template)]
#[template(path = "wishes.html")]
pub struct WishesPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a WishesView,
    /// The form at its end.
    pub fields: &'a WishFields,
}

/// Her till receipts.
#[derive(Debug, Template)]
#[template(path = "receipts.html")]
pub struct ReceiptsPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a ReceiptsView,
    /// The form at its end.
    pub fields: &'a ReceiptFields,
}

/// Who may say no for her.
#[derive(Debug, Template)]
#[template(path = "mandates.html")]
pub struct MandatesPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a MandatesView,
    /// The form at its end.
    pub fields: &'a MandateFields,
}

/// What left and came.
#[derive(Debug, Template)]
#[template(path = "journal.html")]
pub struct JournalPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// In it.
    pub view: &'a JournalView,
}

/// An article in her hand.
#[derive(Debug, Template)]
#[template(path = "product.html")]
pub struct ProductPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// What is known of it, once a code was given.
    pub view: Option<&'a ProductView>,
    /// Why the code was not understood.
    pub refusal: Option<String>,
}

/// What did not work.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// What happened, and that nothing was half done.
    pub sentence: String,
    /// Whether her decision about a vault that went back ends it.
    pub decide: bool,
}

#[cfg(test)]
mod tests;
