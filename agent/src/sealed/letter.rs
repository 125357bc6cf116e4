//! One letter: what arrived, with all that is needed to merge it once, sealed with `age`.

use std::{io::Read as _, str::FromStr as _};

use age::secrecy::ExposeSecret as _;
use besace_protocol::{
    crypto::Digest,
    encoding::{JsonError, from_json_exact, to_canonical_json},
    id::{GrantId, LetterId, MailId},
    keys::RootKey,
    party::ControllerId,
    time::{Day, Timestamp},
};
use serde::{Deserialize, Serialize};

use crate::{
    export,
    vault::{DeviceApp, ParseDeviceAppError, StoredObjection},
};

/// Longest first line, in bytes: 1,024 ids of mail, and room.
const HEAD_LEN_MAX: usize = 64 << 10;
/// Longest body, in bytes: a batch of Overland, the largest thing that is kept.
const BODY_LEN_MAX: usize = 1 << 20;

/// Longest sealed letter, in bytes: the envelope of `age` adds 16 bytes for each 64 KiB, and a head.
pub(super) const SEALED_LEN_MAX: usize = HEAD_LEN_MAX + BODY_LEN_MAX + (4 << 10);

/// What arrived while the vault was locked.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its name: merged once.
    pub id: LetterId,
    /// Its place in the order of arrival.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// What it is.
    pub content: Content,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

/// What a letter is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Content {
    /// A message of a device.
    Report {
        /// The app at whose address it came.
        app: AppWord,
        /// The device's name.
        device: String,
        /// SHA-256 of the password it showed: who can write files, and never saw it, makes no letter.
        password: Digest,
    },
    /// A retailer's answer to a withdrawal.
    Withdrawn {
        /// Of which grant.
        grant: GrantId,
    },
    /// A retailer's answer to an objection.
    Objected {
        /// Which retailer.
        domain: ControllerId,
        /// When she said it: what she says later is another letter.
        said: Timestamp,
    },
    /// A retailer's answer to the keys of one day.
    Released {
        /// Which day.
        day: u32,
        /// Under which grant.
        grant: GrantId,
    },
    /// A retailer destroyed its copies of mail.
    MailAcknowledged {
        /// Which retailer.
        domain: ControllerId,
        /// Which mail.
        mail: Vec<MailId>,
    },
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Report { .. } => "Report([private])",
            Self::Withdrawn { .. } => "Withdrawn",
            Self::Objected { .. } => "Objected",
            Self::Released { .. } => "Released",
            Self::MailAcknowledged { .. } => "MailAcknowledged",
        })
    }
}

/// [`DeviceApp`], as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct AppWord(pub DeviceApp);

impl TryFrom<String> for AppWord {
    type Error = ParseDeviceAppError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<AppWord> for &'static str {
    fn from(word: AppWord) -> Self {
        word.0.as_str()
    }
}

impl Content {
    /// An answer to what she said about direct marketing.
    pub fn objected(said: &StoredObjection) -> Self {
        Self::Objected { domain: said.domain.clone(), said: said.said_at }
    }

    /// An answer to the keys of `day`.
    pub const fn released(grant: GrantId, day: Day) -> Self {
        Self::Released { day: day.as_number(), grant }
    }
}

