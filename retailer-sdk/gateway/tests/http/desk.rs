//! Grants that were given over the network and are ended at the desk, with the program that an operator uses.

use std::{
    path::Path,
    process::{Command, Output},
};

use besace_gateway::clock::{Clock as _, SystemClock};
use besace_protocol::{
    consent::{Revocation, RevocationReason},
    id::GrantId,
};

use super::*;

/// A folder as the program makes it, and a gateway that serves it in this process.
struct Desk {
    folder: tempfile::TempDir,
    now: Timestamp,
    keys: [String; 2],
}

const UNBOUNDED: Limits = Limits { calls_per_minute: 0, sightings_per_minute: 0 };

impl Desk {
    /// By the clock of this machine, which the program goes by.
    fn open() -> (Self, World) {
        let (folder, now) = (tempfile::tempdir().unwrap(), SystemClock.now());
        let identity = Identity { domain: domain(), legal: legal(), shops: shops() };
        let config = serde_json::json!({"listen": "127.0.0.1:0", "retailer": identity});
        std::fs::write(folder.path().join("gateway.json"), config.to_string()).unwrap();
        let store = SqliteStore::create(&folder.path().join("gateway.db")).unwrap();
        let world = World::init(UNBOUNDED, store, now);
        let keys = [world.receiver.clone(), world.screen.clone()];
        (Self { folder, now, keys }, world)
    }

    /// Serves again what the folder holds.
    fn reopen(&self) -> World {
        let entropy = Arc::new(SeededEntropy::new(9));
        let mut rng = Rng::new(Arc::<SeededEntropy>::clone(&entropy));
        let store = SqliteStore::open(&self.folder.path().join("gateway.db")).unwrap();
        let retailer = Retailer::open(store, self.now, &mut rng).unwrap();
        World::serve(UNBOUNDED, retailer, self.keys.clone(), self.now, entropy)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        command(Path::new(env!("CARGO_BIN_EXE_besace-gateway")), self, arguments)
    }

    /// On a disk that takes no file longer than 40 KiB: each write beyond is refused.
    fn run_on_a_full_disk(&self, arguments: &[&str]) -> Output {
        let limited = r#"trap "" XFSZ; ulimit -f 80; exec "$0" "$@""#;
        let program = env!("CARGO_BIN_EXE_besace-gateway");
        command(Path::new("sh"), self, &[&["-c", limited, program], arguments].concat())
    }
}

fn command(program: &Path, desk: &Desk, arguments: &[&str]) -> Output {
    Command::new(program)
        .env_remove("RUST_LOG")
        .env("BESACE_GATEWAY_FOLDER", desk.folder.path())
        .env("BESACE_GATEWAY_MARKS", desk.folder.path().join("marks"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The revocations that wait in her mailbox, each as the retailer signed and logged it.
fn revoked(world: &World, shopper: &mut Shopper) -> Vec<(GrantId, RevocationReason)> {
    let manifest = world.manifest();
    let mail: MailCollected = world.call(shopper, wire::MAILBOX_PATH, &CollectMail {}).json();
    let told = mail.revocations.iter().map(|attested| {
        check_attested(attested, &manifest.log_key);
        let signed = Unverified::<Revocation>::parse(&attested.document.0).unwrap();
        let signed = signed.verify(&[(Role::Controller, &manifest.controller_key)]).unwrap();
        (signed.payload().grant, signed.payload().reason)
    });
    told.collect()
}

#[test]
fn a_grant_that_lives_is_ended_at_the_desk_and_each_shopper_hears_why() {
    let (desk, world) = Desk::open();
    let mut shoppers = [Shopper::new(2), Shopper::new(3), Shopper::new(4)];
    let given = shoppers.each_mut().map(|one| world.give(one, Purpose::Recognition));
    let greeting = world.give(&mut shoppers[0], Purpose::StaffGreeting);
    drop(world);

    let one = given[1].id.to_string();
    let end = ["grant", "end", "--grant", &one, "--reason", "security"];
    assert_eq!(said(&desk.run(&end)), "1 to end; --yes ends them\n");
    assert_eq!(said(&desk.run(&[&end[..], &["--yes"]].concat())), "1 ended\n");
    assert_eq!(said(&desk.run(&[&end[..], &["--yes"]].concat())), "0 ended\n", "once is enough");
    let rest = ["grant", "end", "--purpose", "recognition", "--reason", "shop_closed"];
    assert_eq!(said(&desk.run(&rest)), "2 to end; --yes ends them\n");
    assert_eq!(said(&desk.run(&[&rest[..], &["--yes"]].concat())), "2 ended\n");

    let world = desk.reopen();
    let told = shoppers.each_mut().map(|one| revoked(&world, one));
    let reasons =
        [RevocationReason::ShopClosed, RevocationReason::Security, RevocationReason::ShopClosed];
    for ((told, grant), reason) in told.iter().zip(&given).zip(reasons) {
        assert_eq!(*told, [(grant.id, reason)]);
    }
    // Nothing is taken under what ended; what was not named goes on.
    let manifest = world.manifest();
    let body = shoppers[0].release(&given[0], &manifest, Day::of(desk.now), desk.now);
    let late = world.call(&mut shoppers[0], wire::RELEASES_PATH, &body);
    assert_eq!(late.problem(), ProblemType::GrantExpired);
    let body = shoppers[0].disclose(&greeting, &manifest, Some("Nour"), &["jazz"], desk.now);
    assert_eq!(world.call(&mut shoppers[0], wire::DISCLOSURES_PATH, &body).status, 200);
}

#[cfg(unix)]
#[test]
fn on_a_full_disk_nothing_ends_and_the_same_command_ends_it_later() {
    let (desk, world) = Desk::open();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, Purpose::Recognition);
    drop(world);
    let end = ["grant", "end", "--purpose", "recognition", "--reason", "programme_over", "--yes"];
    let full = desk.run_on_a_full_disk(&end);
    assert!(!full.status.success());
    let complaint = String::from_utf8_lossy(&full.stderr);
    assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{complaint}");
    assert!(full.stdout.is_empty(), "nothing is said to have ended");
    let world = desk.reopen();
    assert_eq!(revoked(&world, &mut shopper), []);
    drop(world);
    assert_eq!(said(&desk.run(&end)), "1 ended\n");
    let world = desk.reopen();
    assert_eq!(revoked(&world, &mut shopper), [(grant.id, RevocationReason::ProgrammeOver)]);
}
