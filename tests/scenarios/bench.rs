//! Every benchmark runs in its quick form and prints what it must. What the figures are is not judged.

use std::process::Command;

use serde_json::{Map, Value};

#[test]
fn bench_resolver_prints_figures() {
    let figures = quick("resolver");
    for name in [
        "cpu_seconds_per_epoch",
        "peak_rss_bytes",
        "hit_nanoseconds",
        "miss_nanoseconds",
        "random_read_nanoseconds",
        "ratio_to_trial_resolution",
    ] {
        assert!(figures[name].as_f64().is_some_and(|number| number > 0.0), "{name}");
    }
    assert_eq!(figures["hits_of_strangers_count"], 0);
    assert_eq!(figures["sizes"].as_array().map(Vec::len), Some(2));
}

#[test]
fn bench_matching_prints_figures() {
    let figures = quick("matching");
    assert_eq!(figures["offers_count"], 10_000);
    assert!(figures["linear_milliseconds"].as_f64().is_some_and(|number| number > 0.0));
    assert!(figures["matches_count_median"].as_f64().is_some_and(|number| number > 0.0));
}

#[test]
fn bench_log_prints_figures() {
    let figures = quick("log");
    for name in [
        "durable_events_per_second",
        "single_writer_events_per_second",
        "ratio_to_append_and_fdatasync",
        "proof_bytes",
    ] {
        assert!(figures[name].as_f64().is_some_and(|number| number > 0.0), "{name}");
    }
}

#[test]
fn bench_vault_prints_figures_and_reads_what_it_wrote() {
    let figures = quick("vault");
    assert_eq!(figures["fixes_count"], 2_000);
    for name in [
        "insert_one_by_one_ratio_to_plain_sqlite",
        "insert_in_batches_ratio_to_plain_sqlite",
        "import_ratio_to_plain_sqlite",
        "import_ratio_to_sqlcipher_alone",
        "read_a_day_ratio_to_plain_sqlite",
        "read_all_ratio_to_plain_sqlite",
        "open_with_raw_key_milliseconds",
        "open_empty_with_raw_key_milliseconds",
        "open_to_first_row_ratio_to_plain_sqlite",
        "unlock_to_first_page_milliseconds",
        "unlock_to_first_page_without_argon2id_milliseconds",
        "unlock_to_first_page_without_argon2id_ratio_to_plain_sqlite",
    ] {
        assert!(figures[name].as_f64().is_some_and(|number| number > 0.0), "{name}");
    }
}

#[test]
fn bench_voucher_prints_figures() {
    let figures = quick("voucher");
    assert!(figures["ratio_to_ed25519_verify"].as_f64().is_some_and(|number| number > 0.0));
    assert_eq!(figures["presentation_bytes"], 355);
    assert_eq!(figures["qr_version"], 12);
}

#[test]
fn bench_audit_prints_figures_and_everything_holds() {
    let figures = quick("audit");
    assert_eq!(figures["events"], 20_000);
    assert_eq!(figures["grants_count"], 400);
    for name in
        ["seconds", "peak_rss_bytes", "sha256_seconds", "ratio_to_sha256", "cpu_ratio_to_wall"]
    {
        assert!(figures[name].as_f64().is_some_and(|number| number > 0.0), "{name}");
    }
    // Whatever is asked of it: a million entries take less than half of that.
    let peak = figures["peak_rss_bytes"].as_u64();
    assert!(peak.is_some_and(|bytes| bytes < 64 << 20), "{peak:?}");
}

#[test]
fn bench_crash_loses_nothing() {
    let figures = quick("crash");
    for name in ["kill_points", "power_loss_states", "disk_full_points"] {
        assert!(figures[name].as_u64().is_some_and(|number| number > 0), "{name}");
    }
    for name in ["acknowledged_lost", "corrupt", "dishonest_errors"] {
        assert_eq!(figures[name], 0, "{name}: {figures:?}");
    }
}

#[test]
fn a_name_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).arg("everything").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The one JSON object that `bench NAME --quick --json` prints.
fn quick(name: &str) -> Map<String, Value> {
    let bench = env!("CARGO_BIN_EXE_bench");
    let output = Command::new(bench).args([name, "--quick", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let Value::Object(figures) = printed else { panic!("{printed}") };
    assert_eq!(figures["run"]["name"], name);
    assert_eq!(figures["run"]["quick"], true);
    check(&figures);
    figures
}

/// Every number has its unit in its name, and is a number.
fn check(figures: &Map<String, Value>) {
    for (name, value) in figures {
        match value {
            Value::Number(_) => assert!(has_unit(name), "{name} has no unit"),
            Value::Object(inner) => check(inner),
            Value::Array(rows) => rows.iter().filter_map(Value::as_object).for_each(check),
            Value::String(_) | Value::Bool(_) => {}
            Value::Null => panic!("{name} is no number"),
        }
    }
}

fn has_unit(name: &str) -> bool {
    const UNITS: [&str; 8] = [
        "bytes",
        "count",
        "microseconds",
        "milliseconds",
        "nanoseconds",
        "per_second",
        "ratio",
        "seconds",
    ];
    // What `crash` and `audit` count is named by what is counted.
    const COUNTED: [&str; 8] = [
        "acknowledged_lost",
        "corrupt",
        "dishonest_errors",
        "disk_full_points",
        "events",
        "kill_points",
        "kill_points_at_commits",
        "power_loss_states",
    ];
    COUNTED.contains(&name)
        || UNITS.iter().any(|unit| name.contains(unit))
        || name.contains("_version")
}
