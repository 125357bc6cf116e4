//! Which words may stand where.

use super::source::{Source, has_word};

/// Words that may stand only in some files.
pub struct Fence {
    pub rule: &'static str,
    words: &'static [&'static str],
    /// The files that the rule looks at.
    looks_at: fn(&Source) -> bool,
    /// Among them, where the words may stand.
    allowed: fn(&str) -> bool,
    /// A file that breaks the rule once.
    pub planted: (&'static str, &'static str),
    /// A file that looks like it and does not.
    pub innocent: (&'static str, &'static str),
}

impl Fence {
    /// One line for each breach: where, and which rule.
    pub fn breaches(&self, sources: &[Source]) -> Vec<String> {
        let mut breaches = Vec::new();
        for source in sources.iter().filter(|s| (self.looks_at)(s) && !(self.allowed)(&s.path)) {
            for (number, line) in source.code() {
                if self.words.iter().any(|word| has_word(line, word)) {
                    breaches.push(format!("{}:{number}: {}: {line}", source.path, self.rule));
                }
            }
        }
        breaches
    }
}

fn protocol(source: &Source) -> bool {
    source.path.starts_with("protocol/src/")
}

/// What ships: not the tests, not the crate made of them.
fn product(source: &Source) -> bool {
    !source.is_test()
}

fn everything(_: &Source) -> bool {
    true
}

fn nowhere(_: &str) -> bool {
    false
}

/// Whether `path` is the module `module` (`name.rs` or below `name/`) of one of our crates.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn is_in_one_of(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| is_in(path, module))
}

fn has_module(path: &str, name: &str) -> bool {
    path.split('/').any(|part| part == name || part.strip_suffix(".rs") == Some(name))
}

