//! From a visit to a verdict: her witnesses, her evidence, and the auditor's program with the same policy.

use std::{ffi::OsString, fs, path::Path};

use besace_audit::{Exit, run, write_bundle};
use besace_protocol::{
    audit::{Bundle, PinnedController, Policy},
    crypto::{SecretBytes, SigningKey},
    encoding::{from_base64, to_base64},
    log::{Cosignature, WitnessName},
};
use serde_json::Value;

use super::*;

/// What an auditor says of files in `folder` who trusts the keys of `house` and the witnesses of `policy`.
struct Auditor<'a> {
    folder: &'a Path,
    now: Timestamp,
}

impl Auditor<'_> {
    /// How the program ends, and the assertions that it finds broken.
    fn judges(&self, bundle: &Bundle) -> (Exit, Vec<String>) {
        let evidence = self.folder.join("evidence");
        let _none_yet = fs::remove_dir_all(&evidence);
        write_bundle(bundle, &evidence).unwrap();
        let file = |name: &str| self.folder.join(name).into_os_string();
        let (exit, said) = self.says(&[
            evidence.into_os_string(),
            "--policy".into(),
            file("policy.json"),
            "--witnesses".into(),
            file("witnesses"),
            "--json".into(),
        ]);
        let report: Value = serde_json::from_str(&said).unwrap();
        let id = |finding: &Value| finding["assertion"].as_str().unwrap().to_owned();
        (exit, report["findings"].as_array().unwrap().iter().map(id).collect())
    }

    fn says(&self, arguments: &[OsString]) -> (Exit, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let all = [&["besace-audit".into()], arguments].concat();
        let exit = run(all, self.now, &mut out, &mut err);
        (exit, String::from_utf8([out, err].concat()).unwrap())
    }
}

/// `bundle` with another cosigned head.
fn with_head(bundle: &Bundle, name: &str, head: &str) -> Bundle {
    let mut files = bundle.files().clone();
    files.insert(name.to_owned(), head.as_bytes().to_vec());
    Bundle::from(files)
}

/// A head whose line of that witness is another; without it where there is none.
fn with_line(head: &str, witness: &str, line: Option<&str>) -> String {
    let start = format!("\u{2014} {witness} ");
    assert_eq!(head.matches(&start).count(), 1, "{head}");
    let lines = head.lines().filter_map(|old| {
        if old.starts_with(&start) { line.map(str::to_owned) } else { Some(old.to_owned()) }
    });
    lines.map(|line| line + "\n").collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn her_evidence_holds_by_the_policy_of_her_witnesses_and_a_line_less_or_forged_is_named() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    let start = |number| {
        let folder = world.folder.path();
        watching(&world.lumen, folder, &world.clock, number, Manner::Honest)
    };
    let (one, two, silent) = (start(1), start(2), start(3));
    let text = [one.line("a"), two.line("b"), silent.line("c")].concat();
    let text = format!("{text}group g 2 a b c\nquorum g\n");
    let policy = WitnessPolicy::parse(text.as_bytes()).unwrap();
    silent.close().await;
    world.ask_witnesses(&policy).unwrap();
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();

    // She meets the shop under a head that two of three cosigned, gives, and sends keys; the shop goes on.
    let witnesses = asking(policy);
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    clock_on(&world, 60);
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    world.exchange.refresh(&domain).await.unwrap();
    let bundle = world.exchange.evidence(&domain).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let manifest = world.lumen.lock().manifest_document().unwrap();
    let (key, log_key) = (manifest.controller_key, manifest.log_key);
    let pinned = Policy::new(vec![PinnedController {
        domain: domain.clone(),
        key,
        log: besace_protocol::log::LogNumber::FIRST,
        log_key,
    }]);
    fs::write(folder.path().join("policy.json"), pinned.to_bytes().unwrap()).unwrap();
    fs::write(folder.path().join("witnesses"), &text).unwrap();
    let auditor = Auditor { folder: folder.path(), now: world.clock.now() };
    assert_eq!(auditor.judges(&bundle), (Exit::Holds, vec![]));

    let name = format!("logs/{domain}/besace/cosigned");
    let head = String::from_utf8(bundle.files()[&name].clone()).unwrap();
    let broken = (Exit::Findings, vec!["L2".to_owned()]);
    for witness in ["witness.example/w1", "witness.example/w2"] {
        // One line less is one witness too few.
        let less = with_line(&head, witness, None);
        assert_eq!(auditor.judges(&with_head(&bundle, &name, &less)), broken, "{witness}");
        // Its signature, spoiled.
        let start = format!("\u{2014} {witness} ");
        let line = head.lines().find(|line| line.starts_with(&start)).unwrap();
        let mut bytes = from_base64(line.strip_prefix(&start).unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let forged = with_line(&head, witness, Some(&(start.clone() + &to_base64(&bytes))));
        assert_eq!(auditor.judges(&with_head(&bundle, &name, &forged)), broken, "{witness}");
        // Somebody else's, in its name.
        let stranger = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(99)));
        let own = WitnessName::parse(witness).unwrap();
        let signed = UnverifiedCheckpoint::parse(head.as_bytes()).unwrap();
        let signed = signed.verify(&key_of(&world.lumen)).unwrap();
        let line = Cosignature::sign(&signed, &own, &stranger, auditor.now).unwrap().to_string();
        let forged = with_line(&head, witness, Some(line.trim_end()));
        assert_eq!(auditor.judges(&with_head(&bundle, &name, &forged)), broken, "{witness}");
    }
    // Whoever writes a bundle can leave the file out: that is not known, and speaks against nobody.
    let mut files = bundle.files().clone();
    files.remove(&name);
    assert_eq!(auditor.judges(&Bundle::from(files)), (Exit::NotChecked, vec![]));

    // The auditor asks the shop himself, and is shown the same.
    let fetched = folder.path().join("fetched").into_os_string();
    let file = |name: &str| folder.path().join(name).into_os_string();
    let (exit, said) = auditor.says(&[
        "fetch".into(),
        format!("https://{domain}").into(),
        fetched.clone(),
        "--policy".into(),
        file("policy.json"),
        "--at".into(),
        world.lumen.tap.address().to_string().into(),
    ]);
    assert_eq!(exit, Exit::Holds, "{said}");
    let judged = [fetched, "--policy".into(), file("policy.json")];
    let judged = [&judged[..], &["--witnesses".into(), file("witnesses")]].concat();
    let (exit, said) = auditor.says(&judged);
    assert_eq!(exit, Exit::Holds, "{said}");
    world.close().await;
    for witness in [one, two] {
        witness.close().await;
    }
}
