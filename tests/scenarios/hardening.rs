//! The hardening list, as tables: whatever knocks, and at whichever door.

#[expect(dead_code, unreachable_pub, reason = "the fuzz target uses all of it")]
#[path = "../../protocol/fuzz/src/parsers.rs"]
mod parsers;
#[expect(unreachable_pub, reason = "the fuzz target uses it too")]
#[path = "../../protocol/fuzz/src/seeds.rs"]
mod seeds;

mod doors;
mod reading;
