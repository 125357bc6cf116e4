//! Names of the files in an evidence bundle: the body is the name.

use besace_protocol::audit::BundlePath;

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    let path = BundlePath::parse(text).map_err(|e| e.to_string())?;
    same("name", &path.to_string(), text)
}
