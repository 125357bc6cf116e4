//! Keys of a shop's tills, receivers and screens: random, scoped, bound to one shop.

use std::fmt;

use besace_protocol::{
    crypto::{Digest, SecretBytes, SigningKey, sha256},
    encoding::{from_base64url, to_base64url},
    party::{Manifest, ShopCode},
    problem::ProblemType,
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Retailer,
    store::{StoreError, StoredShopKey},
};

/// What a shop key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShopScope {
    /// Tell that an ephemeral identifier was heard.
    Sightings,
    /// Read who asked to be greeted and has just come in.
    Arrivals,
    /// Publish offers.
    Catalogue,
    /// Read what the shop's emitter sends now.
    Emitter,
    /// Ask at a till, and settle what is answered.
    Tills,
    /// Redeem vouchers.
    Redemptions,
    /// Read wishes that may be answered, and accept them.
    Wishes,
    /// Read how often which answer was given.
    Answers,
    /// Read what was said of the shop.
    Feedback,
    /// Ask whose a till receipt is.
    Receipts,
}

impl ShopScope {
    /// Every scope there is.
    pub const ALL: &'static [Self] = &[
        Self::Sightings,
        Self::Arrivals,
        Self::Catalogue,
        Self::Emitter,
        Self::Tills,
        Self::Redemptions,
        Self::Wishes,
        Self::Answers,
        Self::Feedback,
        Self::Receipts,
    ];

    /// As it stands in configurations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sightings => "sightings",
            Self::Arrivals => "arrivals",
            Self::Catalogue => "catalogue",
            Self::Emitter => "emitter",
            Self::Tills => "tills",
            Self::Redemptions => "redemptions",
            Self::Wishes => "wishes",
            Self::Answers => "answers",
            Self::Feedback => "feedback",
            Self::Receipts => "receipts",
        }
    }
}

/// The text is not a shop key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a shop key: 32 bytes in base64url")]
pub struct ParseShopKeyError;

/// 32 random bytes that a device of a shop shows. We keep their digest only.
#[derive(Debug)]
pub struct ShopKey(SecretBytes<32>);

impl ShopKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(SecretBytes::generate(rng))
    }

    /// Reads unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, ParseShopKeyError> {
        let bytes = Zeroizing::new(from_base64url(text).map_err(|_| ParseShopKeyError)?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| ParseShopKeyError)?;
        Ok(Self(SecretBytes::init_with(|to| *to = *bytes)))
    }

    /// The text, to hand it over once.
    pub fn danger_text(&self) -> Zeroizing<String> {
        Zeroizing::new(to_base64url(self.0.danger_expose()))
    }

    fn digest(&self) -> Digest {
        sha256(&[self.0.danger_expose()])
    }
}

/// What a shop key that was checked permits. Only [`Retailer::authenticate`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopPermit {
    name: String,
    shop: ShopCode,
    scopes: Vec<ShopScope>,
}

impl ShopPermit {
    /// What the operator calls the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shop it is bound to.
    pub const fn shop(&self) -> ShopCode {
        self.shop
    }

    /// Whether it may be used for this.
    pub fn check(&self, scope: ShopScope) -> Result<(), OutOfScope> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(OutOfScope) }
    }
}

/// The key is good, but not for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shop key may not be used for this")]
pub struct OutOfScope;

/// A shop key that is not good.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// Unknown or revoked; nothing more is said.
    #[error("shop key is unknown or revoked")]
    Unknown,
    /// The store failed.
    #[error("shop key was not looked up")]
    Store(#[from] StoreError),
}

impl AuthenticateError {
    /// What the caller reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Unknown => ProblemType::Unauthorized,
            Self::Store(_) => ProblemType::Internal,
        }
    }
}

