//! Labels, derivations, key names, signatures, sealed messages; `figure` says which. Figures of RFCs
//! stand beside ours, so that a reader can tell a wrong primitive from a wrong use of it.

use besace_protocol::{
    crypto::{
        Label, Sealed, SealingPublicKey, SealingSecretKey, SecretBytes, Signature, SigningKey,
        VerifyingKey, aes128_block,
    },
    encoding::Bytes,
    id::{Generation, LogId, MandateId},
    keys::{Facet, RootKey},
    party::ControllerId,
};
use hpke::{
    Deserializable as _, Kem, OpModeR, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.text("figure") {
        "label" => label(case),
        "derived" => derived(case),
        "verifying-key" => verifying_key(case),
        "sealing-key" => sealing_key(case),
        "signature" => signature(case),
        "hkdf-sha256" => hkdf_sha256(case),
        "aes128" => aes128(case),
        "hpke-auth" => hpke_auth(case),
        "sealed" => sealed(case),
        other => panic!("unknown figure {other}"),
    }
}

fn bytes(case: &Case, key: &str) -> Vec<u8> {
    hex::decode(case.text(key)).unwrap()
}

fn secret<const N: usize>(case: &Case, key: &str) -> SecretBytes<N> {
    SecretBytes::init_with(|to| to.copy_from_slice(&bytes(case, key)))
}

fn same_bytes(what: &str, ours: &[u8], case: &Case, key: &str) -> Result<(), String> {
    same(what, &hex::encode(ours), case.text(key))
}

fn same_body(ours: &[u8], case: &Case) -> Result<(), String> {
    same("plaintext", &hex::encode(ours), &hex::encode(&case.body))
}

fn label(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).unwrap();
    let label = Label::ALL.iter().find(|label| label.as_str() == text).ok_or("no such label")?;
    same_bytes("label", &label.to_bytes(), case, "bytes")
}

fn derived(case: &Case) -> Result<(), String> {
    let root = RootKey::init_with(|to| to.copy_from_slice(&bytes(case, "root")));
    let log = || LogId::parse(case.text("log")).unwrap();
    let domain = || ControllerId::parse(case.text("domain")).unwrap();
    let facet = || Facet(case.text("facet").parse().unwrap());
    let generation = || Generation::parse(case.text("generation")).unwrap();
    let pairwise = || root.pairwise(&domain(), facet(), &generation());
    let signs = |key: &SigningKey| {
        same_bytes("secret", key.danger_seed().danger_expose(), case, "secret")?;
        same("public key", &key.verifying_key().to_string(), case.text("public"))
    };
    let opens = |key: &SealingSecretKey| {
        same_bytes("secret", key.danger_bytes().danger_expose(), case, "secret")?;
        same("public key", &key.public_key().to_string(), case.text("public"))
    };
    match case.text("what") {
        "vault key" => same_bytes("secret", root.vault_key().danger_expose(), case, "secret"),
        "slot seal" => same_bytes("secret", root.slot_seal_key().danger_expose(), case, "secret"),
        "inbox" => opens(&SealingSecretKey::from_bytes(root.inbox_key())),
        "inbox salt" => same_bytes("secret", &root.inbox_salt(), case, "secret"),
        "inbox filler" => {
            let number = case.text("number").parse().unwrap();
            same_bytes("secret", &root.inbox_filler(number), case, "secret")
        }
        "vault log" => signs(&root.vault_log_key(&log())),
        "mandate signing" => {
            signs(&root.mandate_key(&MandateId::parse(case.text("mandate")).unwrap()))
        }
        "pairwise signing" => signs(&pairwise().signing),
        "pairwise sealing" => opens(&pairwise().sealing),
        "pairwise log" => signs(&root.pairwise_log_key(&domain(), facet(), &generation(), &log())),
        other => panic!("nothing is derived for {other}"),
    }
}

fn verifying_key(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).unwrap();
    let key = VerifyingKey::parse(text).map_err(|e| e.to_string())?;
    same("text", &key.to_string(), text)?;
    same("key id", &key.key_id().to_string(), case.text("key-id"))
}

fn sealing_key(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).unwrap();
    let key = SealingPublicKey::parse(text).map_err(|e| e.to_string())?;
    same("text", &key.to_string(), text)
}

fn signature(case: &Case) -> Result<(), String> {
    let key = VerifyingKey::from_slice(&bytes(case, "public")).map_err(|e| e.to_string())?;
    if case.find("seed").is_some() {
        let signing = SigningKey::from_seed(&secret(case, "seed"));
        same_bytes("public key", signing.verifying_key().as_bytes(), case, "public")?;
        same_bytes("signature", signing.sign(&case.body).as_bytes(), case, "signature")?;
    }
    let signature = Signature::from_slice(&bytes(case, "signature")).ok_or("not 64 bytes")?;
    key.verify(&case.body, &signature).map_err(|e| e.to_string())
}

fn hkdf_sha256(case: &Case) -> Result<(), String> {
    let salt = bytes(case, "salt");
    let hkdf = hkdf::Hkdf::<sha2::Sha256>::new(Some(&salt), &bytes(case, "ikm"));
    let mut output = vec![0; bytes(case, "okm").len()];
    hkdf.expand(&bytes(case, "info"), &mut output).map_err(|e| e.to_string())?;
    same_bytes("output", &output, case, "okm")
}

fn aes128(case: &Case) -> Result<(), String> {
    let block = bytes(case, "block").try_into().unwrap();
    same_bytes("block", &aes128_block(&secret(case, "key"), block), case, "output")
}

fn hpke_auth(case: &Case) -> Result<(), String> {
    let sender = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&bytes(case, "sender")).unwrap();
    let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Auth(sender),
        &<X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes(case, "recipient-secret"))
            .unwrap(),
        &<X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(case, "encapsulated")).unwrap(),
        &bytes(case, "info"),
        &bytes(case, "ciphertext"),
        &bytes(case, "aad"),
    )
    .map_err(|e| e.to_string())?;
    same_body(&plaintext, case)
}

fn sealed(case: &Case) -> Result<(), String> {
    let sealed = Sealed {
        ciphertext: Bytes(bytes(case, "ciphertext")),
        encapsulated: Bytes(bytes(case, "encapsulated")),
    };
    let recipient = SealingSecretKey::from_bytes(secret(case, "recipient-secret"));
    let sender = SealingPublicKey::from_slice(&bytes(case, "sender")).map_err(|e| e.to_string())?;
    let plaintext = sealed
        .open(case.text("context").as_bytes(), &recipient, &sender)
        .map_err(|e| e.to_string())?;
    same_body(&plaintext, case)
}
