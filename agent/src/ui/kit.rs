//! The sheet of a recovery kit: one side of A4, to be printed.

use askama::Template;
use besace_protocol::{id::VaultId, time::Timestamp};
use zeroize::Zeroizing;

use super::{assets, barcode, view::CodeView, voice::Voice};
use crate::{keyring::RecoveryKit, vault::Symbology};

/// What stands on the sheet.
pub struct KitSheet {
    /// The fifteen words, in order.
    pub words: Zeroizing<Vec<String>>,
    /// The same for a camera.
    pub code: CodeView,
    /// Which vault it opens.
    pub vault: String,
    /// The day.
    pub made: String,
}

/// No sheet was drawn.
#[derive(Debug, thiserror::Error)]
#[error("the page of the recovery kit could not be made")]
pub struct DrawSheetError;

impl std::fmt::Debug for KitSheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KitSheet([REDACTED])")
    }
}

/// A sheet in its own file, for who prints from elsewhere.
#[derive(Template)]
#[template(path = "kit_file.html")]
struct KitFile<'a> {
    voice: &'a Voice,
    sheet: &'a KitSheet,
    style: &'a str,
}

/// The sheet of `kit`.
pub fn sheet(
    voice: &Voice,
    kit: &RecoveryKit,
    vault: VaultId,
    now: Timestamp,
) -> Result<KitSheet, DrawSheetError> {
    let text = kit.to_qr_text().map_err(|_| DrawSheetError)?;
    Ok(KitSheet {
        words: kit.words(voice.language()),
        code: barcode::draw(Symbology::QrCode, &text, None)
            .map_or(CodeView::Undrawable, CodeView::Drawn),
        vault: vault.to_string(),
        made: voice.date_with_year(now),
    })
}

/// The sheet as a whole document that needs no other file.
pub fn document(voice: &Voice, sheet: &KitSheet) -> Result<String, DrawSheetError> {
    let style = assets::stylesheet();
    KitFile { voice, sheet, style }.render().map_err(|_| DrawSheetError)
}

#[cfg(test)]
mod tests {
    use besace_protocol::lang::Language;
    use jiff::tz::TimeZone;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn the_sheet_holds_all_that_somebody_needs_years_later() {
        for language in [Language::Fr, Language::En] {
            let voice = Voice::new(language, TimeZone::UTC);
            let kit = RecoveryKit::generate(&mut StdRng::seed_from_u64(1));
            let vault = VaultId::from_bytes([7; 16]);
            let now = Timestamp::from_unix_seconds(1_795_300_000);
            let sheet = sheet(&voice, &kit, vault, now).unwrap();
            assert!(matches!(sheet.code, CodeView::Drawn(_)));
            let html = document(&voice, &sheet).unwrap();
            for word in kit.words(language).iter() {
                assert!(html.contains(&format!(">{word}<")), "{word}");
            }
            assert!(html.contains(&vault.to_string()) && html.contains("2026"));
            assert!(html.contains(&voice.say("recovery-kit")));
            assert!(!html.contains("http"), "nothing is fetched to print it");
            assert_eq!(format!("{sheet:?}"), "KitSheet([REDACTED])");
        }
    }
}
