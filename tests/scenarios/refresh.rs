//! `besace retailer refresh` at the command line, with shops that are away and files that are not there.

use besace_e2e::world::World;

use super::heads::{besace_says, lived};

/// What the command line says while the agent's own program is ended.
pub(super) fn says(world: &World, words: &[&str]) -> (u8, String, String) {
    let ways: Vec<String> = [&world.lumen, &world.pont]
        .iter()
        .map(|house| format!("{}=http://{}", house.domain, house.tap.address()))
        .collect();
    let mut line = Vec::new();
    for way in &ways {
        line.extend(["--dev-retailer", way]);
    }
    line.extend(words);
    // The command has a runtime of its own.
    tokio::task::block_in_place(|| besace_says(world, &line))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_away_keeps_no_other_from_what_is_due_there() {
    let (mut world, _grants) = lived().await;
    world.shut_down().unwrap();
    let (status, said, failure) = says(&world, &["retailer", "refresh"]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");

    let shops = [world.lumen.domain.clone(), world.pont.domain.clone()];
    for (away, here) in [(0, 1), (1, 0)] {
        let house = if away == 0 { &world.lumen } else { &world.pont };
        house.close().await;
        let (status, said, failure) = says(&world, &["retailer", "refresh"]);
        assert_eq!(status, 2, "{said}{failure}");
        let line = |domain: &str| said.lines().find(|line| line.starts_with(domain)).unwrap();
        assert!(line(shops[here].as_str()).contains(" offers, "), "{said}");
        assert!(line(shops[away].as_str()).contains("no answer from"), "{said}");
        assert!(failure.starts_with("besace: 1 of 2 failed; the first: "), "{failure}");

        let (_, said, failure) = says(&world, &["--json", "retailer", "refresh"]);
        let told: serde_json::Value = serde_json::from_str(&said).unwrap();
        let of = |domain: &str| {
            let list = told["refreshed"].as_array().unwrap();
            list.iter().find(|one| one["retailer"] == domain).unwrap().clone()
        };
        assert!(of(shops[here].as_str())["offers"].is_u64(), "{said}");
        assert!(of(shops[away].as_str())["error"].is_string(), "{said}");
        let failure: serde_json::Value = serde_json::from_str(&failure).unwrap();
        assert!(failure["error"].as_str().unwrap().starts_with("1 of 2 failed"), "{failure}");

        // Named alone, its failure is the answer.
        let (status, said, failure) = says(&world, &["retailer", "refresh", shops[away].as_str()]);
        assert_eq!((status, said.as_str()), (2, ""), "{failure}");
        assert!(failure.contains("try again later"), "{failure}");
        house.reopen(world.clock.clone()).unwrap();
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn she_takes_back_though_nobody_can_read_who_her_witnesses_are() {
    let (mut world, grants) = lived().await;
    world.shut_down().unwrap();
    let missing = world.folder.path().join("away").join("witnesses");
    let with = |words: &[&str]| {
        let file = missing.to_str().unwrap();
        says(&world, &[&["--witnesses", file], words].concat())
    };
    // What shops publish is not asked for without them.
    let (status, said, failure) = with(&["retailer", "refresh"]);
    assert_eq!((status, said.as_str()), (2, ""), "{failure}");
    assert!(failure.contains("--witnesses"), "{failure}");

    let (status, said, failure) = with(&["consent", "withdraw", &grants[0].to_string()]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");
    let (status, said, failure) = with(&["consent", "list"]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");
    assert!(said.contains("taken back"), "{said}");
    world.close().await;
}
