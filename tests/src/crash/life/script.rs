//! What is done, step by step. A step makes something so; taken again, it finds that it is so, or goes on.

use anyhow::{Context as _, Result};
use besace_agent::{
    engine::EngineState,
    exchange::{Exchange, ExchangeError},
    keyring::KdfParameters,
    vault::{ImportFormat, ProfileField, WishContent},
};
use besace_protocol::{
    consent::{Cause, GrantState, Indication},
    money::Money,
    private::Private,
    purpose::Purpose,
};

use super::{Act, Change, Life, PASSPHRASES, backups, passphrase, promise};
use crate::{crash::honesty::NotYet, shopper};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The vault is made.
    Create,
    /// It is unlocked.
    Unlock,
    /// It is locked and unlocked: the database is closed, and opened again.
    Relock,
    /// She says something of herself.
    Say(ProfileField, &'static str),
    /// She wishes for something.
    Wish(u8),
    /// She does not wish for it any more.
    Unwish(u8),
    /// Cards are brought in.
    ImportCards,
    /// A track is brought in: a Saturday in Lyon.
    ImportTrack,
    /// A walk of so many fixes is brought in.
    ImportWalk(u16),
    /// The newest import of a kind that stands is taken back.
    Undo(ImportFormat),
    /// What a retailer publishes is fetched.
    Meet,
    /// She says yes: a grant, and what leaves under it.
    Give(Purpose),
    /// What is due with the retailer: keys of days, disclosures, mail, vouchers.
    Refresh,
    /// An hour goes by.
    AnHour,
    /// The night goes by: it is the next day.
    ANight,
    /// A voucher is shown to a till.
    ShowVoucher,
    /// She takes her consent back.
    Withdraw(Purpose),
    /// It is locked.
    Lock,
    /// A kit is made, and typed back.
    MakeKit,
    /// A device gets a key.
    AddDeviceKey,
    /// And loses it.
    RemoveDeviceKey,
    /// Another passphrase, in place of the one before.
    Passphrase(usize),
    /// A new root, with the other passphrase.
    Rekey,
    /// A telephone is let in.
    AddPhone,
    /// It says where it is, whether the vault is locked or not.
    Report(u8),
    /// What came while the vault was locked is merged.
    Merge,
    /// A backup is written beside the disk.
    Backup,
    /// The vault is made from it.
    Restore,
    /// Her logs go on as new ones, as after a vault that went back.
    NewLogs(Cause),
    /// Keys of days are made and written down; nobody answers.
    DeliverUnheard,
    /// She takes her consent back; nobody answers.
    WithdrawUnheard(Purpose),
    /// While the vault is locked, what waits leaves.
    SendHeld,
    /// A folder for backups is named.
    AddPlace,
    /// A backup is made there.
    BackUp,
    /// The newest is read back into a vault that nobody keeps.
    Rehearse,
}

/// What is done in a part.
pub(super) const fn steps(act: Act) -> &'static [Step] {
    use ImportFormat::{CatimaCsv, Gpx};
    use ProfileField::{ChosenName, GreetingTopics, Name};
    use Purpose::{LoyaltyAccount, Recognition, StaffGreeting};
    use Step::{
        AnHour, Backup, Create, Give, ImportCards, ImportTrack, ImportWalk, MakeKit, Meet, NewLogs,
        Refresh, Relock, Restore, Say, ShowVoucher, Undo, Unlock, Unwish, Wish, Withdraw,
    };
    match act {
        Act::Start => &[
            Create,
            Say(Name, shopper::PROFILE.name),
            Say(ChosenName, shopper::PROFILE.chosen_name),
            Say(GreetingTopics, shopper::PROFILE.greeting_topics),
            ImportTrack,
            ImportCards,
            Wish(0),
            Wish(1),
            Undo(CatimaCsv),
            Relock,
            Wish(2),
            Unwish(0),
            ImportCards,
            Say(ChosenName, "Éléonore"),
            Relock,
            Wish(3),
        ],
        Act::Shop => &[
            Unlock,
            Meet,
            Give(Recognition),
            Give(StaffGreeting),
            Refresh,
            AnHour,
            Refresh,
            ShowVoucher,
            Wish(4),
            Say(ChosenName, "Nora"),
            Refresh,
            Withdraw(Recognition),
            Relock,
            Refresh,
        ],
        Act::Keys => KEYS,
        Act::Away => AWAY,
        Act::Held => HELD,
        Act::Rekey => REKEY,
        Act::Backups => BACKUPS,
        Act::Upgrade => &[Unlock, Wish(12), Relock, Unwish(12)],
        Act::Restore => &[Restore, NewLogs(Cause::Restore), Refresh, Wish(13), Relock],
        Act::Bulk => &[
            Unlock,
            ImportWalk(8_000),
            Undo(Gpx),
            Wish(5),
            ImportWalk(8_001),
            Undo(Gpx),
            ImportWalk(8_002),
            Wish(6),
            Undo(Gpx),
            ImportWalk(8_003),
            Unwish(5),
            Undo(Gpx),
            Undo(Gpx),
            Wish(7),
            Wish(8),
        ],
        Act::Later => &[
            Unlock,
            Refresh,
            Wish(9),
            ImportTrack,
            Withdraw(LoyaltyAccount),
            Refresh,
            Relock,
            Undo(Gpx),
            Undo(CatimaCsv),
            MakeKit,
            Wish(10),
            Unwish(9),
            NewLogs(Cause::Rollback),
            Refresh,
            Backup,
        ],
    }
}

