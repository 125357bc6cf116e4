//! The project's files as texts, and the part of them that is not a test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One file, named from the top of the project.
#[derive(Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Every Rust file of the project.
    pub fn all() -> Vec<Self> {
        let names = names().into_iter().filter(|name| has_extension(name, "rs"));
        names.map(Self::read).collect()
    }

    /// The file of this name. What is not text reads as nothing.
    pub fn read(name: String) -> Self {
        let text = fs::read(root().join(&name)).map(String::from_utf8).unwrap();
        Self { path: name, text: text.unwrap_or_default() }
    }

    /// Whether the whole file is a test.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// Lines of code with their numbers: no comments, and nothing that only tests compile.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let mut lines = Vec::new();
        let mut only_in_tests = false;
        let mut test_block_ends: Option<String> = None;
        for (index, line) in self.text.lines().enumerate() {
            let bare = line.trim_start();
            let indent = &line[..line.len() - bare.len()];
            if let Some(end) = &test_block_ends {
                if line == end {
                    test_block_ends = None;
                }
                continue;
            }
            if only_in_tests && bare.ends_with('{') {
                // The formatter puts the end of a block where its beginning stands.
                test_block_ends = Some(format!("{indent}}}"));
                only_in_tests = false;
                continue;
            }
            let skipped = only_in_tests || bare.starts_with("//");
            only_in_tests = bare == "#[cfg(test)]" || (only_in_tests && bare.starts_with("#["));
            if !skipped {
                lines.push((index + 1, line));
            }
        }
        lines
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The names of all files that are, or are about to be, under version control.
pub fn names() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "`git ls-files` failed");
    let names = String::from_utf8(listed.stdout).unwrap();
    let there = |name: &&str| !name.is_empty() && root().join(name).is_file();
    names.split('\0').filter(there).map(str::to_owned).collect()
}

pub fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

/// Whether `line` has `word` with nothing of an identifier on either side.
pub fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(inside) || !before.is_some_and(inside);
        let ends = !word.ends_with(inside) || !after.is_some_and(inside);
        starts && ends
    })
}