/// A shop key was not made.
#[derive(Debug, thiserror::Error)]
pub enum AddShopKeyError {
    /// Empty, longer than 64 bytes or with other characters than letters, digits, `-` and `.`.
    #[error("name of a key has 1 to 64 letters, digits, dots and dashes")]
    Name,
    /// Another key has this name, revoked or not.
    #[error("another key has this name")]
    Taken,
    /// The retailer has no such shop.
    #[error("there is no such shop")]
    Shop,
    /// A key without a scope is good for nothing.
    #[error("a key needs a scope")]
    Scopes,
    /// The manifest certifies at most 64 tills of a shop.
    #[error("the shop has as many tills as a manifest certifies")]
    TooManyTills,
    /// The store failed.
    #[error("shop key was not stored")]
    Store(#[from] StoreError),
}

/// A shop key as the operator sees it: without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShopKeyEntry {
    /// What the operator calls it.
    pub name: String,
    /// The shop it is bound to.
    pub shop: ShopCode,
    /// What it may be used for.
    pub scopes: Vec<ShopScope>,
    /// Whether it is over.
    pub revoked: bool,
}

impl fmt::Display for ShopKeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        let state = if self.revoked { "revoked" } else { "good" };
        write!(f, "{}  shop {}  {}  {state}", self.name, self.shop, scopes.join(","))
    }
}

impl Retailer {
    /// Makes a key for `shop`. It is shown once: the store keeps its digest.
    ///
    /// With the scope [`ShopScope::Tills`] it is one till: it gets a till key, which the next manifest
    /// certifies ([`Retailer::tidy`]).
    pub fn add_shop_key(
        &mut self,
        name: &str,
        shop: ShopCode,
        scopes: &[ShopScope],
        rng: &mut impl CryptoRngCore,
    ) -> Result<ShopKey, AddShopKeyError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(AddShopKeyError::Name);
        }
        if !self.identity().shops.iter().any(|known| known.code == shop) {
            return Err(AddShopKeyError::Shop);
        }
        if scopes.is_empty() {
            return Err(AddShopKeyError::Scopes);
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        let key = ShopKey::generate(rng);
        let stored = StoredShopKey { name: name.to_owned(), shop, scopes, revoked: false };
        let own = &self.own;
        let till = stored.scopes.contains(&ShopScope::Tills).then(|| SigningKey::generate(rng));
        self.store.write(|session| {
            if !session.add_shop_key(&stored, &key.digest())? {
                return Err(AddShopKeyError::Taken);
            }
            let Some(till) = till else { return Ok(()) };
            session.add_till_key(name, &till)?;
            let tills = own.shops(session)?.into_iter().find(|known| known.code == shop);
            if tills.is_some_and(|shop| shop.till_keys.len() > Manifest::TILL_KEYS_MAX) {
                return Err(AddShopKeyError::TooManyTills);
            }
            Ok(())
        })?;
        Ok(key)
    }

    /// Every key there ever was, by name.
    pub fn shop_keys(&self) -> Result<Vec<ShopKeyEntry>, StoreError> {
        let entry = |StoredShopKey { name, shop, scopes, revoked }| ShopKeyEntry {
            name,
            shop,
            scopes,
            revoked,
        };
        Ok(self.store.read().shop_keys()?.into_iter().map(entry).collect())
    }

    /// Ends a key at once; whether there was one of that name. A till's is struck off the next manifest.
    pub fn revoke_shop_key(&mut self, name: &str) -> Result<bool, StoreError> {
        self.store.write(|session| {
            session.delete_till(name)?;
            session.revoke_shop_key(name)
        })
    }

    /// Finds what a key permits. Keys are compared by digest, so time tells nothing about them.
    pub fn authenticate(&self, key: &ShopKey) -> Result<ShopPermit, AuthenticateError> {
        match self.store.read().shop_key(&key.digest())? {
            Some(StoredShopKey { name, shop, scopes, revoked: false }) => {
                Ok(ShopPermit { name, shop, scopes })
            }
            Some(_) | None => Err(AuthenticateError::Unknown),
        }
    }
}
