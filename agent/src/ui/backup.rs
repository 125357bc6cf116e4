//! Backups, as the page shows them.

use besace_protocol::{lang::Language, time::Timestamp};

use super::{
    view::{Key, plain},
    voice::Voice,
};
use crate::{
    backup::{PLACES_MAX, Place, Target, Trouble, next},
    engine::{BackupHealth, Engine, EngineError},
};

/// What stands on Today while backups do not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupNote {
    /// There is no place.
    Nowhere,
    /// There is one, and no backup yet.
    NoneYet,
    /// The newest is too old.
    Old,
    /// The last attempt somewhere failed.
    Failed,
}

impl BackupNote {
    /// What is to be said, if anything is.
    pub fn of(engine: &Engine) -> Result<Option<Self>, EngineError> {
        Ok(match engine.backup_health()? {
            BackupHealth::Nowhere => Some(Self::Nowhere),
            BackupHealth::Old { last: Some(_) } => Some(Self::Old),
            health => {
                let failed = engine.backup_places()?.iter().any(|place| place.failure.is_some());
                let none_yet = health != BackupHealth::Well;
                match (failed, none_yet) {
                    (true, _) => Some(Self::Failed),
                    (false, true) => Some(Self::NoneYet),
                    (false, false) => None,
                }
            }
        })
    }

    /// The sentence.
    pub(crate) fn sentence(self, voice: &Voice) -> String {
        match self {
            Self::Nowhere => voice.say("today-backup-nowhere"),
            Self::NoneYet => voice.say("today-backup-none-yet"),
            Self::Old => voice.say("today-backup-old"),
            Self::Failed => voice.say("today-backup-failed"),
        }
    }
}

/// What was asked for on the page, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupNews {
    /// It is still being done.
    Running,
    /// One is being made already.
    InProgress,
    /// A backup was made and read back.
    Made,
    /// A restore was rehearsed: so many rows.
    Rehearsed(u64),
    /// There is nothing to rehearse with.
    NothingThere,
    /// It was not done.
    Failed(Trouble),
}

impl BackupNews {
    fn sentence(self, voice: &Voice) -> String {
        match self {
            Self::Running => voice.say("backup-running"),
            Self::InProgress => voice.say("backup-in-progress"),
            Self::Made => voice.say("backup-made"),
            Self::Rehearsed(rows) => {
                let number = voice.number(rows);
                voice.say_with("backup-rehearsed-now", [("rows", number.into())])
            }
            Self::NothingThere => voice.say("backup-nothing-there"),
            Self::Failed(trouble) => {
                voice.say_with("backup-failed-now", [("why", voice.say(why(trouble).0).into())])
            }
        }
    }

    const fn is_bad(self) -> bool {
        matches!(self, Self::Failed(_) | Self::NothingThere)
    }
}

/// The page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupView {
    /// What became of what she asked for.
    pub news: Option<NewsView>,
    /// Where backups go.
    pub places: Vec<PlaceView>,
    /// Whether one more place may be named.
    pub more: bool,
    /// Whether a recovery kit opens what is taken home.
    pub kit: bool,
}

/// What became of what she asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsView {
    /// The sentence.
    pub sentence: String,
    /// Whether it is bad.
    pub bad: bool,
    /// Whether it is still being done.
    pub running: bool,
}

/// A place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceView {
    /// What she calls it; plain letters only.
    pub name: String,
    /// Folder or server.
    pub kind: String,
    /// Where it is; nothing that opens it.
    pub at: String,
    /// When the newest was made, and how large it is.
    pub last: String,
    /// Whether there is one.
    pub has_one: bool,
    /// When a restore was last rehearsed from here.
    pub rehearsed: String,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When the next is made.
    pub next: String,
    /// How many stay.
    pub keep: String,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A folder of this machine.
    Folder,
    /// A bucket of a server that speaks S3.
    S3,
    /// Her own hands.
    Hands,
}

/// The forms that name one more place, with what she wrote in them; secrets are not written back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceForm {
    /// Whether the passphrase is asked for.
    pub ask: bool,
    /// Which form was refused, and why.
    pub refused: Option<PlaceKind>,
    /// Why.
    pub refusal: Option<String>,
    /// What she calls a folder.
    pub folder_name: String,
    /// The folder.
    pub folder: String,
    /// What she calls a server.
    pub s3_name: String,
    /// The server.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// What stands before the names in it.
    pub prefix: String,
    /// Its region.
    pub region: String,
    /// Name of the key.
    pub access_key: String,
}

