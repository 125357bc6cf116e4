# What people type. `just --list` shows it.

# Format and lints, in seconds
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# The tests of the workspace
test:
    cargo nextest run --workspace
    cargo test --workspace --doc --quiet

# Everything that must hold
all:
    ./tests/run

# The vectors, recomputed in Python
vectors:
    python3 tests/vectors/check.py

# Bytes thrown at every parser, for so many seconds each (needs cargo-fuzz)
fuzz SECONDS="30" *PARSERS:
    protocol/fuzz/run {{SECONDS}} {{PARSERS}}

# Both programs held against their descriptions by so many requests
openapi REQUESTS="2000":
    tests/openapi/run {{REQUESTS}}

# The story, played
demo:
    cargo run --release --bin besace-demo

# Figures of one part, each beside a yardstick: resolver, matching, log, vault, voucher (tests/BENCH.md)
bench name *arguments:
    cargo run --release -p besace-e2e --bin bench -- {{name}} {{arguments}}

# The documentation, in the browser
doc:
    cargo doc --workspace --no-deps --open
