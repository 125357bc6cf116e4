//! How the program ends.
#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

#[test]
fn a_person_or_a_supervisor_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let besace = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_besace"));
        command.env("BESACE_PASSPHRASE", "soleil de minuit").env_remove("RUST_LOG");
        command.env("BESACE_MARK", "none");
        command.arg("--vault").arg(folder.path()).args(arguments);
        command
    };
    assert!(besace(&["init", "--smallest-kdf"]).output().unwrap().status.success());
    for signal in ["-INT", "-TERM"] {
        let mut serve = besace(&["serve", "--listen", "127.0.0.1:0"]);
        let mut server = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("http://127.0.0.1:"), "{line}");
        let told = Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
        assert!(told.success());
        said.read_to_string(&mut line).unwrap();
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!folder.path().join("vault.db-wal").exists(), "{signal}: the vault was closed");
    }
}
