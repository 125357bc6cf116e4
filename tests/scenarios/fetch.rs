//! Who wants to know what a shop shows to everybody needs its address only: `spec/audit.md#fetching`.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

use besace_audit::Exit;
use besace_e2e::world::{House, World};
use besace_protocol::{time::Timestamp, wire::NOTICES_PATH};
use serde_json::Value;

use crate::restoration::{copy, grow, head, restore, swap};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// How `besace-audit fetch` ends, its report, and what else it says.
async fn fetched(
    world: &World,
    house: &House,
    at: SocketAddr,
    folder: &str,
) -> (Exit, Value, String) {
    let folder: PathBuf = world.folder.path().join(folder);
    let arguments: [OsString; 7] = [
        "besace-audit".into(),
        "fetch".into(),
        format!("https://{}", house.domain.as_str()).into(),
        folder.into(),
        "--at".into(),
        at.to_string().into(),
        "--json".into(),
    ];
    let now = world.clock.now();
    let run = move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = besace_audit::run(arguments, now, &mut out, &mut err);
        let report = serde_json::from_slice(&out).unwrap_or_default();
        (exit, report, String::from_utf8(err).unwrap())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// How often an assertion was checked.
fn checked(report: &Value, id: &str) -> u64 {
    let all = report["held"].as_array().unwrap();
    let one = all.iter().find(|one| one["assertion"] == id);
    one.map_or(0, |one| one["checked"].as_u64().unwrap())
}

fn findings(report: &Value) -> Vec<(&str, &str)> {
    let all = report["findings"].as_array().unwrap().iter();
    all.map(|one| (one["assertion"].as_str().unwrap(), one["file"].as_str().unwrap())).collect()
}

/// Stands before a gateway and answers for it where somebody asks for a notice, but for the first ones.
fn instead_of_notices(gateway: SocketAddr, mut spared: usize, answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = caller.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if caller.read(&mut byte).unwrap() == 0 {
                    break;
                }
                asked.extend(byte);
            }
            if String::from_utf8_lossy(&asked).contains(NOTICES_PATH) {
                if spared == 0 {
                    caller.write_all(answer).unwrap();
                    continue;
                }
                spared -= 1;
            }
            let mut behind = TcpStream::connect(gateway).unwrap();
            behind.write_all(&asked).unwrap();
            std::io::copy(&mut behind, &mut caller).unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_visit_opens_what_a_gateway_shows_and_the_next_keeps_it() {
    let world = World::start(MORNING, false).await.unwrap();
    let lumen = &world.lumen;
    let (exit, report, said) = fetched(&world, lumen, lumen.address, "first").await;
    assert_eq!(exit, Exit::Holds, "{said}{report:#}");
    let asked = lumen.lock().open_requests(MORNING).unwrap().requests.len();
    // Manifest, catalogue and requests; each of these with its notice.
    assert_eq!(report["logs"][0]["opened"], asked + 2, "{report:#}");
    assert!(asked > 0 && checked(&report, "G4") == u64::try_from(asked).unwrap(), "{report:#}");
    assert!(checked(&report, "G1") > 0 && checked(&report, "L7") > 0);
    // Another catalogue takes the place of the one that was opened, and both stay open.
    grow(lumen, 300);
    let (exit, report, said) = fetched(&world, lumen, lumen.address, "first").await;
    assert_eq!(exit, Exit::Holds, "{said}{report:#}");
    assert_eq!(report["logs"][0]["opened"], asked + 3, "{report:#}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_nobody_is_given_is_found_and_another_one_is_not_taken() {
    let world = World::start(MORNING, false).await.unwrap();
    let lumen = &world.lumen;
    let asked = lumen.lock().open_requests(MORNING).unwrap().requests.len();
    let none = instead_of_notices(
        lumen.address,
        1,
        b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    );
    let (exit, report, said) = fetched(&world, lumen, none, "none").await;
    assert_eq!(exit, Exit::Findings, "{said}{report:#}");
    let found = findings(&report);
    assert!(found.iter().all(|(id, at)| *id == "G4" && at.starts_with("documents/")), "{found:?}");
    assert!(found.len() + 1 == asked && checked(&report, "G4") == 0, "{report:#}");
    let other =
        instead_of_notices(lumen.address, 0, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let (exit, _, said) = fetched(&world, lumen, other, "other").await;
    assert!(exit == Exit::NotChecked && said.contains("is not what should stand there"), "{said}");
    assert!(!world.folder.path().join("other").exists(), "nothing is written");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_after_a_loss_is_opened_where_it_begins() {
    let world = World::start(MORNING, false).await.unwrap();
    let lumen = &world.lumen;
    let copied = copy(lumen, "copy.db");
    grow(lumen, 3);
    let last = head(lumen);
    let noon = MORNING.plus(4 * 3_600);
    world.clock.reach(noon);
    drop(swap(lumen, restore(&copied, Some(&last), noon, 1)));
    let (exit, report, said) = fetched(&world, lumen, lumen.address, "second").await;
    assert_eq!(exit, Exit::Holds, "{said}{report:#}");
    assert!(report["logs"][0]["origin"].as_str().unwrap().ends_with("/besace/2"), "{report:#}");
    assert!(checked(&report, "S3") > 0, "{report:#}");
    world.close().await;
}
