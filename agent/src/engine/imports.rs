//! Bringing files in, and taking them back.

use std::io::Read;

use besace_protocol::id::{CardId, ImportId};

use super::{Engine, EngineError};
use crate::{
    import::{
        ImportReport, Leftovers,
        catima::{self, ParseCatimaError},
        gpx::{self, ParseGpxError},
    },
    vault::{Import, ImportFormat, ImportOutcome, Undone, VaultError},
};

/// Nothing was brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not a file of cards we can read.
    #[error("the cards were not read")]
    Catima(#[source] ParseCatimaError),
    /// Not a track we can read.
    #[error("the track was not read")]
    Gpx(#[source] ParseGpxError),
    /// Locked, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<VaultError> for ImportError {
    fn from(error: VaultError) -> Self {
        Self::Engine(error.into())
    }
}

impl Engine {
    /// Brings in cards that Catima exported. With `dry_run` nothing changes, only the report says
    /// what would.
    pub fn import_cards(
        &self,
        file: impl Read,
        dry_run: bool,
    ) -> Result<ImportReport, ImportError> {
        let vault = self.vault()?;
        let found = catima::parse(file).map_err(ImportError::Catima)?;
        let rng = &mut self.rng();
        let cards = found.cards.into_iter().map(|card| (CardId::generate(rng), card)).collect();
        let import = self.new_import(ImportFormat::CatimaCsv, &found.leftovers);
        let outcome = vault.import_cards(import, cards, dry_run)?;
        Ok(report(&import, outcome, found.leftovers, dry_run))
    }

    /// Brings in where she was, from a GPX track. With `dry_run` nothing changes.
    pub fn import_places(
        &self,
        file: impl Read,
        dry_run: bool,
    ) -> Result<ImportReport, ImportError> {
        let vault = self.vault()?;
        let found = gpx::parse(file).map_err(ImportError::Gpx)?;
        let import = self.new_import(ImportFormat::Gpx, &found.leftovers);
        let outcome = vault.import_fixes(import, found.fixes, dry_run)?;
        Ok(report(&import, outcome, found.leftovers, dry_run))
    }

    /// Takes an import back: what it brought goes, what it changed is as before.
    pub fn undo_import(&self, id: ImportId) -> Result<Undone, EngineError> {
        self.vault()?.undo_import(id, self.now())?.ok_or(EngineError::NotFound)
    }

    fn new_import(&self, format: ImportFormat, leftovers: &Leftovers) -> Import {
        Import {
            id: ImportId::generate(&mut self.rng()),
            format,
            at: self.now(),
            skipped: leftovers.skipped_count,
            outcome: ImportOutcome::default(),
            undone_at: None,
        }
    }
}

fn report(
    import: &Import,
    outcome: ImportOutcome,
    leftovers: Leftovers,
    dry_run: bool,
) -> ImportReport {
    let kept = !dry_run && (outcome.imported > 0 || outcome.updated > 0);
    ImportReport { id: kept.then_some(import.id), outcome, leftovers }
}

#[cfg(test)]
mod tests {
    use crate::{
        engine::tests::{open_engine, passphrase},
        vault::CardContent,
    };

    const CARDS: &str = "_id,store,note,cardid\n1,Les Cimes,,111\n2,Au Pain,,222\n";
    const CHANGED: &str = "_id,store,note,cardid\n1,Les Cimes,neuf,111\n3,Le Fil,,333\n";

    #[test]
    fn the_same_file_twice_changes_nothing_and_a_dry_run_never_does() {
        let (_folder, engine) = open_engine();
        let dry = engine.import_cards(CARDS.as_bytes(), true).unwrap();
        assert_eq!((dry.outcome.imported, dry.id), (2, None));
        assert!(engine.cards().unwrap().is_empty() && engine.imports().unwrap().is_empty());
        let first = engine.import_cards(CARDS.as_bytes(), false).unwrap();
        assert_eq!(first.outcome.imported, 2);
        let cards = engine.cards().unwrap();
        let again = engine.import_cards(CARDS.as_bytes(), false).unwrap();
        assert_eq!((again.outcome.imported, again.outcome.updated, again.id), (0, 0, None));
        assert_eq!(again.outcome.unchanged, 2);
        assert_eq!(engine.cards().unwrap(), cards);
        assert_eq!(engine.imports().unwrap().len(), 1);
    }

    #[test]
    fn an_import_is_undone_and_what_it_changed_is_as_before() {
        let (_folder, engine) = open_engine();
        let typed = CardContent {
            store: "Les Cimes".to_owned().into(),
            number: "111".to_owned().into(),
            barcode: "111".to_owned().into(),
            note: "la mienne".to_owned().into(),
            starred: true,
            ..CardContent::default()
        };
        engine.add_card(typed).unwrap();
        let before = engine.cards().unwrap();
        let report = engine.import_cards(CHANGED.as_bytes(), false).unwrap();
        assert_eq!((report.outcome.imported, report.outcome.updated), (1, 1));
        assert_ne!(engine.cards().unwrap(), before);
        let undone = engine.undo_import(report.id.unwrap()).unwrap();
        assert_eq!((undone.removed, undone.restored), (1, 1));
        assert_eq!(engine.cards().unwrap(), before);
        assert!(engine.undo_import(report.id.unwrap()).is_err());
    }

    #[test]
    fn undoing_leaves_alone_what_was_changed_since() {
        let (_folder, engine) = open_engine();
        let first = engine.import_cards(CARDS.as_bytes(), false).unwrap();
        engine.import_cards(CHANGED.as_bytes(), false).unwrap();
        engine.undo_import(first.id.unwrap()).unwrap();
        let stores: Vec<_> =
            engine.cards().unwrap().into_iter().map(|c| c.content.store.into_revealed()).collect();
        assert_eq!(stores, ["Le Fil", "Les Cimes"]);
    }

    #[test]
    fn a_track_is_brought_in_once_and_taken_back() {
        let (_folder, engine) = open_engine();
        let track = "<gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\">\
            <trk><trkseg><trkpt lat=\"45.7\" lon=\"4.8\"><time>2026-11-21T10:00:00Z</time></trkpt>\
            <trkpt lat=\"45.7\" lon=\"4.9\"><time>2026-11-21T10:00:00Z</time></trkpt>\
            </trkseg></trk></gpx>";
        let first = engine.import_places(track.as_bytes(), false).unwrap();
        assert_eq!(first.outcome.imported, 2);
        let again = engine.import_places(track.as_bytes(), false).unwrap();
        assert_eq!((again.outcome.imported, again.outcome.unchanged), (0, 2));
        engine.lock();
        engine.unlock(&passphrase("p")).unwrap();
        assert_eq!(engine.fix_span().unwrap().unwrap().0, 2);
        engine.undo_import(first.id.unwrap()).unwrap();
        assert_eq!(engine.fix_span().unwrap(), None);
    }
}
