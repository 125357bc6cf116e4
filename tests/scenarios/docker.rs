//! What the images, the compose file and the systemd units start is what the programs understand.
//!
//! Each command line that stands there is given to the program with `--help` behind it, and each
//! variable that is set there must be one that the program's help names.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_agent::{
    cli::{Console, run_on},
    clock::SystemClock,
    entropy::SystemEntropy,
};
use clap::{CommandFactory as _, Parser as _};

/// A command line, the variables set beside it, and the file both stand in.
#[derive(Debug)]
struct Start {
    file: PathBuf,
    words: Vec<String>,
    variables: Vec<String>,
}

#[test]
fn whatever_is_started_is_understood() {
    let starts = all_starts();
    assert!(starts.len() >= 7, "{starts:#?}");
    let faults: Vec<String> = starts.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_command_that_is_not_understood_is_seen() {
    let start = |words: &str, variables: &[&str]| Start {
        file: PathBuf::from("planted"),
        words: words.split(' ').map(str::to_owned).collect(),
        variables: variables.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (words, variables, is_understood) in [
        ("/usr/bin/besace serve", &["BESACE_VAULT"][..], true),
        ("/usr/bin/besace serve --no-such-flag", &[], false),
        ("/usr/bin/besace no-such-command", &[], false),
        ("/usr/bin/besace serve", &["BESACE_VALUT"], false),
        ("/usr/bin/besace-gateway serve", &["BESACE_GATEWAY_FOLDER"], true),
        ("/usr/bin/besace-gateway serve --listen-anywhere", &[], false),
        ("/usr/bin/besace-gateway serve", &["BESACE_VAULT"], false),
        ("/bin/sh -c besace", &[], false),
    ] {
        let fault = fault(&start(words, variables));
        assert_eq!(fault.is_none(), is_understood, "{words} {variables:?}: {fault:?}");
    }
}

#[test]
fn what_says_that_a_store_was_put_back_is_kept_apart_from_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docker");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let image = read("gateway.Dockerfile");
    assert!(image.contains(" BESACE_GATEWAY_MARKS=/marks "));
    assert_eq!(image.matches(" /empty /marks\n").count(), 2, "its user may write there");
    let compose = read("compose.yaml");
    assert!(compose.contains("- shop:/gateway\n") && compose.contains("- marks:/marks\n"));
    let unit = read("systemd/besace-gateway.service");
    assert!(unit.contains(" BESACE_GATEWAY_MARKS=%S/besace-gateway-marks "));
    assert!(unit.contains("StateDirectory=besace-gateway besace-gateway-marks\n"));
}

fn fault(start: &Start) -> Option<String> {
    let Start { file, words, variables } = start;
    let (program, arguments) = words.split_first().expect("a program");
    let help = match program.rsplit('/').next().unwrap_or_default() {
        "besace" => help_of_besace(arguments),
        "besace-gateway" => help_of_the_gateway(arguments),
        _ => Err("not a program of ours".to_owned()),
    };
    match help {
        Err(error) => Some(format!("{}: {words:?}: {error}", file.display())),
        Ok(help) => variables
            .iter()
            .find(|name| !help.contains(&format!("[env: {name}=")))
            .map(|name| format!("{}: {words:?} does not know {name}", file.display())),
    }
}

fn help_of_besace(arguments: &[String]) -> Result<String, String> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = Console { out: &mut out, err: &mut err };
    let line = line("besace", arguments);
    let status = run_on(line, Arc::new(SystemClock), Arc::new(SystemEntropy), console);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if status == 0 { Ok(text(out)) } else { Err(text(err)) }
}

fn help_of_the_gateway(arguments: &[String]) -> Result<String, String> {
    use besace_gateway::cli::Arguments;
    Arguments::command().debug_assert();
    let help = Arguments::try_parse_from(line("besace-gateway", arguments)).unwrap_err();
    if help.use_stderr() { Err(help.to_string()) } else { Ok(help.to_string()) }
}

fn line(program: &str, arguments: &[String]) -> Vec<OsString> {
    [program]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .chain(["--help"])
        .map(OsString::from)
        .collect()
}

fn all_starts() -> Vec<Start> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docker");
    let read = |name: &str| {
        let file = folder.join(name);
        (std::fs::read_to_string(&file).unwrap(), file)
    };
    let mut starts = Vec::new();
    for (name, service) in [("agent.Dockerfile", "shopper"), ("gateway.Dockerfile", "shop")] {
        let (text, file) = read(name);
        let entry = array(&text, "ENTRYPOINT ").expect("an entry point");
        let variables = variables(&text, "ENV ");
        let mut start = |file: &PathBuf, words| {
            starts.push(Start { file: file.clone(), words, variables: variables.clone() });
        };
        let started = |arguments: Vec<String>| [entry.clone(), arguments].concat();
        start(&file, started(array(&text, "\nCMD ").expect("arguments")));
        // A health check is given the same variables, of which it reads the address.
        start(&file, array(&text, " CMD ").expect("a health check"));
        let (compose, file) = read("compose.yaml");
        let (_, service) = compose.split_once(&format!("\n  {service}:\n")).expect("a service");
        let service = service.split("\n\n").next().unwrap_or_default();
        if let Some(arguments) = array(service, "command: ") {
            start(&file, started(arguments));
        }
    }
    for name in ["besace.service", "besace-gateway.service"] {
        let (text, file) = read(&format!("systemd/{name}"));
        let variables = variables(&text, "Environment=");
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=")) {
            let words = line.split(' ').map(str::to_owned).collect();
            starts.push(Start { file: file.clone(), words, variables: variables.clone() });
        }
    }
    starts
}

/// The first JSON array of strings behind `key`.
fn array(text: &str, key: &str) -> Option<Vec<String>> {
    let mut rest = text.match_indices(key).map(|(at, _)| &text[at + key.len()..]);
    rest.find_map(|rest| serde_json::from_str(rest.lines().next()?).ok())
}

/// The names that lines beginning with `key` set.
fn variables(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(key));
    let pairs = lines.flat_map(|line| line.split(' '));
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect()
}
