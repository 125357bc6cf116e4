//! Throws bytes at the parser that `BESACE_PARSER` names.
#![no_main]

use std::sync::LazyLock;

use besace_fuzz::parsers::{self, Parser};
use libfuzzer_sys::fuzz_target;

static PARSER: LazyLock<&Parser> = LazyLock::new(|| {
    let name = std::env::var("BESACE_PARSER").expect("BESACE_PARSER names a parser");
    parsers::find(&name).expect("there is a parser of this name")
});

fuzz_target!(|bytes: &[u8]| {
    PARSER.reads(bytes);
});
