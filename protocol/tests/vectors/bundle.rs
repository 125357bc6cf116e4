//! Names of the files in an evidence bundle: the body is the name. With `kind: openings`, a file of openings.

use besace_protocol::audit::{BundlePath, openings_of, parse_openings};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    match case.find("kind") {
        None => check_name(case),
        Some("openings") => check_openings(case),
        Some(other) => panic!("no kind of case: {other}"),
    }
}

fn check_name(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    let path = BundlePath::parse(text).map_err(|e| e.to_string())?;
    same("name", &path.to_string(), text)
}

fn check_openings(case: &Case) -> Result<(), String> {
    let number = case.text("number").parse().unwrap();
    let openings = parse_openings(number, &case.body).map_err(|e| e.to_string())?;
    assert_eq!(openings_of(number, &openings).unwrap(), case.body, "another spelling");
    let entries: Vec<String> = openings.iter().map(|opening| opening.index.to_string()).collect();
    same("entries", &entries.join(" "), case.text("entries"))
}
