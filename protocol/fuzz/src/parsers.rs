//! Every parser of the protocol by its name, for whoever throws bytes at it: the fuzz target of this
//! package, and the table of `tests/scenarios/hardening`, which also sees that none is missing.
//!
//! What is read must be written back as it came: one spelling for one value.

use std::fmt::Display;

use besace_protocol::{
    audit::{BundlePath, PinnedWitnesses, Policy, openings_of, parse_openings},
    call::UnverifiedCall,
    consent::{
        Acknowledgement, ConsentRequest, Continuation, Disclosure, Erasure, Grant, Notice,
        Objection, Opening as Mailed, Record, RecordKind, Release, Restoration, Revocation,
        UseStatement, Withdrawal,
    },
    crypto::{Digest, IssuerPublicKey, KeyId, Sealed, SealingPublicKey, Signature, VerifyingKey},
    document::{Document, Unverified},
    encoding::{
        Bytes, check_json, from_base45, from_base64, from_base64url, from_json, from_json_exact,
        parse_decimal, to_base45, to_base64, to_base64url, to_canonical_json,
    },
    id::{CardId, GrantId, Handle, LogId, MessageId, OfferId, RequestId},
    jws::UnverifiedJws,
    lang::Language,
    log::{
        LogKey, Opening, Origin, SignedNote, TilePath, UnverifiedAddCheckpoint,
        UnverifiedCheckpoint, UnverifiedCosignature, UnverifiedProof, WitnessKey, WitnessName,
        WitnessPolicy, bundle_of, parse_bundle, parse_tile, parse_tree_size, tree_size,
    },
    mandate::{Act, Mandate, MandateWithdrawal, UnverifiedDelegateCall},
    mark::UnverifiedMark,
    money::{Currency, Money},
    negotiation::{Agreement, Proposal, Refusal, UnverifiedMessage},
    offer::{Body, Category, Gtin, Offer, Tier, Title, catalogue::UnverifiedCatalogue},
    party::{ControllerId, Manifest, ShopCode},
    presence::{
        Advertisement, EphemeralId, ReleasedKeys, ShopValue,
        till::{
            TypedCode, UnverifiedAnswer, UnverifiedChallenge, UnverifiedDebit,
            UnverifiedPresentation,
        },
    },
    problem::Problem,
    product::parse_scan,
    time::Day,
    voucher::{
        PendingBatch, UnverifiedPresentation as UnverifiedVoucher, UnverifiedVoucherKeys,
        VoucherResponse,
    },
    wire,
};
use serde::{Serialize, de::DeserializeOwned};

/// One parser.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// What it reads; the name of its corpus.
    pub name: &'static str,
    /// The type or the function that has it, as the architecture tests name it.
    pub owner: &'static str,
    /// Folders of `spec/vectors` that hold what it reads, or nearly.
    pub topics: &'static [&'static str],
    /// What its bytes are.
    pub shape: Shape,
    reader: Reader,
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// Text to value to text.
    Text(fn(&str) -> Option<String>),
    /// Bytes to value to bytes.
    Bytes(fn(&[u8]) -> Option<Vec<u8>>),
    /// Whether it reads.
    Plain(fn(&[u8]) -> bool),
}

impl Parser {
    /// Reads; says whether there was anything to read.
    ///
    /// # Panics
    /// On a finding: what was read is written otherwise than it came.
    pub fn reads(&self, bytes: &[u8]) -> bool {
        match self.reader {
            Reader::Text(read) => {
                let Ok(text) = str::from_utf8(bytes) else { return false };
                let again = read(text);
                assert!(again.as_ref().is_none_or(|again| again == text), "{again:?} for {text:?}");
                again.is_some()
            }
            Reader::Bytes(read) => {
                let again = read(bytes);
                assert!(again.as_ref().is_none_or(|again| again == bytes), "another spelling");
                again.is_some()
            }
            Reader::Plain(read) => read(bytes),
        }
    }
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// JSON: nothing of it that is shorter is whole, and no member stands twice.
    Json,
    /// A signed document, whose payload is JSON once more.
    Signed,
    /// Anything else.
    Other,
}

/// Longest input for those that have no limit of their own, in bytes.
const LEN_MAX: usize = 1 << 20;

