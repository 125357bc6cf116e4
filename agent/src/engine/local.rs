//! Use cases that never leave the machine: profile, cards, wishes, places.

use std::io::Write;

use age::secrecy::SecretString;
use besace_protocol::{
    id::{CardId, WishId},
    private::Private,
    time::Timestamp,
};

use super::{Engine, EngineError, StepError};
use crate::{
    export::{self, ExportError},
    keyring::Keyring,
    vault::{
        Card, CardContent, Fix, Import, JournalEntry, Profile, ProfileField, ShopVisit, Wish,
        WishContent,
    },
};

impl Engine {
    /// What she said about herself.
    pub fn profile(&self) -> Result<Profile, EngineError> {
        Ok(self.vault()?.profile()?)
    }

    /// Sets one fact; an empty value removes it.
    pub fn set_profile(
        &self,
        field: ProfileField,
        value: Private<String>,
    ) -> Result<(), EngineError> {
        let vault = self.vault()?;
        if !value.reveal().is_empty() {
            field.check(value.reveal())?;
        }
        Ok(vault.set_profile(field, value, self.now())?)
    }

    /// Every card, in the order in which they are shown.
    pub fn cards(&self) -> Result<Vec<Card>, EngineError> {
        Ok(self.vault()?.cards()?)
    }

    /// One card.
    pub fn card(&self, id: CardId) -> Result<Card, EngineError> {
        self.vault()?.card(id)?.ok_or(EngineError::NotFound)
    }

    /// Keeps a card; one with the same shop and number is changed instead.
    pub fn add_card(&self, content: CardContent) -> Result<CardId, EngineError> {
        let vault = self.vault()?;
        content.check()?;
        Ok(vault.put_card(CardId::generate(&mut self.rng()), content, self.now())?)
    }

    /// Forgets a card.
    pub fn remove_card(&self, id: CardId) -> Result<(), EngineError> {
        if self.vault()?.remove_card(id)? { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Every wish, the oldest first.
    pub fn wishes(&self) -> Result<Vec<Wish>, EngineError> {
        Ok(self.vault()?.wishes()?)
    }

    /// Keeps a wish.
    pub fn add_wish(&self, content: WishContent) -> Result<WishId, EngineError> {
        let vault = self.vault()?;
        content.check()?;
        let id = WishId::generate(&mut self.rng());
        vault.put_wish(id, content, self.now())?;
        Ok(id)
    }

    /// Lets shops that she allowed it hear of a wish, or no longer.
    ///
    /// # Errors
    /// [`StepError::Minor`] where a minor's vault would show one: it gives nothing, also where it is marked as one since.
    pub fn show_wish(&self, id: WishId, shown: bool) -> Result<(), StepError> {
        if shown && self.minor_until()?.is_some() {
            return Err(StepError::Minor);
        }
        let done = self.vault()?.show_wish(id, shown).map_err(EngineError::from)?;
        if done { Ok(()) } else { Err(EngineError::NotFound.into()) }
    }

    /// Forgets a wish.
    pub fn remove_wish(&self, id: WishId) -> Result<(), EngineError> {
        if self.vault()?.remove_wish(id)? { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Fixes in a span of time, `until` not included, the oldest first.
    pub fn fixes(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Fix>, EngineError> {
        Ok(self.vault()?.fixes(from, until)?)
    }

    /// How many fixes there are, with the first and the last moment.
    pub fn fix_span(&self) -> Result<Option<(u64, Timestamp, Timestamp)>, EngineError> {
        Ok(self.vault()?.fix_span()?)
    }

    /// Every visit to a shop, the newest first.
    pub fn visits(&self) -> Result<Vec<ShopVisit>, EngineError> {
        Ok(self.vault()?.visits()?)
    }

    /// Every import, the newest first.
    pub fn imports(&self) -> Result<Vec<Import>, EngineError> {
        Ok(self.vault()?.imports()?)
    }

    /// The `age` identity that opens exports of this vault.
    pub fn export_identity(&self) -> Result<SecretString, EngineError> {
        export::identity(&*self.root()?).map_err(EngineError::Identity)
    }

    /// Writes everything, encrypted to [`export_identity`](Self::export_identity), and gives `out`
    /// back.
    pub fn export<W: Write + Send + 'static>(&self, out: W) -> Result<W, ExportError> {
        let open = self.open().map_err(ExportError::Engine)?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(ExportError::Keyring)?;
        export::write(&open.vault, &open.root, &keyring, self.now(), out)
    }

    /// What left this machine and what came: the newest `count` lines, the newest first.
    pub fn journal(&self, count: u32) -> Result<Vec<JournalEntry>, EngineError> {
        Ok(self.vault()?.journal(count)?)
    }

    /// Notes that something leaves or came.
    pub(crate) fn note(&self, entry: JournalEntry) -> Result<(), EngineError> {
        Ok(self.vault()?.add_journal(entry)?)
    }
}