impl PlaceForm {
    /// Empty forms.
    pub fn new(voice: &Voice, ask: bool) -> Self {
        Self {
            ask,
            folder_name: voice.say("backup-name-folder"),
            s3_name: "s3".to_owned(),
            region: "us-east-1".to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn is_refused(&self, kind: PlaceKind) -> bool {
        self.refused == Some(kind)
    }
}

/// The page, as things stand now.
pub fn view(
    voice: &Voice,
    engine: &Engine,
    news: Option<BackupNews>,
) -> Result<BackupView, EngineError> {
    let places = engine.backup_places()?;
    let now = engine.now();
    Ok(BackupView {
        news: news.map(|news| NewsView {
            sentence: news.sentence(voice),
            bad: news.is_bad(),
            running: news == BackupNews::Running,
        }),
        more: places.len() < PLACES_MAX,
        kit: engine.keys().is_ok_and(|keys| keys.has_proven_kit()),
        places: places.iter().map(|place| place_view(voice, place, now)).collect(),
    })
}

fn place_view(voice: &Voice, place: &Place, now: Timestamp) -> PlaceView {
    let kind = match &place.target {
        Target::Folder(_) => voice.say("backup-kind-folder"),
        Target::S3(_) => voice.say("backup-kind-s3"),
    };
    let last = place.last.as_ref().map_or_else(
        || voice.say("backup-none-yet"),
        |last| {
            let (at, size) = (moment(voice, last.at, now), size(voice, last.bytes));
            voice.say_with("backup-last", [("moment", at.into()), ("size", size.into())])
        },
    );
    let rehearsed = place
        .rehearsed_at
        .map_or_else(|| voice.say("backup-rehearsed-never"), |at| moment(voice, at, now));
    let failure = place.failure.zip(place.tried_at).map(|(trouble, at)| {
        let (at, why) = (moment(voice, at, now), voice.say(why(trouble).0));
        voice.say_with("backup-failed", [("moment", at.into()), ("why", why.into())])
    });
    let upcoming = next(place, now);
    let upcoming =
        if upcoming <= now { voice.say("backup-soon") } else { moment(voice, upcoming, now) };
    PlaceView {
        name: place.name.clone(),
        kind,
        at: plain(&place.target.to_string(), 400),
        last,
        has_one: place.last.is_some(),
        rehearsed,
        failure,
        next: upcoming,
        keep: voice.count("backup-keep", usize::from(place.keep)),
    }
}

const fn why(trouble: Trouble) -> Key {
    match trouble {
        Trouble::Unreachable => Key("backup-why-unreachable"),
        Trouble::Denied => Key("backup-why-denied"),
        Trouble::Full => Key("backup-why-full"),
        Trouble::Unsound => Key("backup-why-unsound"),
        Trouble::Strange => Key("backup-why-strange"),
        Trouble::Machine => Key("backup-why-machine"),
    }
}

/// `3 mars à 17 h 42`, with the year where it is another.
pub(super) fn moment(voice: &Voice, at: Timestamp, now: Timestamp) -> String {
    let (date, time) = (voice.date(at, now), voice.time(at));
    voice.say_with("backup-moment", [("date", date.into()), ("time", time.into())])
}

/// `3,2 Mo`: powers of a thousand, as disks are sold.
fn size(voice: &Voice, bytes: u64) -> String {
    const UNITS: [(u64, Key); 3] = [
        (1_000_000_000, Key("size-gigabytes")),
        (1_000_000, Key("size-megabytes")),
        (1_000, Key("size-kilobytes")),
    ];
    let found = UNITS.into_iter().find(|(unit, _)| bytes >= *unit);
    let (unit, key) = found.unwrap_or((1_000, Key("size-kilobytes")));
    // Rounded up: less than a tenth is not nothing.
    let tenths = bytes.saturating_mul(10).div_ceil(unit);
    let (whole, tenth) = (tenths.checked_div(10).unwrap_or(0), tenths.checked_rem(10).unwrap_or(0));
    let point = match voice.language() {
        Language::Fr => ',',
        Language::En => '.',
    };
    let number = match tenth {
        0 => voice.number(whole),
        _ => format!("{}{point}{tenth}", voice.number(whole)),
    };
    voice.say_with(key.0, [("number", number.into())])
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn sizes_are_said_as_disks_are_sold() {
        let say = |bytes| {
            let voice = |language| Voice::new(language, TimeZone::UTC);
            (size(&voice(Language::Fr), bytes), size(&voice(Language::En), bytes))
        };
        for (bytes, fr, en) in [
            (0, "0\u{a0}ko", "0 kB"),
            (1, "0,1\u{a0}ko", "0.1 kB"),
            (3_200, "3,2\u{a0}ko", "3.2 kB"),
            (2_000_000, "2\u{a0}Mo", "2 MB"),
            (1_234_000_000, "1,3\u{a0}Go", "1.3 GB"),
        ] {
            assert_eq!(say(bytes), (fr.to_owned(), en.to_owned()));
        }
        let _no_panic = say(u64::MAX);
    }

    #[test]
    fn every_trouble_has_its_words() {
        for language in [Language::Fr, Language::En] {
            let voice = Voice::new(language, TimeZone::UTC);
            for trouble in Trouble::ALL {
                let said = BackupNews::Failed(trouble).sentence(&voice);
                assert!(said.contains(&voice.say(why(trouble).0)), "{said}");
            }
        }
    }
}