/// Every parser there is.
pub const PARSERS: &[Parser] = &[
    // Values
    text("base45", "from_base45", &["till"], |t| from_base45(t).ok().map(|v| to_base45(&v))),
    text("base64", "from_base64", &["value"], |t| from_base64(t).ok().map(|v| to_base64(&v))),
    text("base64url", "from_base64url", &["value"], |t| {
        from_base64url(t).ok().map(|v| to_base64url(&v))
    }),
    text("decimal", "parse_decimal", &["value"], |t| written(parse_decimal(t))),
    text("digest", "Digest", &["value"], |t| written(Digest::parse(t))),
    text("currency", "Currency", &["value"], |t| written(Currency::parse(t))),
    text("language", "Language", &["value"], |t| {
        // A tag may say more than the language: `fr-FR` is French.
        Language::parse(t).ok().map(|_| t.to_owned())
    }),
    text("domain", "ControllerId", &["value"], |t| written(ControllerId::parse(t).ok())),
    text("key-id", "KeyId", &["value"], |t| written(KeyId::parse(t))),
    text("shop-code", "ShopCode", &["till", "presence"], |t| written(ShopCode::parse(t).ok())),
    text("card-id", "parse", &["id"], |t| written(CardId::parse(t).ok())),
    text("grant-id", "parse", &["id"], |t| written(GrantId::parse(t).ok())),
    text("handle", "parse", &["id"], |t| written(Handle::parse(t).ok())),
    text("log-id", "parse", &["id"], |t| written(LogId::parse(t).ok())),
    text("message-id", "parse", &["id"], |t| written(MessageId::parse(t).ok())),
    text("offer-id", "parse", &["id"], |t| written(OfferId::parse(t).ok())),
    text("request-id", "parse", &["id"], |t| written(RequestId::parse(t).ok())),
    text("title", "parse", &["value"], |t| written(Title::parse(t).ok())),
    text("body", "parse", &["value"], |t| written(Body::parse(t).ok())),
    text("tier", "parse", &["value"], |t| written(Tier::parse(t).ok())),
    text("gtin", "Gtin", &["offers"], |t| written(Gtin::parse(t).ok())),
    text("gtin-printed", "Gtin", &["offers"], |t| Gtin::from_printed(t).ok().map(|_| t.to_owned())),
    other("product", "parse_scan", &["product"], |b| parse_scan(b).is_ok()),
    text("category", "Category", &["offers"], |t| written(Category::parse(t).ok())),
    // Keys
    text("verifying-key", "VerifyingKey", &["keys", "jws"], |t| {
        written(VerifyingKey::parse(t).ok())
    }),
    bytes("verifying-key-bytes", "VerifyingKey", &["keys"], |b| {
        VerifyingKey::from_slice(b).ok().map(|key| key.as_bytes().to_vec())
    }),
    text("sealing-key", "SealingPublicKey", &["keys", "consent"], |t| {
        written(SealingPublicKey::parse(t).ok())
    }),
    bytes("sealing-key-bytes", "SealingPublicKey", &["keys"], |b| {
        SealingPublicKey::from_slice(b).ok().map(|key| key.as_bytes().to_vec())
    }),
    bytes("signature", "Signature", &["keys"], |b| {
        Signature::from_slice(b).map(|signature| signature.as_bytes().to_vec())
    }),
    // JSON
    json("json", "from_json", &["json"], |b| check_json(b, LEN_MAX).is_ok()),
    json("json-exact", "from_json_exact", &["json"], |b| exact::<serde_json::Value>(b, LEN_MAX)),
    json("money", "from_json", &["offers"], |b| exact::<Money>(b, 1 << 10)),
    json("sealed", "from_json", &["consent"], |b| exact::<Sealed>(b, 1 << 20)),
    json("problem", "from_json", &["json"], body::<Problem>),
    // Signed documents
    signed("jws", "UnverifiedJws", &["jws"], |b| {
        let read = UnverifiedJws::parse(b, LEN_MAX);
        read.is_ok_and(|jws| jws.peek::<serde_json::Value>().is_ok())
    }),
    signed("call", "UnverifiedCall", &["call"], |b| {
        let read = UnverifiedCall::parse(b);
        read.is_ok_and(|call| call.peek_body::<serde_json::Value>().is_ok())
    }),
    signed("request", "Unverified", &["consent"], document::<ConsentRequest>),
    signed("grant", "Unverified", &["consent"], document::<Grant>),
    signed("proposal", "Unverified", &["negotiation"], document::<Proposal>),
    signed("agreement", "Unverified", &["negotiation"], document::<Agreement>),
    signed("refusal", "Unverified", &["negotiation"], document::<Refusal>),
    signed("message", "UnverifiedMessage", &["negotiation"], |b| {
        UnverifiedMessage::parse(b).is_ok()
    }),
    signed("withdrawal", "Unverified", &["consent"], document::<Withdrawal>),
    signed("acknowledgement", "Unverified", &["consent"], document::<Acknowledgement>),
    signed("erasure", "Unverified", &["consent"], document::<Erasure>),
    signed("revocation", "Unverified", &["consent"], document::<Revocation>),
    signed("objection", "Unverified", &["consent"], document::<Objection>),
    signed("mandate", "Unverified", &["mandate"], document::<Mandate>),
    signed("mandate-withdrawal", "Unverified", &["mandate"], document::<MandateWithdrawal>),
    signed("delegate-call", "UnverifiedDelegateCall", &["mandate"], |b| {
        let read = UnverifiedDelegateCall::parse(b);
        read.is_ok_and(|call| call.claimed_mandate().is_ok())
    }),
    json("delegate-act", "from_json", &["json"], body::<Act>),
    signed("release", "Unverified", &["consent"], document::<Release>),
    signed("disclosure", "Unverified", &["consent"], document::<Disclosure>),
    signed("mail-opening", "Unverified", &["consent"], document::<Mailed>),
    signed("use-statement", "Unverified", &["consent"], document::<UseStatement>),
    signed("continuation", "Unverified", &["succession"], document::<Continuation>),
    signed("restoration", "Unverified", &["consent"], document::<Restoration>),
    signed("manifest", "Unverified", &["consent", "presence"], document::<Manifest>),
    signed("catalogue", "UnverifiedCatalogue", &["offers"], |b| {
        UnverifiedCatalogue::parse(b).is_ok()
    }),
    json("offer", "Offer", &["offers"], |b| Offer::parse(b).is_ok()),
    // Records: a signed document, or JSON
    other("record", "Record", &["consent"], |b| Record::parse(b).is_ok()),
    json("record-kind", "RecordKind", &["consent"], |b| {
        let read = RecordKind::parse(b).ok();
        check_same(b, read.as_ref().and_then(|kind| kind.to_bytes().ok()).as_deref());
        read.is_some()
    }),
    json("notice", "Notice", &["consent"], |b| {
        let read = Notice::parse(b).ok();
        check_same(b, read.as_ref().and_then(|notice| notice.to_bytes().ok()).as_deref());
        read.is_some()
    }),
    // Marks
    bytes("mark", "UnverifiedMark", &["mark"], |b| {
        UnverifiedMark::parse(b).ok().map(|mark| mark.to_bytes().to_vec())
    }),
    // Logs
    text("log-origin", "Origin", &["log"], |t| written(Origin::parse(t).ok())),
    text("log-key", "LogKey", &["log"], |t| written(LogKey::parse(t).ok())),
    bytes("note", "SignedNote", &["log"], |b| {
        SignedNote::parse(b).ok().map(|note| note.as_str().as_bytes().to_vec())
    }),
    other("checkpoint", "UnverifiedCheckpoint", &["log"], |b| {
        UnverifiedCheckpoint::parse(b).is_ok()
    }),
    other("proof", "UnverifiedProof", &["log"], |b| UnverifiedProof::parse(b).is_ok()),
    text("witness-name", "WitnessName", &["log"], |t| written(WitnessName::parse(t).ok())),
    text("witness-key", "WitnessKey", &["log"], |t| written(WitnessKey::parse(t).ok())),
    bytes("cosignature", "UnverifiedCosignature", &["log"], |b| {
        UnverifiedCosignature::parse(b).ok().map(|line| line.to_string().into_bytes())
    }),
    other("add-checkpoint", "UnverifiedAddCheckpoint", &["log"], |b| {
        UnverifiedAddCheckpoint::parse(b).is_ok()
    }),
    bytes("tree-size", "parse_tree_size", &["log"], |b| {
        parse_tree_size(b).map(|size| tree_size(size).into_bytes())
    }),
    other("witness-policy", "WitnessPolicy", &["log"], |b| WitnessPolicy::parse(b).is_ok()),
    json("opening", "Opening", &["log"], |b| {
        let read = Opening::parse(b).ok();
        check_same(b, read.as_ref().and_then(|opening| opening.to_bytes().ok()).as_deref());
        read.is_some()
    }),
    text("tile-path", "TilePath", &["log"], |t| written(TilePath::parse(t).ok())),
    bytes("entry-bundle", "parse_bundle", &["log"], |b| {
        parse_bundle(b, width(b)).ok().map(|entries| bundle_of(&entries))
    }),
    other("tile", "parse_tile", &["log"], |b| parse_tile(b, width(b)).is_ok()),
    // Evidence
    text("bundle-path", "BundlePath", &["bundle"], |t| written(BundlePath::parse(t).ok())),
    bytes("openings", "parse_openings", &["bundle"], |b| {
        parse_openings(0, b).ok().and_then(|openings| openings_of(0, &openings).ok())
    }),
    json("policy", "Policy", &["json"], |b| Policy::parse(b).is_ok()),
    other("pinned-witnesses", "PinnedWitnesses", &["log"], |b| PinnedWitnesses::parse(b).is_ok()),
    // Presence
    other("advertisement", "Advertisement", &["presence"], |b| Advertisement::parse(b).is_ok()),
    text("ephemeral-id", "EphemeralId", &["presence"], |t| written(EphemeralId::parse(t).ok())),
    text("shop-value", "ShopValue", &["presence"], |t| written(ShopValue::parse(t))),
    bytes("shop-value-bytes", "ShopValue", &["presence"], |b| {
        ShopValue::from_slice(b).map(|value| value.as_bytes().to_vec())
    }),
    bytes("released-keys", "ReleasedKeys", &["presence"], |b| {
        let read = ReleasedKeys::from_slice(Day::from_number(20_000), b).ok();
        read.map(|keys| keys.danger_bytes().to_vec())
    }),
    // The till
    other("challenge", "UnverifiedChallenge", &["till"], |b| UnverifiedChallenge::parse(b).is_ok()),
    other("challenge-text", "UnverifiedChallenge", &["till"], |b| {
        str::from_utf8(b).is_ok_and(|t| UnverifiedChallenge::parse_text(t).is_ok())
    }),
    other("answer", "UnverifiedAnswer", &["till"], |b| UnverifiedAnswer::parse(b).is_ok()),
    other("answer-text", "UnverifiedAnswer", &["till"], |b| {
        str::from_utf8(b).is_ok_and(|t| UnverifiedAnswer::parse_text(t).is_ok())
    }),
    other("debit", "UnverifiedDebit", &["till"], |b| UnverifiedDebit::parse(b).is_ok()),
    other("debit-text", "UnverifiedDebit", &["till"], |b| {
        str::from_utf8(b).is_ok_and(|t| UnverifiedDebit::parse_text(t).is_ok())
    }),
    other("presentation", "UnverifiedPresentation", &["till"], |b| {
        UnverifiedPresentation::parse(b).is_ok()
    }),
    other("presentation-text", "UnverifiedPresentation", &["till"], |b| {
        str::from_utf8(b).is_ok_and(|t| UnverifiedPresentation::parse_text(t).is_ok())
    }),
    text("typed-code", "TypedCode", &["till"], |t| {
        // People type it as they like.
        TypedCode::parse(t).ok().map(|_| t.to_owned())
    }),
    // Vouchers
    bytes("issuer-key", "IssuerPublicKey", &["voucher"], |b| {
        IssuerPublicKey::parse(b).ok().map(|key| key.as_spki().to_vec())
    }),
    bytes("pending-batch", "PendingBatch", &["voucher"], |b| {
        PendingBatch::parse(b).ok().map(|batch| batch.danger_to_bytes().to_vec())
    }),
    signed("voucher-keys", "UnverifiedVoucherKeys", &["voucher"], |b| {
        UnverifiedVoucherKeys::parse(b).is_ok()
    }),
    other("voucher", "UnverifiedPresentation", &["voucher"], |b| {
        UnverifiedVoucher::parse(b).is_ok()
    }),
    other("voucher-text", "UnverifiedPresentation", &["voucher"], |b| {
        str::from_utf8(b).is_ok_and(|t| UnverifiedVoucher::parse_text(t).is_ok())
    }),
    json("voucher-response", "VoucherResponse", &["json"], |b| {
        let list = from_json::<Vec<Bytes>>(b, LEN_MAX);
        list.is_ok_and(|signatures| VoucherResponse::parse(&signatures).is_ok())
    }),
    // Bodies
    json("wire-attested", "from_json", &["json"], body::<wire::Attested>),
    json("wire-open-requests", "from_json", &["json"], body::<wire::OpenRequests>),
    json("wire-restorations", "from_json", &["json"], body::<wire::Restorations>),
    json("wire-give-grant", "from_json", &["json"], body::<wire::GiveGrant>),
    json("wire-grant-given", "from_json", &["json"], body::<wire::GrantGiven>),
    json("wire-negotiate", "from_json", &["json"], body::<wire::Negotiate>),
    json("wire-negotiated", "from_json", &["json"], body::<wire::Negotiated>),
    json("wire-withdraw", "from_json", &["json"], body::<wire::Withdraw>),
    json("wire-withdrawn", "from_json", &["json"], body::<wire::Withdrawn>),
    json("wire-ask-erasure", "from_json", &["json"], body::<wire::AskErasure>),
    json("wire-erased", "from_json", &["json"], body::<wire::Erased>),
    json("wire-object", "from_json", &["json"], body::<wire::Object>),
    json("wire-objected", "from_json", &["json"], body::<wire::Objected>),
    json("wire-release-keys", "from_json", &["json"], body::<wire::ReleaseKeys>),
    json("wire-disclose", "from_json", &["json"], body::<wire::Disclose>),
    json("wire-received", "from_json", &["json"], body::<wire::Received>),
    json("wire-mail-collected", "from_json", &["json"], body::<wire::MailCollected>),
    json("wire-acknowledge-mail", "from_json", &["json"], body::<wire::AcknowledgeMail>),
    json("wire-continue", "from_json", &["json"], body::<wire::Continue>),
    json("wire-continued", "from_json", &["json"], body::<wire::Continued>),
    json("wire-last-head", "from_json", &["json"], body::<wire::LastHead>),
    json("wire-sighting", "from_json", &["json"], body::<wire::Sighting>),
    json("wire-recognised", "from_json", &["json"], body::<wire::Recognised>),
    json("wire-arrivals", "from_json", &["json"], body::<wire::Arrivals>),
    json("wire-wishes", "from_json", &["json"], body::<wire::Wishes>),
    json("wire-accept-wish", "from_json", &["json"], body::<wire::AcceptWish>),
    json("wire-find-receipt", "from_json", &["json"], body::<wire::FindReceipt>),
    json("wire-receipt-found", "from_json", &["json"], body::<wire::ReceiptFound>),
    json("wire-said", "from_json", &["json"], body::<wire::Said>),
    json("wire-counted", "from_json", &["json"], body::<wire::Counted>),
    json("wire-emitter-frame", "from_json", &["json"], body::<wire::EmitterFrame>),
];

