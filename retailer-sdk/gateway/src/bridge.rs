//! The keyboard wedge: between a scanner and a till that knows nothing of vouchers.
//! `spec/redemption.md#offline`.
//!
//! What was scanned comes in; what the till is to read goes out, as if it had been scanned: the shop's own EAN-13
//! for a voucher that counts, nothing for one that does not, and everything else as it came.

use std::{
    io::{self, ErrorKind, Read, Write},
    path::PathBuf,
};

use besace_protocol::{
    encoding::{JsonError, from_json},
    offer::Gtin,
    voucher::{BenefitClass, UnverifiedPresentation, VerifyVoucherError, Voucher},
};
use besace_retailer::offline::{OfflineTill, TakeError, TillKeys};
use rand_core::CryptoRngCore;
use serde::Deserialize;

use crate::clock::Clock;

/// Longest text of a voucher: whatever is longer is none.
const TEXT_LEN_MAX: usize = Voucher::LEN.saturating_mul(2);

/// Longest file of coupons, in bytes.
const COUPONS_LEN_MAX: usize = 16 << 10;

/// The file of coupons is not one.
#[derive(Debug, thiserror::Error)]
pub enum ParseCouponsError {
    /// Not strict JSON with the members of the file.
    #[error("not a list of coupons")]
    Json(#[source] JsonError),
    /// Not thirteen digits with their check digit.
    #[error("class {class} has no EAN-13")]
    Ean {
        /// Whose.
        class: BenefitClass,
    },
    /// A class stands twice.
    #[error("class {class} stands twice")]
    Twice {
        /// Which.
        class: BenefitClass,
    },
}

/// The shop's own coupon of each class: `[{"class":0,"ean13":"2990000005007"}]`.
#[derive(Clone, Debug)]
pub struct Coupons(Vec<Coupon>);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coupon {
    class: BenefitClass,
    ean13: String,
}

impl Coupons {
    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseCouponsError> {
        let coupons: Vec<Coupon> =
            from_json(bytes, COUPONS_LEN_MAX).map_err(ParseCouponsError::Json)?;
        for (index, Coupon { class, ean13 }) in coupons.iter().enumerate() {
            if ean13.len() != 13 || Gtin::from_printed(ean13).is_err() {
                return Err(ParseCouponsError::Ean { class: *class });
            }
            if coupons.iter().take(index).any(|other| other.class == *class) {
                return Err(ParseCouponsError::Twice { class: *class });
            }
        }
        Ok(Self(coupons))
    }

    fn of(&self, class: BenefitClass) -> Option<&str> {
        self.0.iter().find(|coupon| coupon.class == class).map(|coupon| coupon.ean13.as_str())
    }
}

/// A till, what it types, and where its keys come from.
#[derive(Debug)]
pub struct Bridge<R> {
    /// Takes the vouchers.
    pub till: OfflineTill,
    /// What is typed for them.
    pub coupons: Coupons,
    /// Read again when a voucher names a key that is not known: a new week has begun.
    pub keys: PathBuf,
    /// Draws the names of redemptions.
    pub rng: R,
}

/// Why nothing is typed.
enum Refusal {
    Take(TakeError),
    NoCoupon(BenefitClass),
}

impl<R: CryptoRngCore> Bridge<R> {
    /// Serves until `scanned` ends. `said` is for the person at the till.
    pub fn run(
        &mut self,
        mut scanned: impl Read,
        mut typed: impl Write,
        mut said: impl Write,
        clock: &dyn Clock,
    ) -> io::Result<()> {
        let mut line = Line::default();
        let mut buffer = [0; 4096];
        loop {
            let count = match scanned.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for byte in buffer.iter().take(count) {
                if let Some(event) = line.take(*byte) {
                    self.handle(event, &mut typed, &mut said, clock, &mut line)?;
                }
            }
            typed.flush()?;
            if count == 0 {
                let rest = line.end();
                self.handle(rest, &mut typed, &mut said, clock, &mut line)?;
                return typed.flush();
            }
        }
    }

    fn handle(
        &mut self,
        event: Event,
        typed: &mut impl Write,
        said: &mut impl Write,
        clock: &dyn Clock,
        line: &mut Line,
    ) -> io::Result<()> {
        let Event { text, end } = event;
        let voucher = str::from_utf8(&text).ok().filter(|text| is_voucher(text));
        let Some(voucher) = voucher else {
            typed.write_all(&text)?;
            return typed.write_all(end.as_slice());
        };
        match self.redeem(voucher, clock) {
            Ok(ean13) => {
                typed.write_all(ean13.as_bytes())?;
                typed.write_all(end.as_slice())
            }
            Err(refusal) => {
                // "\r\n" is one end: no key is pressed for what was refused.
                line.skip_line_feed = end == Some(b'\r');
                writeln!(said, "\x07{}", sentence(&refusal))?;
                said.flush()
            }
        }
    }

