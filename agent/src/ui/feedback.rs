//! What she says to shops, as a page shows it: each remark as it leaves, and a form for one more.

use besace_protocol::{consent::Month, offer::Category, time::Timestamp};

use super::{view::plain, voice::Voice};
use crate::{
    engine::{Engine, Listener, StepError},
    vault::StoredRemark,
};

/// Longest name of a retailer, in characters.
const NAME_MAX: usize = 80;

/// What is said under one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerView {
    /// Identifier of the grant.
    pub grant: String,
    /// To whom.
    pub retailer: String,
    /// Until when.
    pub until: String,
    /// What she says, the oldest first.
    pub remarks: Vec<RemarkView>,
    /// What she may speak of, for the form and in words: months, then kinds of things. None where she may say no more.
    pub subjects: Vec<(String, String)>,
    /// Whether there is a place for words.
    pub words: bool,
}

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemarkView {
    /// Its number, for addresses.
    pub number: u32,
    /// What it is about.
    pub subject: String,
    /// The mark.
    pub rating: Option<String>,
    /// Her words.
    pub words: Option<String>,
    /// That the shop keeps it no more.
    pub note: Option<String>,
}

/// What stands in the form of one grant: as it was typed, where it was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemarkFields {
    /// Under which grant.
    pub grant: String,
    /// What it is about.
    pub subject: String,
    /// The mark.
    pub rating: String,
    /// Her words.
    pub words: String,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<Vec<ListenerView>, StepError> {
    let now = engine.now();
    Ok(engine.listeners()?.iter().map(|heard| listener(voice, heard, now)).collect())
}

fn listener(voice: &Voice, heard: &Listener, now: Timestamp) -> ListenerView {
    let date = ("date", voice.date(heard.grant.expires, now).into());
    let open = heard.is_open(now);
    ListenerView {
        grant: heard.grant.id.to_string(),
        retailer: plain(&heard.display_name, NAME_MAX),
        until: voice.say_with("feedback-until", [date]),
        remarks: heard.remarks.iter().map(|one| remark(voice, heard, one, now)).collect(),
        subjects: if open { subjects(voice, heard, now) } else { Vec::new() },
        words: heard.hears_words(),
    }
}

fn subjects(voice: &Voice, heard: &Listener, now: Timestamp) -> Vec<(String, String)> {
    let months = heard.months(now).into_iter().map(|month| {
        let name = [("month", voice.month_and_year(month).into())];
        (month.as_number().to_string(), voice.say_with("feedback-of-month", name))
    });
    let plain = Category::ALL.iter().filter(|one| !one.is_sensitive());
    let named = plain.map(|one| (one.as_str().to_owned(), one.name(voice.language()).to_owned()));
    months.chain(named).collect()
}

fn remark(voice: &Voice, heard: &Listener, one: &StoredRemark, now: Timestamp) -> RemarkView {
    let said = &one.remark;
    let rating = |rating: u8| [("rating", rating.to_string().into())];
    RemarkView {
        number: one.number,
        subject: subject(voice, said.month, said.category),
        rating: said.rating.map(|mark| voice.say_with("feedback-rating", rating(mark))),
        words: said.words.clone(),
        note: if heard.is_over(one, now) {
            Some(voice.say("feedback-over"))
        } else {
            heard.is_set_aside(one).then(|| voice.say("feedback-aside"))
        },
    }
}

fn subject(voice: &Voice, month: Option<Month>, category: Option<Category>) -> String {
    match (month, category) {
        (Some(month), _) => {
            let name = [("month", voice.month_and_year(month).into())];
            voice.say_with("feedback-of-month", name)
        }
        (None, Some(category)) => category.name(voice.language()).to_owned(),
        (None, None) => String::new(),
    }
}
