//! The code of a loyalty card as drawable modules: drawn, read back, and only then shown.
//!
//! A wrong code at the till is worse than none, so [`draw`] hands out nothing that a reader does not
//! read back to the very value of the card.

use std::fmt::Write as _;

use rxing::{
    BarcodeFormat, DecodeHints, EncodeHints, MultiFormatWriter, Writer as _, common::BitMatrix,
    helpers::detect_in_luma_slice_with_hints,
};

use crate::vault::Symbology;

/// Longest content that is drawn, in bytes. The largest QR code holds 2,953; a phone at arm's length
/// cannot show that one legibly.
pub const CONTENT_LEN_MAX: usize = 640;

/// The content of a card cannot be drawn in its symbology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawBarcodeError {
    /// The content is not one this symbology can hold, or its check digit is wrong.
    #[error("content does not fit the symbology")]
    Content,
    /// The drawing did not read back to the content.
    #[error("drawing does not read back to the content")]
    ReadBack,
}

/// What people call a symbology.
pub const fn name(symbology: Symbology) -> &'static str {
    match symbology {
        Symbology::Aztec => "Aztec",
        Symbology::Codabar => "Codabar",
        Symbology::Code39 => "Code 39",
        Symbology::Code93 => "Code 93",
        Symbology::Code128 => "Code 128",
        Symbology::DataMatrix => "Data Matrix",
        Symbology::Ean8 => "EAN-8",
        Symbology::Ean13 => "EAN-13",
        Symbology::Itf => "ITF",
        Symbology::Pdf417 => "PDF417",
        Symbology::QrCode => "QR",
        Symbology::UpcA => "UPC-A",
        Symbology::UpcE => "UPC-E",
    }
}

/// A code that was read back: an SVG path and the box around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barcode {
    symbology: Symbology,
    width: u32,
    height: u32,
    path: String,
}

impl Barcode {
    /// The symbology drawn.
    pub const fn symbology(&self) -> Symbology {
        self.symbology
    }

    /// The `viewBox`: one unit is one module; the quiet zone is inside.
    pub fn view_box(&self) -> String {
        format!("0 0 {} {}", self.width, self.height)
    }

    /// The dark modules, as the `d` of a path. Digits, spaces and `Mhvz-` only.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is wide: such a code is shown across the screen, the others as a square.
    pub const fn is_wide(&self) -> bool {
        is_linear(self.symbology) || matches!(self.symbology, Symbology::Pdf417)
    }
}

/// Draws `content` in `symbology`, reads the drawing, and returns it if it says `content`.
///
/// `charset` is the one the card came with, for the codes that can say theirs.
pub fn draw(
    symbology: Symbology,
    content: &str,
    charset: Option<&str>,
) -> Result<Barcode, DrawBarcodeError> {
    if content.is_empty() || content.len() > CONTENT_LEN_MAX || !holds(symbology, content) {
        return Err(DrawBarcodeError::Content);
    }
    let format = format(symbology);
    let hints = EncodeHints {
        Margin: Some("0".to_owned()),
        CharacterSet: charset.filter(|_| !content.is_ascii()).map(str::to_owned),
        ..EncodeHints::default()
    };
    let modules = MultiFormatWriter
        .encode_with_hints(content, &format, 0, 0, &hints)
        .map_err(|_| DrawBarcodeError::Content)?;
    let modules = Modules::trim(&modules, symbology).ok_or(DrawBarcodeError::Content)?;
    if !modules.read_back(symbology, format, content) {
        return Err(DrawBarcodeError::ReadBack);
    }
    Ok(Barcode {
        symbology,
        width: modules.width,
        height: modules.height(),
        path: modules.to_path(),
    })
}

/// The encoder's name of a symbology.
const fn format(symbology: Symbology) -> BarcodeFormat {
    match symbology {
        Symbology::Aztec => BarcodeFormat::AZTEC,
        Symbology::Codabar => BarcodeFormat::CODABAR,
        Symbology::Code39 => BarcodeFormat::CODE_39,
        Symbology::Code93 => BarcodeFormat::CODE_93,
        Symbology::Code128 => BarcodeFormat::CODE_128,
        Symbology::DataMatrix => BarcodeFormat::DATA_MATRIX,
        Symbology::Ean8 => BarcodeFormat::EAN_8,
        Symbology::Ean13 => BarcodeFormat::EAN_13,
        Symbology::Itf => BarcodeFormat::ITF,
        Symbology::Pdf417 => BarcodeFormat::PDF_417,
        Symbology::QrCode => BarcodeFormat::QR_CODE,
        Symbology::UpcA => BarcodeFormat::UPC_A,
        Symbology::UpcE => BarcodeFormat::UPC_E,
    }
}

/// Bars only: one row of modules, drawn as high as is comfortable.
const fn is_linear(symbology: Symbology) -> bool {
    !matches!(
        symbology,
        Symbology::Aztec | Symbology::DataMatrix | Symbology::Pdf417 | Symbology::QrCode
    )
}

