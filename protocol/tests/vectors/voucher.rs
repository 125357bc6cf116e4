//! Keys of a week, tokens, batches, presentations; the header is explained in
//! `tests/vectors/topic_voucher.py`.

use besace_protocol::{
    crypto::{Digest, IssuerPublicKey, IssuerSecretKey, VerifyingKey, blind, finalize},
    encoding::from_base64url,
    party::ControllerId,
    time::{Timestamp, Week},
    voucher::{
        PendingBatch, TokenChallenge, TokenInput, UnverifiedPresentation, UnverifiedVoucherKeys,
        Voucher, VoucherKeys, VoucherResponse, WeekSecrets,
    },
};
use rand_core::{CryptoRng, Error, RngCore};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("kind") {
        "key" => key(case),
        "keys" => read_keys(case, &case.body).map(|_| ()),
        "presentation" => presentation(case),
        "batch" => batch(case),
        "token" => token(case),
        "rfc9474" => rfc9474(case),
        other => panic!("unknown kind {other}"),
    }
}

fn key(case: &Case) -> Result<(), String> {
    let body = body(case);
    let key = IssuerPublicKey::parse(&body).map_err(reason)?;
    assert_eq!(&key.as_spki()[..], body);
    same("name", &hex::encode(key.key_id().as_bytes()), case.text("key-id"))
}

fn read_keys(case: &Case, jws: &[u8]) -> Result<VoucherKeys, String> {
    let key = VerifyingKey::from_slice(&bytes(case.text("controller-key"))).unwrap();
    let domain = ControllerId::parse(case.text("domain")).unwrap();
    let week = Week::from_number(case.text("week").parse().unwrap());
    let keys = UnverifiedVoucherKeys::parse(jws).map_err(reason)?;
    let keys = keys.verify(&key, &domain, week).map_err(reason)?;
    assert_eq!(keys.as_bytes(), jws);
    Ok(keys)
}

fn keys(case: &Case) -> VoucherKeys {
    read_keys(case, &from_base64url(case.text("keys")).unwrap()).unwrap()
}

fn presentation(case: &Case) -> Result<(), String> {
    let (body, keys) = (body(case), keys(case));
    let now = Timestamp::from_unix_seconds(case.text("now").parse().unwrap());
    let read = UnverifiedPresentation::parse(&body).map_err(reason)?;
    let verified = read.verify([&keys], now).map_err(reason)?;
    same("class", &verified.class().to_string(), case.text("class"))?;
    let nullifier = hex::encode(verified.nullifier().as_bytes());
    same("nullifier", &nullifier, case.text("nullifier"))?;
    let voucher = Voucher::read(&body, &keys).map_err(reason)?;
    same("text", &voucher.present().to_text(), case.text("text"))
}

fn batch(case: &Case) -> Result<(), String> {
    let (body, keys) = (body(case), keys(case));
    let pending = PendingBatch::parse(&body).map_err(reason)?;
    assert_eq!(&pending.danger_to_bytes()[..], body);
    let request = pending.request();
    same("request", &hexes(request.to_wire()), case.text("request"))?;
    if let Some(secrets) = case.find("secrets") {
        let secrets = secrets.split(' ').map(|der| IssuerSecretKey::from_der(&bytes(der)).unwrap());
        let secrets = WeekSecrets::new(&keys, secrets.collect()).map_err(reason)?;
        // Signing is blinded, yet its result is not random.
        let signed = secrets.issue(&request, &mut Fixed(Vec::new())).map_err(reason)?;
        same("response", &hexes(signed.to_wire()), case.text("response"))?;
    }
    let response: Vec<_> =
        case.text("response").split(' ').map(|text| bytes(text).into()).collect();
    let response = VoucherResponse::parse(&response).map_err(reason)?;
    let vouchers = pending.finish(&keys, &response).map_err(reason)?;
    let vouchers = vouchers.iter().map(|voucher| voucher.danger_expose().to_vec());
    same("vouchers", &hexes(vouchers), case.text("vouchers"))
}

/// RFC 9578, appendix B.2, with our functions; issuer and origin are two there.
fn token(case: &Case) -> Result<(), String> {
    let key = IssuerPublicKey::parse(&bytes(case.text("pks"))).map_err(reason)?;
    let secret = IssuerSecretKey::from_der(&bytes(case.text("sks"))).map_err(reason)?;
    assert_eq!(secret.public_key(), &key);
    let context = case.find("redemption-context").map(|digits| digest(&bytes(digits)));
    let challenge = TokenChallenge {
        issuer_name: case.text("issuer-name"),
        redemption_context: context,
        origin_info: case.find("origin-info").unwrap_or_default(),
    };
    let written = hex::encode(challenge.to_bytes().unwrap());
    same("challenge", &written, case.text("token-challenge"))?;
    let nonce = bytes(case.text("nonce")).try_into().unwrap();
    let input = TokenInput::new(&nonce, &challenge.digest().unwrap(), &key);
    let mut factor = bytes(case.text("blind"));
    factor.reverse(); // the number is drawn low digits first
    let mut drawn = Fixed(vec![factor, bytes(case.text("salt"))]);
    let (blinded, inverse) = blind(&key, input.as_bytes(), &mut drawn).map_err(reason)?;
    same("blinded", &hex::encode(blinded.as_bytes()), case.text("blinded-msg"))?;
    let signed = secret.blind_sign(&blinded, &mut Fixed(Vec::new())).map_err(reason)?;
    same("response", &hex::encode(signed), case.text("token-response"))?;
    let signature = finalize(&key, input.as_bytes(), &inverse, &signed).map_err(reason)?;
    same("token", &hex::encode([&input.as_bytes()[..], &signature].concat()), &text(case))
}

/// RFC 9474, appendix A.3: a key of 4,096 bits, so the crate below us is asked.
fn rfc9474(case: &Case) -> Result<(), String> {
    use blind_rsa_signatures::{
        BlindMessage, BlindSignature, BlindingResult, PublicKeySha384PSSDeterministic, Secret,
        reexports::rsa::{BoxedUint, RsaPublicKey},
    };

    let n = BoxedUint::from_be_slice_vartime(&bytes(case.text("n")));
    let public = RsaPublicKey::new(n, BoxedUint::from(65_537_u32)).unwrap();
    let public = PublicKeySha384PSSDeterministic::new(public);
    let blinding = BlindingResult {
        blind_message: BlindMessage(bytes(case.text("blinded-msg"))),
        secret: Secret(bytes(case.text("inv"))),
        msg_randomizer: None,
    };
    let signature = BlindSignature(bytes(case.text("blind-sig")));
    let signature = public.finalize(&signature, &blinding, bytes(case.text("msg")));
    same("signature", &hex::encode(&signature.map_err(reason)?[..]), &text(case))
}

/// Gives what was laid ready, last first; then a counter.
struct Fixed(Vec<Vec<u8>>);

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        0x0102_0304
    }

    fn next_u64(&mut self) -> u64 {
        0x0102_0304_0506_0708
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        match self.0.pop() {
            Some(ready) => to.copy_from_slice(&ready),
            None => to.fill(7),
        }
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Fixed {}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bytes.try_into().unwrap())
}

fn hexes(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    parts.into_iter().map(hex::encode).collect::<Vec<_>>().join(" ")
}

fn body(case: &Case) -> Vec<u8> {
    bytes(&text(case))
}

fn text(case: &Case) -> String {
    String::from_utf8(case.body.clone()).unwrap()
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

fn reason(error: impl std::fmt::Display) -> String {
    error.to_string()
}