/// A letter was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealLetterError {
    /// It is longer than any may be.
    #[error("a letter is at most {BODY_LEN_MAX} bytes")]
    TooLong,
    /// Its head was not written.
    #[error("the head of a letter could not be written")]
    Head(#[source] JsonError),
    /// The envelope was not made.
    #[error("a letter could not be encrypted")]
    Encrypt(#[source] age::EncryptError),
}

/// A letter that cannot be read; it is set aside.
#[derive(Debug, thiserror::Error)]
pub enum OpenLetterError {
    /// It is not sealed to this vault's inbox key, or was changed.
    #[error("the letter does not open")]
    Decrypt(#[source] age::DecryptError),
    /// It is cut, or was changed behind its beginning.
    #[error("the letter is damaged")]
    Cut(#[source] std::io::Error),
    /// The key has no spelling.
    #[error("the inbox key could not be spelled")]
    Identity(#[source] export::SpellIdentityError),
    /// What is in it is no letter.
    #[error("the letter has another form than ours")]
    Form,
    /// What is in it is not what we write.
    #[error("the head of the letter is not understood")]
    Head(#[source] JsonError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    at: Timestamp,
    content: Content,
    id: LetterId,
    number: u64,
    v: u8,
}

impl Letter {
    /// Seals it: one line of canonical JSON and the body, as an `age` file.
    pub fn seal(&self, recipient: &age::x25519::Recipient) -> Result<Vec<u8>, SealLetterError> {
        if self.body.len() > BODY_LEN_MAX {
            return Err(SealLetterError::TooLong);
        }
        let (at, content) = (self.at, self.content.clone());
        let head = Head { at, content, id: self.id, number: self.number, v: 1 };
        let mut plain = to_canonical_json(&head).map_err(SealLetterError::Head)?;
        if plain.len() > HEAD_LEN_MAX {
            return Err(SealLetterError::TooLong);
        }
        plain.push(b'\n');
        plain.extend_from_slice(&self.body);
        age::encrypt(recipient, &plain).map_err(SealLetterError::Encrypt)
    }
}

/// Opens letters.
pub struct LetterKey(age::x25519::Identity);

impl LetterKey {
    /// The inbox key of `root`.
    pub fn of(root: &RootKey) -> Result<Self, OpenLetterError> {
        let spelled = export::identity(root).map_err(OpenLetterError::Identity)?;
        age::x25519::Identity::from_str(spelled.expose_secret())
            .map(Self)
            .map_err(|_| OpenLetterError::Identity(export::SpellIdentityError))
    }

    /// Opens what [`Letter::seal`] sealed.
    pub fn open(&self, sealed: &[u8]) -> Result<Letter, OpenLetterError> {
        if sealed.len() > SEALED_LEN_MAX {
            return Err(OpenLetterError::Form);
        }
        let decryptor = age::Decryptor::new(sealed).map_err(OpenLetterError::Decrypt)?;
        let mut reader = decryptor
            .decrypt(std::iter::once(&self.0 as &dyn age::Identity))
            .map_err(OpenLetterError::Decrypt)?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).map_err(OpenLetterError::Cut)?;
        let end = plain.iter().position(|byte| *byte == b'\n').ok_or(OpenLetterError::Form)?;
        let body = plain.split_off(end.saturating_add(1));
        plain.pop();
        let head: Head = from_json_exact(&plain, HEAD_LEN_MAX).map_err(OpenLetterError::Head)?;
        if head.v != 1 || body.len() > BODY_LEN_MAX {
            return Err(OpenLetterError::Form);
        }
        let Head { at, content, id, number, v: _ } = head;
        Ok(Letter { id, number, at, content, body })
    }
}

impl std::fmt::Debug for LetterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LetterKey([REDACTED])")
    }
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({}, number {}, {} bytes)", self.id, self.number, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(fill: u8) -> RootKey {
        RootKey::init_with(|bytes| bytes.fill(fill))
    }

    fn letter(body: &[u8]) -> Letter {
        Letter {
            id: LetterId::from_bytes([1; 16]),
            number: 7,
            at: Timestamp::from_unix_seconds(1_795_300_000),
            content: Content::Report {
                app: AppWord(DeviceApp::Overland),
                device: "phone".to_owned(),
                password: Digest::from_bytes([2; 32]),
            },
            body: body.to_vec(),
        }
    }

    #[test]
    fn a_letter_opens_with_the_key_of_its_vault_alone_and_says_nothing_before() {
        let sealed = letter(b"{\"SSID\":\"Maison\"}").seal(&export::recipient(&root(3)).unwrap());
        let sealed = sealed.unwrap();
        let opened = LetterKey::of(&root(3)).unwrap().open(&sealed).unwrap();
        assert_eq!(opened, letter(b"{\"SSID\":\"Maison\"}"));
        assert!(LetterKey::of(&root(4)).unwrap().open(&sealed).is_err());
        for word in ["phone", "Maison", "overland", "report", "letter"] {
            let shows = sealed.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!shows, "{word}");
        }
        insta::assert_snapshot!(
            format!("{opened:?}"),
            @"Letter(letter_01010101010101010101010101010101, number 7, 17 bytes)"
        );
    }

    #[test]
    fn a_letter_that_was_cut_or_changed_does_not_open() {
        let sealed = letter(b"x").seal(&export::recipient(&root(3)).unwrap()).unwrap();
        let key = LetterKey::of(&root(3)).unwrap();
        for end in 0..sealed.len() {
            assert!(key.open(&sealed[..end]).is_err(), "cut at {end}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open(&changed).is_err(), "changed at {place}");
        }
    }

    #[test]
    fn what_is_no_letter_of_ours_is_refused_though_it_opens() {
        let (recipient, key) =
            (export::recipient(&root(3)).unwrap(), LetterKey::of(&root(3)).unwrap());
        for plain in ["", "{}", "{}\n", "\n{}", "[]\n", "{\"v\":1}\n{}"] {
            let sealed = age::encrypt(&recipient, plain.as_bytes()).unwrap();
            assert!(key.open(&sealed).is_err(), "{plain:?}");
        }
        let long = letter(&vec![b' '; BODY_LEN_MAX + 1]);
        assert!(matches!(long.seal(&recipient), Err(SealLetterError::TooLong)));
        let longest = letter(&vec![b' '; BODY_LEN_MAX]).seal(&recipient).unwrap();
        assert!(key.open(&longest).is_ok());
    }

    proptest! {
        #[test]
        fn every_letter_comes_back(body: Vec<u8>, number in 0_u64..1 << 53, ids: Vec<[u8; 16]>) {
            let mail = ids.into_iter().map(MailId::from_bytes).collect();
            let domain = ControllerId::parse("shop.example").unwrap();
            let content = Content::MailAcknowledged { domain, mail };
            let letter = Letter { number, content, ..letter(&body) };
            let sealed = letter.seal(&export::recipient(&root(3)).unwrap()).unwrap();
            prop_assert_eq!(LetterKey::of(&root(3)).unwrap().open(&sealed).unwrap(), letter);
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            let _ = LetterKey::of(&root(3)).unwrap().open(&bytes).is_ok();
        }
    }
}