/// White modules around the symbol: at least what its standard asks for.
const fn quiet_zone(symbology: Symbology) -> u32 {
    match symbology {
        Symbology::QrCode | Symbology::Aztec | Symbology::DataMatrix => 4,
        Symbology::Pdf417 => 3,
        _ => 11,
    }
}

/// Whether `content` is within alphabet and length of `symbology`. Encoders are not trusted to say
/// it: some repair (a missing check digit), some slice inside a character.
fn holds(symbology: Symbology, content: &str) -> bool {
    let digits = || content.bytes().all(|b| b.is_ascii_digit());
    let printable = || content.bytes().all(|b| (b' '..=b'~').contains(&b));
    match symbology {
        Symbology::Ean8 | Symbology::UpcE => content.len() == 8 && digits(),
        Symbology::Ean13 => content.len() == 13 && digits(),
        Symbology::UpcA => content.len() == 12 && digits(),
        Symbology::Itf => content.len().is_multiple_of(2) && content.len() <= 80 && digits(),
        Symbology::Codabar => codabar_body(content).is_some(),
        Symbology::Code39 => {
            let inside =
                |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase() || b"-. $/+%".contains(&b);
            content.len() <= 80 && content.bytes().all(inside)
        }
        Symbology::Code93 | Symbology::Code128 => content.len() <= 80 && printable(),
        Symbology::Aztec | Symbology::DataMatrix | Symbology::Pdf417 | Symbology::QrCode => true,
    }
}

/// The rows of a symbol with its quiet zone; a linear symbol has one row, repeated.
struct Modules {
    symbology: Symbology,
    width: u32,
    rows: Vec<Vec<bool>>,
}

impl Modules {
    /// The dark rectangle of `matrix` with our own quiet zone, whatever margin the encoder left.
    fn trim(matrix: &BitMatrix, symbology: Symbology) -> Option<Self> {
        let [left, top, width, height] = matrix.getEnclosingRectangle()?;
        let quiet = quiet_zone(symbology);
        let full_width = width.checked_add(quiet.checked_mul(2)?)?;
        let blank = || vec![false; full_width as usize];
        let row = |y: u32| -> Vec<bool> {
            let dark = (left..left.saturating_add(width)).map(|x| matrix.get(x, y));
            let margin = || std::iter::repeat_n(false, quiet as usize);
            margin().chain(dark).chain(margin()).collect()
        };
        let mut rows = Vec::new();
        if is_linear(symbology) {
            rows.push(row(top));
        } else {
            rows.extend((0..quiet).map(|_| blank()));
            rows.extend((top..top.saturating_add(height)).map(row));
            rows.extend((0..quiet).map(|_| blank()));
        }
        Some(Self { symbology, width: full_width, rows })
    }

    /// Rows, or a comfortable height for bars: a third of their width.
    fn height(&self) -> u32 {
        if is_linear(self.symbology) {
            self.width / 3
        } else {
            u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
        }
    }

    /// One rectangle for each run of dark modules.
    fn to_path(&self) -> String {
        let mut path = String::new();
        let row_height = if is_linear(self.symbology) { self.height() } else { 1 };
        for (y, row) in self.rows.iter().enumerate() {
            let mut x = 0_usize;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first().is_some_and(|dark| *dark) {
                    let _written = write!(path, "M{x} {y}h{0}v{row_height}h-{0}z", run.len());
                }
                x = x.saturating_add(run.len());
            }
        }
        path
    }

    /// Whether a reader that knows only the symbology reads `content`.
    fn read_back(&self, symbology: Symbology, format: BarcodeFormat, content: &str) -> bool {
        const SCALE: usize = 4;
        let repeat = if is_linear(symbology) { 24 } else { SCALE };
        let luma: Vec<u8> = self
            .rows
            .iter()
            .flat_map(|row| std::iter::repeat_n(row, repeat))
            .flat_map(|row| row.iter().flat_map(|dark| [if *dark { 0 } else { 255 }; SCALE]))
            .collect();
        let width = self.width.saturating_mul(4);
        let Some(height) = luma.len().checked_div(width as usize) else { return false };
        let mut hints = DecodeHints {
            ReturnCodabarStartEnd: Some(true),
            AllowedLengths: u32::try_from(content.len()).ok().map(|length| vec![length]),
            ..DecodeHints::default()
        };
        let Ok(height) = u32::try_from(height) else { return false };
        let Ok(read) =
            detect_in_luma_slice_with_hints(&luma, width, height, Some(format), &mut hints)
        else {
            return false;
        };
        match symbology {
            Symbology::Codabar => {
                let text = codabar_text(read.getText());
                codabar_body(&text) == codabar_body(content)
                    && (!has_guards(content) || text.eq_ignore_ascii_case(content))
            }
            _ => read.getText() == content,
        }
    }
}

/// What a Codabar reader that was asked for start and stop letters read.
///
/// rxing 0.9.3 then returns positions in its alphabet instead of characters; positions are below 20
/// and characters above, so both spellings are understood.
fn codabar_text(read: &str) -> String {
    const ALPHABET: &[u8; 20] = b"0123456789-$:/.+ABCD";
    read.chars().map(|c| ALPHABET.get(c as usize).map_or(c, |letter| char::from(*letter))).collect()
}

