//! The crash harness can fail: what is broken on purpose is found. What it says of the vault as it is, in the short
//! form, stands in `bench.rs`.

use std::path::Path;

use besace_e2e::crash::prove;

#[test]
fn what_is_broken_on_purpose_is_found() {
    let proofs = prove(Path::new(env!("CARGO_BIN_EXE_bench"))).unwrap();
    assert_eq!(proofs.len(), 4);
    for (broken, found) in proofs {
        assert!(found > 0, "nothing was found where {broken}");
    }
}