/// The parser of this name.
pub fn find(name: &str) -> Option<&'static Parser> {
    PARSERS.iter().find(|parser| parser.name == name)
}

type Topics = &'static [&'static str];
type Name = &'static str;

const fn text(name: Name, owner: Name, topics: Topics, read: fn(&str) -> Option<String>) -> Parser {
    Parser { name, owner, topics, shape: Shape::Other, reader: Reader::Text(read) }
}

const fn bytes(
    name: Name,
    owner: Name,
    topics: Topics,
    read: fn(&[u8]) -> Option<Vec<u8>>,
) -> Parser {
    Parser { name, owner, topics, shape: Shape::Other, reader: Reader::Bytes(read) }
}

const fn other(name: Name, owner: Name, topics: Topics, read: fn(&[u8]) -> bool) -> Parser {
    Parser { name, owner, topics, shape: Shape::Other, reader: Reader::Plain(read) }
}

const fn json(name: Name, owner: Name, topics: Topics, read: fn(&[u8]) -> bool) -> Parser {
    Parser { shape: Shape::Json, ..other(name, owner, topics, read) }
}

const fn signed(name: Name, owner: Name, topics: Topics, read: fn(&[u8]) -> bool) -> Parser {
    Parser { shape: Shape::Signed, ..other(name, owner, topics, read) }
}

fn written(value: Option<impl Display>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn document<D: Document>(bytes: &[u8]) -> bool {
    Unverified::<D>::parse(bytes).is_ok()
}

/// A body of a call or an answer: strict JSON, in any order and with any white space.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> bool {
    from_json::<T>(bytes, LEN_MAX).is_ok()
}

/// Canonical JSON, which must be written as it came.
fn exact<T: DeserializeOwned + Serialize>(bytes: &[u8], max: usize) -> bool {
    let read = from_json_exact::<T>(bytes, max).ok();
    check_same(bytes, read.as_ref().and_then(|value| to_canonical_json(value).ok()).as_deref());
    read.is_some()
}

fn check_same(bytes: &[u8], again: Option<&[u8]>) {
    assert!(again.is_none_or(|again| again == bytes), "another spelling");
}

/// How many hashes these bytes could be; no tile has more than 256.
fn width(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len() / 32).map_or(256, |width| width.min(256))
}