pub const FENCES: &[Fence] = &[
    Fence {
        rule: "protocol reads no clock, no entropy, no file, no socket",
        words: &[
            "std",
            "OsRng",
            "getrandom",
            "DefaultRng",
            "thread_rng",
            "from_entropy",
            "SystemTime",
            "Instant",
        ],
        looks_at: |source| protocol(source) && product(source),
        allowed: nowhere,
        planted: (
            "protocol/src/time.rs",
            "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nfn now() { SystemTime::now(); }\n",
        ),
        innocent: ("protocol/src/time.rs", "#[cfg(test)]\nextern crate std;\n// SystemTime\n"),
    },
    Fence {
        rule: "only crypto names a primitive",
        words: &[
            "aes",
            "blind_rsa_signatures",
            "ed25519_dalek",
            "hkdf",
            "hmac",
            "hpke",
            "rsa",
            "secrecy",
            "sha2",
            "x25519_dalek",
            "expose_secret",
        ],
        looks_at: |source| protocol(source) && product(source),
        allowed: |path| is_in(path, "protocol/src/crypto"),
        planted: ("protocol/src/log.rs", "use sha2::Sha256;\n"),
        innocent: ("protocol/src/crypto/sign.rs", "use ed25519_dalek::Signer;\n"),
    },
    Fence {
        rule: "labels stand in one enum",
        words: &[
            "\"besace keys",
            "\"besace log",
            "\"besace presence",
            "\"besace offers",
            "\"besace consent",
            "\"besace seal",
            "\"besace vault",
            "\"besace voucher",
            "\"besace http",
        ],
        looks_at: product,
        allowed: |path| path == "protocol/src/crypto/label.rs",
        planted: ("agent/src/keyring.rs", "let info = b\"besace keys/v1 mine\";\n"),
        innocent: ("agent/src/cli.rs", "let name = \"besace\";\n"),
    },
    Fence {
        rule: "the programs read the clock and entropy in one file each",
        words: &["SystemTime", "OsRng", "thread_rng", "from_entropy", "getrandom", "Zoned::now"],
        looks_at: product,
        allowed: |path| path.ends_with("/clock.rs") || path.ends_with("/entropy.rs"),
        planted: ("agent/src/engine.rs", "let rng = &mut OsRng;\n"),
        innocent: ("agent/src/entropy.rs", "let rng = OsRng;\n"),
    },
    Fence {
        rule: "SQL stands in the vault, the host and the store",
        words: &["rusqlite", "tokio_postgres"],
        looks_at: product,
        allowed: |path| {
            is_in_one_of(path, &["agent/src/vault", "agent/src/host", "retailer-sdk/src/store"])
        },
        planted: ("agent/src/engine.rs", "use rusqlite::params;\n"),
        innocent: ("agent/src/vault/wish.rs", "use rusqlite::params;\n"),
    },
    Fence {
        rule: "HTTP status codes stand under http",
        words: &["StatusCode"],
        looks_at: product,
        allowed: |path| has_module(path, "http"),
        planted: ("agent/src/engine/consent.rs", "use actix_web::http::StatusCode;\n"),
        innocent: ("retailer-sdk/gateway/src/http/problem.rs", "StatusCode::CONFLICT\n"),
    },
    Fence {
        rule: "an address is a row of the table in http/routes.rs, never one more line of the server",
        words: &[
            "web::resource",
            "web::scope",
            "Resource::new",
            "Scope::new",
            ".service",
            "#[get",
            "#[post",
        ],
        looks_at: product,
        allowed: |path| path.ends_with("/http/routes.rs"),
        planted: (
            "agent/src/http/vouchers.rs",
            "config.route(\"/vouchers\", web::get()).service(web::resource(\"/x\"));\n",
        ),
        innocent: ("agent/src/http/routes.rs", "config.service(web::resource(route.path));\n"),
    },
    Fence {
        rule: "the outside world is reached through net",
        words: &[
            "reqwest",
            "lettre",
            "rumqttc",
            "object_store",
            "hyper",
            "ureq",
            "awc",
            "TcpStream",
            "UdpSocket",
        ],
        looks_at: product,
        allowed: |path| {
            is_in_one_of(
                path,
                &["agent/src/net", "protocol/auditor/src/net", "retailer-sdk/gateway/src/net"],
            )
        },
        planted: ("agent/src/engine.rs", "reqwest::get(address).await;\n"),
        innocent: ("agent/src/net/public.rs", "use reqwest::Client;\n"),
    },
    Fence {
        rule: "only cli/output.rs prints",
        words: &["println!", "print!", "eprintln!", "eprint!", "dbg!"],
        looks_at: product,
        allowed: |path| path.ends_with("/cli/output.rs"),
        planted: ("retailer-sdk/src/lib.rs", "println!(\"{grant:?}\");\n"),
        innocent: ("agent/src/cli/output.rs", "println!(\"{text}\");\n"),
    },
    Fence {
        rule: "anyhow stands in main.rs, cli and tests",
        words: &["anyhow"],
        looks_at: product,
        allowed: |path| path.ends_with("/main.rs") || has_module(path, "cli"),
        planted: ("agent/src/engine.rs", "fn give() -> anyhow::Result<()> {\n"),
        innocent: ("agent/src/cli/consent.rs", "fn list() -> anyhow::Result<()> {\n"),
    },
    Fence {
        rule: "nothing is unsafe",
        words: &["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"],
        looks_at: everything,
        allowed: |path| path.starts_with("tests/scenarios/architecture"),
        planted: ("tests/src/lib.rs", "let x = unsafe { *p };\n"),
        innocent: ("protocol/src/lib.rs", "#![forbid(unsafe_code)]\n"),
    },
    Fence {
        rule: "nothing of ours is imported by a glob",
        words: &["crate::*", "super::*", "self::*"],
        looks_at: product,
        allowed: nowhere,
        planted: ("agent/src/engine.rs", "use super::*;\n"),
        innocent: (
            "agent/src/engine.rs",
            "use std::io;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n",
        ),
    },
    Fence {
        rule: "tests neither sleep nor are ignored",
        words: &["#[ignore", "thread::sleep"],
        looks_at: everything,
        allowed: |path| path.starts_with("tests/scenarios/architecture"),
        planted: ("tests/scenarios/visit.rs", "std::thread::sleep(second);\n"),
        innocent: ("tests/scenarios/visit.rs", "// no thread::sleep here\n"),
    },
];