    /// The digits to type; by then the voucher is spent, on disk.
    fn redeem(&mut self, voucher: &str, clock: &dyn Clock) -> Result<String, Refusal> {
        let now = clock.now();
        let mut class = self.till.look(voucher, now);
        if matches!(class, Err(TakeError::Verify(VerifyVoucherError::Key)))
            && let Some(keys) =
                std::fs::read(&self.keys).ok().and_then(|f| TillKeys::parse(&f).ok())
        {
            self.till.set_keys(keys);
            class = self.till.look(voucher, now);
        }
        let class = class.map_err(Refusal::Take)?.class;
        let ean13 = self.coupons.of(class).ok_or(Refusal::NoCoupon(class))?.to_owned();
        self.till.redeem(voucher, None, now, &mut self.rng).map_err(Refusal::Take)?;
        Ok(ean13)
    }
}

fn is_voucher(text: &str) -> bool {
    text.len() <= TEXT_LEN_MAX && UnverifiedPresentation::parse_text(text).is_ok()
}

/// Short, for somebody with a queue in front of her.
fn sentence(refusal: &Refusal) -> String {
    let sentence = match refusal {
        Refusal::NoCoupon(class) => {
            return format!(
                "bon refusé : aucun code pour la classe {class} / no coupon for class {class}"
            );
        }
        Refusal::Take(TakeError::AlreadyRedeemed) => "bon déjà utilisé / voucher already used",
        Refusal::Take(TakeError::Verify(
            VerifyVoucherError::NotYet | VerifyVoucherError::Expired,
        )) => "bon hors de sa semaine / voucher outside its week",
        Refusal::Take(TakeError::Parse(_) | TakeError::Verify(_) | TakeError::Basket(_)) => {
            "bon non valable ici / voucher not valid here"
        }
        Refusal::Take(TakeError::Ceiling) => {
            "plafond atteint : à transmettre d'abord / ceiling reached: upload first"
        }
        Refusal::Take(TakeError::File(_)) => {
            "bon refusé : disque en panne / voucher refused: disk failed"
        }
    };
    sentence.to_owned()
}

/// What was scanned since the last end of a line.
#[derive(Debug, Default)]
struct Line {
    text: Vec<u8>,
    /// Too long for a voucher: it passes as it comes.
    long: bool,
    skip_line_feed: bool,
}

/// A piece to look at: a whole line, or a part of one that is too long for a voucher.
struct Event {
    text: Vec<u8>,
    end: Option<u8>,
}

impl Line {
    fn take(&mut self, byte: u8) -> Option<Event> {
        let skip = std::mem::take(&mut self.skip_line_feed);
        match byte {
            b'\n' if skip => None,
            b'\n' | b'\r' => {
                // The rest of a long line is no voucher, even if it looks like one.
                let text = std::mem::take(&mut self.text);
                let long = std::mem::take(&mut self.long);
                Some(Event { text: if long { Vec::new() } else { text }, end: Some(byte) })
            }
            _ if self.long => Some(Event { text: vec![byte], end: None }),
            _ => {
                self.text.push(byte);
                if self.text.len() <= TEXT_LEN_MAX {
                    return None;
                }
                self.long = true;
                Some(Event { text: std::mem::take(&mut self.text), end: None })
            }
        }
    }

    /// What stands without an end when there is no more.
    fn end(&mut self) -> Event {
        Event { text: std::mem::take(&mut self.text), end: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coupons_are_numbers_that_a_till_can_read() {
        assert!(Coupons::parse(br#"[{"class":0,"ean13":"2990000005007"}]"#).is_ok());
        for bad in [
            r#"[{"class":0,"ean13":"2990000005009"}]"#,
            r#"[{"class":0,"ean13":"02990000005007"}]"#,
            r#"[{"class":16,"ean13":"2990000005007"}]"#,
            r#"[{"class":0,"ean13":"2990000005007"},{"class":0,"ean13":"2990000005007"}]"#,
            r#"[{"class":0,"ean13":"2990000005007","name":"x"}]"#,
            "{}",
        ] {
            assert!(Coupons::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_end_as_scanners_end_them() {
        let mut line = Line::default();
        let events: Vec<_> = b"ab\r\nc\n".iter().filter_map(|byte| line.take(*byte)).collect();
        let pieces: Vec<_> = events.iter().map(|e| (e.text.as_slice(), e.end)).collect();
        assert_eq!(
            pieces,
            [(&b"ab"[..], Some(b'\r')), (&b""[..], Some(b'\n')), (&b"c"[..], Some(b'\n'))]
        );
    }
}
