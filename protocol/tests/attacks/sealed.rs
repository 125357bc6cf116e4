//! What travels sealed under a grant, opened as something else.

use besace_protocol::{
    consent::{Release, disclosure_context, mail_context, release_context},
    crypto::{OpenError, Sealed, SealingPublicKey, SealingSecretKey},
    document::{Unverified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, MailId},
    jws::Role,
    presence::{Scope, Till},
    time::Day,
};

use super::{List, NOW, Scene};

type Change = fn(&mut Release);

fn release(scene: &Scene, change: impl FnOnce(&mut Release)) -> Release {
    let grant = scene.grant.payload();
    let scope = Scope::of(&grant.terms.scope);
    let keys = scene.her.presence.day_key(Day::of(NOW), &scope).release(Till::Excluded);
    let mut release = Release {
        commit: keys.commitment(&grant.handle),
        day: Day::of(NOW),
        grant: grant.id,
        handle: grant.handle,
        keys: Bytes(keys.danger_bytes().to_vec()),
        released: NOW,
        v: 1,
    };
    change(&mut release);
    release
}

/// The release of today, sealed for the shop.
fn sealed(scene: &Scene) -> Sealed {
    let signed = sign(release(scene, |_| {}), Role::Subject, &scene.her.keys.signing, NOW).unwrap();
    let grant = scene.grant.payload().id;
    Sealed::seal(
        signed.as_bytes(),
        &release_context(grant, Day::of(NOW)),
        &scene.her.keys.sealing,
        &scene.shop.today.public_key(),
        &mut scene.rng.clone(),
    )
    .unwrap()
}

pub(super) fn holds(scene: &Scene) {
    let context = release_context(scene.grant.payload().id, Day::of(NOW));
    let inside =
        sealed(scene).open(&context, &scene.shop.today, &scene.her.keys.sealing.public_key());
    assert!(Unverified::<Release>::parse(&inside.unwrap()).is_ok());
}

pub(super) fn tries(scene: &Scene, list: &mut List) {
    let whole = sealed(scene);
    let (grant, day) = (scene.grant.payload().id, Day::of(NOW));
    let right = release_context(grant, day);
    let (shop, her) = (&scene.shop.today, scene.her.keys.sealing.public_key());
    let other = GrantId::from_bytes([9; 16]);
    for (name, context) in [
        ("of another grant", release_context(other, day)),
        ("of another day", release_context(grant, day.plus(1))),
        ("as a disclosure", disclosure_context(grant)),
        ("as mail", mail_context(grant, MailId::from_bytes([1; 16]))),
        ("as nothing", Vec::new()),
        ("with a context that is longer", [right.as_slice(), &[0]].concat()),
        ("with a context that is shorter", right[..right.len() - 1].to_vec()),
    ] {
        list.tries(format!("release opened {name}"), "OpenError", whole.open(&context, shop, &her));
    }
    let open = |sealed: &Sealed,
                with: &SealingSecretKey,
                from: &SealingPublicKey|
     -> Result<Vec<u8>, OpenError> { sealed.open(&right, with, from) };
    for (name, attempt) in [
        ("by another retailer", open(&whole, &scene.other.today, &her)),
        ("with a key of another day", open(&whole, &scene.shop.sealing, &her)),
        (
            "as if another pseudonym had sealed it",
            open(&whole, shop, &scene.her_elsewhere.keys.sealing.public_key()),
        ),
        ("as if the shop had sealed it", open(&whole, shop, &scene.shop.sealing.public_key())),
    ] {
        list.tries(format!("release opened {name}"), "OpenError", attempt);
    }
    for (name, at) in [
        ("its first byte", 0),
        ("its middle", whole.ciphertext.0.len() / 2),
        ("its tag", whole.ciphertext.0.len() - 1),
    ] {
        let mut changed = whole.clone();
        changed.ciphertext.0[at] ^= 1;
        list.tries(format!("release changed in {name}"), "OpenError", open(&changed, shop, &her));
    }
    for (name, keep) in
        [("nothing", 0), ("less than a tag", 15), ("all but a byte", whole.ciphertext.0.len() - 1)]
    {
        let mut changed = whole.clone();
        changed.ciphertext.0.truncate(keep);
        list.tries(
            format!("release of which {name} is left"),
            "OpenError",
            open(&changed, shop, &her),
        );
    }
    for (name, key) in [
        ("empty", vec![]),
        ("too short", vec![9; 31]),
        ("too long", vec![9; 33]),
        ("zero", vec![0; 32]),
        ("one", [[1].as_slice(), &[0; 31]].concat()),
        ("her own", her.as_bytes().to_vec()),
        ("the shop's", shop.public_key().as_bytes().to_vec()),
    ] {
        let mut changed = whole.clone();
        changed.encapsulated.0 = key;
        let attempt = open(&changed, shop, &her);
        list.tries(format!("release whose encapsulated key is {name}"), "OpenError", attempt);
    }
    // A retailer that knows only public keys seals something in her name.
    let forged = Sealed::seal(
        b"keys",
        &right,
        &scene.other.sealing,
        &shop.public_key(),
        &mut scene.rng.clone(),
    );
    list.tries("release sealed in her name", "OpenError", open(&forged.unwrap(), shop, &her));

    let cases: [(&str, &str, Change); 7] = [
        ("of another day than it commits to", "Rule(Commitment)", |r| r.day = r.day.plus(1)),
        ("of another handle than it commits to", "Rule(Commitment)", |r| {
            r.handle = Handle::from_bytes([9; 16]);
        }),
        ("of other keys than it commits to", "Rule(Commitment)", |r| r.keys.0[0] ^= 1),
        ("with a till key that it does not commit to", "Rule(Commitment)", |r| {
            r.keys.0.extend([7; 32]);
        }),
        ("without keys", "Rule(Bounds)", |r| r.keys.0.clear()),
        ("with half a key", "Rule(Bounds)", |r| r.keys.0.truncate(47)),
        ("of another version", "Rule(Version)", |r| r.v = 3),
    ];
    for (name, rule, change) in cases {
        let attempt = sign(release(scene, change), Role::Subject, &scene.her.keys.signing, NOW);
        list.tries(format!("release {name}"), rule, attempt);
    }
}
