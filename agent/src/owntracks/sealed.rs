//! Messages that the app seals with a secret it shares with the agent: XSalsa20-Poly1305 (`secretbox` of
//! `NaCl`), the key being the secret's own bytes, padded with zeros. There is no derivation, so the
//! secret must not be one that a person thought up.

use std::fmt;

use besace_protocol::encoding::{from_base64, to_base64};
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, Nonce, XSalsa20Poly1305};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// What the app calls its encryption key: 1 to 32 bytes of text.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(Zeroizing<String>);

/// The text cannot be a key of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key has 1 to 32 bytes")]
pub struct SharedSecretError;

/// The message does not open; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message does not open with the key of this device")]
pub struct OpenMessageError;

impl SharedSecret {
    const KEY_LEN: usize = 32;
    const NONCE_LEN: usize = 24;

    /// The secret with this spelling.
    pub fn new(text: Zeroizing<String>) -> Result<Self, SharedSecretError> {
        if (1..=Self::KEY_LEN).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(SharedSecretError)
        }
    }

    /// Its spelling: to store it in the vault, and to be typed into the app once.
    pub fn danger_text(&self) -> &str {
        &self.0
    }

    /// Opens the `data` of a sealed message: base64 of nonce and box. Old apps seal the zero byte that
    /// ends a string in C, too; it is not part of the message.
    pub fn open(&self, data: &str) -> Result<Vec<u8>, OpenMessageError> {
        let mut bytes = from_base64(data).map_err(|_| OpenMessageError)?;
        if bytes.len() < Self::NONCE_LEN {
            return Err(OpenMessageError);
        }
        let mut message = bytes.split_off(Self::NONCE_LEN);
        let opened = self.cipher().decrypt_in_place(Nonce::from_slice(&bytes), b"", &mut message);
        opened.map_err(|_| OpenMessageError)?;
        if message.last() == Some(&0) {
            message.pop();
        }
        Ok(message)
    }

    /// Seals a message for the app. `None` only if it is too long for the cipher.
    pub fn seal(&self, message: &[u8], rng: &mut impl CryptoRngCore) -> Option<String> {
        let mut nonce = [0; Self::NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let mut sealed = message.to_vec();
        self.cipher().encrypt_in_place(Nonce::from_slice(&nonce), b"", &mut sealed).ok()?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut sealed);
        Some(to_base64(&bytes))
    }

    fn cipher(&self) -> XSalsa20Poly1305 {
        let mut key = Zeroizing::new([0; Self::KEY_LEN]);
        for (place, byte) in key.iter_mut().zip(self.0.bytes()) {
            *place = byte;
        }
        XSalsa20Poly1305::new((&*key).into())
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn secret(text: &str) -> SharedSecret {
        SharedSecret::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    /// Issue 32 of owntracks/owntracks; the message was sealed by a program in C, with its last zero.
    #[test]
    fn the_published_message_in_c_opens() {
        let data = "vG0sAik3/+1KwrZ4b27yQtfJEVz6g2v0Os+yGIECNm8PnxwTR7ZUlUYRclgku7eP19FeNjJugxhYnF9pvlxDBzUxYg==";
        let message = secret("s3cr1t").open(data).unwrap();
        assert_eq!(message, b"Hello from C, how are you?");
    }

    /// `EncryptionProviderTest` of owntracks/android.
    #[test]
    fn the_published_location_of_the_android_app_opens() {
        let data = "aUiEKyGnskRz383od0mu4uqxTIxeZUddBVxKEmsdv1FFSH2y0NwqLP1tTqOmxaFhGv0bNX1DT7o81FW9Yaxpla6Byvr6CZV3\
                    t2skQv8nlxiIv1ZpQWM1bqHE0JFHwD3/yRx9bLHRF3j67kWcO6o2D/xn4ma8Fd4u86NPobFkRIzIhJljphEZyDCGugp7H3FkydGvgEkljb1/P1K91E/ij+m73wFplvTQm8ba5eWSFlQHDdY2B7QwbVPrKarHJLrm1+Y29+HD4Wg6TNhBJZLvdsmek6AcZLB+bq7Q84tUWoLrKp3aiyJZZX70q4HbVI3skkmDWMuMP2cDmsY9bvBjh1ZWAGlOq5VS1dWIlu6OWgWN9VdDbLzP+s2ykeFXrGs=";
        let message = secret("123").open(data).unwrap();
        let message: serde_json::Value = serde_json::from_slice(&message).unwrap();
        assert_eq!(message["_type"], "location");
        let near = |member: &str, degrees: f64| {
            (message[member].as_f64().unwrap() - degrees).abs() < 0.001
        };
        assert!(near("lat", 50.118_293_3) && near("lon", -5.540_773_3), "{message}");
        assert_eq!(message["acc"], 5);
    }

    #[test]
    fn another_key_a_changed_letter_and_a_stump_do_not_open() {
        let mut rng = StdRng::seed_from_u64(1);
        let sealed = secret("abc").seal(b"{}", &mut rng).unwrap();
        assert_eq!(secret("abc").open(&sealed).unwrap(), b"{}");
        assert_eq!(secret("abd").open(&sealed), Err(OpenMessageError));
        assert_eq!(
            secret("abc").open(&sealed.replacen(&sealed[40..41], "_", 1)),
            Err(OpenMessageError)
        );
        for stump in ["", "AAAA", &sealed[..32], &sealed[..52]] {
            assert_eq!(secret("abc").open(stump), Err(OpenMessageError), "{stump}");
        }
    }

    #[test]
    fn a_secret_fits_the_app_and_is_not_shown() {
        for (text, good) in
            [("", false), ("a", true), (&*"é".repeat(16), true), (&*"a".repeat(33), false)]
        {
            assert_eq!(SharedSecret::new(Zeroizing::new(text.to_owned())).is_ok(), good, "{text}");
        }
        insta::assert_snapshot!(format!("{:?}", secret("geheim")), @"SharedSecret([REDACTED])");
    }

    proptest! {
        #[test]
        fn what_is_sealed_comes_back(message: Vec<u8>, key in "[ -~]{1,32}", seed: u64) {
            prop_assume!(message.last() != Some(&0));
            let sealed = secret(&key).seal(&message, &mut StdRng::seed_from_u64(seed)).unwrap();
            prop_assert_eq!(secret(&key).open(&sealed), Ok(message));
        }

        #[test]
        fn no_data_makes_opening_panic(data in ".*") {
            let _ = secret("x").open(&data).is_ok();
        }
    }
}