const KEYS: &[Step] = &[
    Step::Unlock,
    Step::MakeKit,
    Step::AddDeviceKey,
    Step::Wish(11),
    Step::Passphrase(1),
    Step::Relock,
    Step::RemoveDeviceKey,
    Step::Unwish(11),
    Step::Passphrase(0),
    Step::Relock,
];

const AWAY: &[Step] = &[
    Step::Unlock,
    Step::AddPhone,
    Step::Report(0),
    Step::Lock,
    Step::Report(1),
    Step::Report(2),
    Step::Report(3),
    Step::Unlock,
    Step::Merge,
    Step::Report(4),
    Step::Lock,
    Step::Report(5),
    Step::Report(6),
    Step::Unlock,
    Step::Merge,
];

/// From the beginning of a part, at 10:00 in Lyon, to an hour of the next day.
const NIGHT_SECONDS: u64 = 15 * 3_600;

const HELD: &[Step] = &[
    Step::Unlock,
    Step::Refresh,
    Step::Give(Purpose::LoyaltyAccount),
    Step::ANight,
    Step::DeliverUnheard,
    Step::WithdrawUnheard(Purpose::StaffGreeting),
    Step::Lock,
    Step::SendHeld,
    Step::Unlock,
    Step::Merge,
    Step::Wish(14),
    Step::Refresh,
    Step::Relock,
];

const REKEY: &[Step] = &[
    Step::Unlock,
    Step::Wish(16),
    Step::Rekey,
    Step::Unwish(16),
    Step::Refresh,
    Step::Relock,
    Step::MakeKit,
    Step::Passphrase(0),
    Step::Relock,
];

const BACKUPS: &[Step] = &[
    Step::Unlock,
    Step::AddPlace,
    Step::BackUp,
    Step::Rehearse,
    Step::AnHour,
    Step::Wish(15),
    Step::BackUp,
    Step::AnHour,
    Step::Unwish(15),
    Step::BackUp,
    Step::AnHour,
    // Two may stay, and the one that was rehearsed: the second goes.
    Step::BackUp,
    Step::Relock,
];

impl Step {
    /// Takes it.
    pub(super) async fn take(self, life: &Life) -> Result<()> {
        let engine = &life.engine;
        match self {
            Self::Create if engine.state() == EngineState::Missing => {
                engine.create(&passphrase(PASSPHRASES[0])?, KdfParameters::SMALLEST)?;
            }
            Self::Restore if engine.state() == EngineState::Missing => promise::restore(life)?,
            Self::Create | Self::Restore | Self::Unlock => life.unlock()?,
            Self::Lock => {
                engine.lock();
                promise::hold(life)?;
            }
            Self::Relock => {
                engine.lock();
                life.unlock()?;
            }
            Self::MakeKit
            | Self::AddDeviceKey
            | Self::RemoveDeviceKey
            | Self::Passphrase(_)
            | Self::Rekey => promise::change_keys(life, self)?,
            Self::Backup => std::fs::write(&life.backup, engine.export(Vec::new())?)?,
            Self::NewLogs(cause) => drop(engine.start_new_logs(cause)?),
            Self::AddPhone | Self::Report(_) | Self::Merge => promise::report(life, self)?,
            Self::AddPlace | Self::BackUp | Self::Rehearse => backups::take(life, self)?,
            Self::DeliverUnheard => unheard(life.shop.nowhere.deliver(&life.shop.domain).await)?,
            Self::WithdrawUnheard(purpose) => {
                withdraw(&life.shop.nowhere, purpose).await?;
            }
            Self::SendHeld => {
                life.shop.exchange.send_held(&life.shop.domain).await?;
                promise::hold(life)?;
            }
            Self::Say(field, what) => engine.set_profile(field, Private::new(what.to_owned()))?,
            Self::Wish(number) if find(life, number)?.is_none() => {
                engine.add_wish(wish(number))?;
            }
            Self::Wish(_) => {}
            Self::Unwish(number) => {
                if let Some(id) = find(life, number)? {
                    engine.remove_wish(id)?;
                }
            }
            Self::ImportCards => drop(engine.import_cards(shopper::CARDS.as_bytes(), false)?),
            Self::ImportTrack => drop(engine.import_places(shopper::TRACK.as_bytes(), false)?),
            Self::ImportWalk(fixes) => {
                drop(engine.import_places(walk(fixes).as_bytes(), false)?);
            }
            Self::Undo(format) => {
                let stands = |import: &&besace_agent::vault::Import| {
                    import.format == format && import.undone_at.is_none()
                };
                if let Some(import) = engine.imports()?.iter().find(stands) {
                    engine.undo_import(import.id)?;
                }
            }
            Self::Meet => drop(life.shop.exchange.meet(&life.shop.domain).await?),
            Self::Give(purpose) => give(life, purpose).await?,
            Self::Refresh => {
                life.shop.tidy(engine.now())?;
                life.shop.exchange.refresh(&life.shop.domain).await?;
            }
            Self::AnHour => life.shop.clock.reach(engine.now().plus(3_600)),
            Self::ANight => life.shop.clock.reach(Act::Held.begins().plus(NIGHT_SECONDS)),
            Self::ShowVoucher => {
                let views = engine.vouchers()?;
                let class = views.first().and_then(|view| view.classes.first()).context(NotYet)?;
                engine.show_voucher(&life.shop.domain, class.class, true)?;
            }
            Self::Withdraw(purpose) => withdraw(&life.shop.exchange, purpose).await?,
        }
        Ok(())
    }

