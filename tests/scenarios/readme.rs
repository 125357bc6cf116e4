//! The commands of the README work as they stand there.
//!
//! Some are read differently: `./tests/run` is not run by itself, what a release build makes comes
//! from the dev build, the demo is played without waiting, and home is a folder that goes away.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn the_commands_of_the_readme_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let lines = commands(&readme);
    assert!(lines.len() >= 2, "the README shows how to begin");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--locked", "--quiet"])
        .current_dir(root)
        .status();
    assert!(built.unwrap().success());
    let home = tempfile::tempdir().unwrap();
    for line in lines {
        if let Some(line) = in_the_dev_profile(line) {
            run(&line, root, home.path());
        }
    }
}

#[test]
fn a_command_that_fails_is_seen() {
    assert_eq!(commands("x\n```sh\na\n# b\nc # d\n```\n```json\ne\n```\n"), ["a", "c # d"]);
    let home = tempfile::tempdir().unwrap();
    let failed = std::panic::catch_unwind(|| run("false", home.path(), home.path()));
    assert!(failed.is_err());
}

/// The lines of every `sh` block, without comments.
fn commands(readme: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && !line.starts_with('#') && !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

fn in_the_dev_profile(line: &str) -> Option<String> {
    match line {
        "./tests/run" | "cargo build --release" => None,
        _ if line.starts_with("export PATH=") => None,
        // On a port that is free.
        _ if line.starts_with("besace-gateway") && is_server(line) => {
            Some(line.replace(" serve", " serve --listen 127.0.0.1:0"))
        }
        _ => Some(line.replace("cargo run --release --bin besace-demo", "besace-demo --once")),
    }
}

fn is_server(line: &str) -> bool {
    line.split(" #").next().unwrap().split(' ').any(|word| word == "serve")
}

/// Runs one line; a server is ended as soon as it has said where it listens.
fn run(line: &str, folder: &Path, home: &Path) {
    let programs = Path::new(env!("CARGO_BIN_EXE_besace-demo")).parent().unwrap();
    let path = std::env::join_paths(
        [programs.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let server = is_server(line);
    let script = if server { format!("exec {line}") } else { line.to_owned() };
    let mut child = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("BESACE_PASSPHRASE", "soleil de minuit")
        .env("BESACE_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(if server { Stdio::piped() } else { Stdio::inherit() })
        .spawn()
        .unwrap();
    if server {
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert!(said.contains("http"), "`{line}` says where it listens: {said:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    } else {
        assert!(child.wait().unwrap().success(), "`{line}` failed");
    }
}
