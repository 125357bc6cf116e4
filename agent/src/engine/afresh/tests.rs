use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

#[test]
fn the_wait_is_from_one_to_seven_days_and_hardly_ever_the_same() {
    let waits: BTreeSet<u64> =
        (0..1_000).map(|seed| wait(&mut StdRng::seed_from_u64(seed))).collect();
    assert!(waits.iter().all(|wait| (DAY_SECONDS..=7 * DAY_SECONDS).contains(wait)));
    assert!(waits.len() > 990, "to the second");
    let [first, last] = [waits.first(), waits.last()].map(|wait| *wait.unwrap());
    assert!(first < 2 * DAY_SECONDS && last > 6 * DAY_SECONDS);
}