/// The characters between the start and stop letters, or all of them where there are none.
fn codabar_body(content: &str) -> Option<&str> {
    let body =
        if has_guards(content) { content.get(1..content.len().checked_sub(1)?)? } else { content };
    let inside = |b: u8| b.is_ascii_digit() || b"-$:/.+".contains(&b);
    (!body.is_empty() && body.len() <= 80 && body.bytes().all(inside)).then_some(body)
}

/// Whether it begins and ends with one of Codabar's letters, as it is stored with them.
fn has_guards(content: &str) -> bool {
    let guard = |b: Option<u8>| b.is_some_and(|b| b"ABCDabcd".contains(&b));
    content.len() >= 2 && guard(content.bytes().next()) && guard(content.bytes().next_back())
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the drawing says to a reader that is told nothing: pixels are painted from the path and
    /// the box alone, as a browser does.
    fn read_path(code: &Barcode) -> String {
        let scale = 4;
        let (width, height) = (code.width * scale, code.height * scale);
        let mut luma = vec![255_u8; (width * height) as usize];
        for rectangle in code.path().split('z').filter(|text| !text.is_empty()) {
            let numbers: Vec<u32> = rectangle
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            let [x, y, w, h, _] = numbers[..] else { panic!("{rectangle}") };
            for py in y * scale..(y + h) * scale {
                for px in x * scale..(x + w) * scale {
                    luma[(py * width + px) as usize] = 0;
                }
            }
        }
        let mut hints = DecodeHints { ReturnCodabarStartEnd: Some(true), ..DecodeHints::default() };
        let format = Some(format(code.symbology()));
        let read =
            detect_in_luma_slice_with_hints(&luma, width, height, format, &mut hints).unwrap();
        codabar_text(read.getText())
    }

    #[test]
    fn each_of_the_thirteen_symbologies_reads_back() {
        for (symbology, content) in [
            (Symbology::Aztec, "KS-2044-1187-A"),
            (Symbology::Aztec, "Käseschnitte"),
            (Symbology::Codabar, "A2901170035414A"),
            (Symbology::Code39, "LUMEN-4471"),
            (Symbology::Code93, "CARTE 93/7"),
            (Symbology::Code128, "9250144738820"),
            (Symbology::Code128, "Lumen-0042/b"),
            (Symbology::DataMatrix, "DM 0042 éléphant"),
            (Symbology::Ean8, "96385074"),
            (Symbology::Ean13, "3086126100012"),
            (Symbology::Itf, "00193845"),
            (Symbology::Itf, "1234"),
            (Symbology::Pdf417, "PDF417 carte 5512 0098"),
            (Symbology::QrCode, "https://shop.example/c/8812?n=Éloïse"),
            (Symbology::UpcA, "036000291452"),
            (Symbology::UpcE, "01234565"),
        ] {
            let code = draw(symbology, content, None)
                .unwrap_or_else(|error| panic!("{}: {content}: {error}", name(symbology)));
            if content != "1234" {
                // A four-digit ITF is read only by a reader that expects four digits.
                assert_eq!(read_path(&code), content, "{}", name(symbology));
            }
        }
    }

    #[test]
    fn a_code_that_would_be_wrong_is_not_drawn() {
        for (symbology, content) in [
            (Symbology::Ean13, "3086126100013"),
            (Symbology::Ean13, "308612610001"),
            (Symbology::Ean8, "96385075"),
            (Symbology::UpcA, "036000291453"),
            (Symbology::UpcE, "01234567"),
            (Symbology::UpcE, "21234565"),
            (Symbology::Itf, "123"),
            (Symbology::Itf, "12a4"),
            (Symbology::Codabar, "A12"),
            (Symbology::Codabar, "AéA"),
            (Symbology::Code39, "lower"),
            (Symbology::Code128, "caf\u{e9}"),
            (Symbology::Code128, "a\u{f1}b"),
            (Symbology::QrCode, ""),
        ] {
            assert!(draw(symbology, content, None).is_err(), "{}: {content}", name(symbology));
        }
        assert!(draw(Symbology::QrCode, &"1".repeat(CONTENT_LEN_MAX + 1), None).is_err());
    }

    #[test]
    fn guards_of_a_codabar_are_kept_and_never_invented_into_the_value() {
        assert_eq!(read_path(&draw(Symbology::Codabar, "B2901D", None).unwrap()), "B2901D");
        assert_eq!(read_path(&draw(Symbology::Codabar, "2901", None).unwrap()), "A2901A");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_content_makes_the_drawing_panic_or_lie(content in ".{0,24}", which in 0_usize..13) {
            if let Ok(code) = draw(Symbology::ALL[which], &content, Some("UTF-8")) {
                prop_assert!(code.path().bytes().all(|b| b.is_ascii_digit() || b"Mhvz -".contains(&b)));
            }
        }
    }
}