    /// Whether it is one transaction: refused, it has changed nothing.
    pub const fn is_one(self) -> bool {
        matches!(
            self,
            Self::Say(..)
                | Self::Wish(_)
                | Self::Unwish(_)
                | Self::ImportCards
                | Self::ImportTrack
                | Self::ImportWalk(_)
                | Self::Undo(_)
                | Self::ShowVoucher
        )
    }

    /// What it will have changed, where that is known before.
    pub(super) fn boast(self) -> Option<Change> {
        let Self::Wish(number) = self else { return None };
        Some(Change::from([(format!("wish {}", words(number)), Some("there".to_owned()))]))
    }
}

/// Takes back the consent for a purpose, if it stands.
async fn withdraw(exchange: &Exchange, purpose: Purpose) -> Result<()> {
    let lives = |state| matches!(state, GrantState::Given | GrantState::Active);
    let grants = exchange.engine().grants()?;
    let of = grants.iter().filter(|view| view.grant.terms.purpose == purpose);
    match of.clone().find(|view| lives(view.state)) {
        Some(view) => drop(exchange.withdraw(view.grant.id).await?),
        None => drop(of.clone().next().context(NotYet)?),
    }
    Ok(())
}

/// That nobody answered is what this is about.
fn unheard<T>(done: Result<T, ExchangeError>) -> Result<()> {
    match done {
        Err(ExchangeError::Net(error)) if error.is_unreachable() => Ok(()),
        done => Ok(done.map(drop)?),
    }
}

async fn give(life: &Life, purpose: Purpose) -> Result<()> {
    let (engine, exchange) = (&life.engine, &life.shop.exchange);
    let open = engine.open_requests()?;
    let asked = open
        .iter()
        .map(|open| open.request.payload())
        .find(|asked| asked.controller == life.shop.domain && asked.terms.purpose == purpose);
    if let Some(asked) = asked {
        exchange.give(asked.id, Indication::Page).await?;
    } else {
        // It was given before, and perhaps not heard of there.
        let grants = engine.grants()?;
        grants.iter().find(|view| view.grant.terms.purpose == purpose).context(NotYet)?;
        exchange.refresh(&life.shop.domain).await?;
    }
    Ok(())
}

fn words(number: u8) -> String {
    let wishes = shopper::WISHES;
    let wish = wishes[usize::from(number) % wishes.len()];
    format!("{} ({number})", wish.text)
}

fn wish(number: u8) -> WishContent {
    WishContent {
        text: Private::new(words(number)),
        gtin: None,
        category: None,
        max_price: Some(Money::euro_cents(u64::from(number) * 100 + 500)),
        deadline: None,
    }
}

fn find(life: &Life, number: u8) -> Result<Option<besace_protocol::id::WishId>> {
    let words = words(number);
    let wishes = life.engine.wishes()?;
    Ok(wishes.iter().find(|wish| *wish.content.text.reveal() == words).map(|wish| wish.id))
}

/// A walk of so many fixes, one a minute; another number is another walk.
fn walk(fixes: u16) -> String {
    use std::fmt::Write as _;
    let mut track = String::from(
        "<gpx version=\"1.1\" creator=\"walk\" xmlns=\"http://www.topografix.com/GPX/1/1\"><trk><trkseg>",
    );
    for fix in 0..fixes {
        let north = u32::from(fix) * 37 % 9_973 + u32::from(fixes);
        let (day, minute) = (fix / 1_440 + 1, fix % 1_440);
        let (hour, minute) = (minute / 60, minute % 60);
        // A text in memory takes everything.
        let _written = write!(
            track,
            "<trkpt lat=\"45.7{north:05}\" lon=\"4.83\"><time>2026-10-{day:02}T{hour:02}:{minute:02}:00Z</time></trkpt>"
        );
    }
    track.push_str("</trkseg></trk></gpx>");
    track
}
