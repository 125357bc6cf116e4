//! What a run found: names with their units, numbers that were measured.

use std::{fmt::Write as _, fs, time::SystemTime};

use serde_json::{Map, Value, json};

use super::Part;

/// Figures by name; a name ends in, or contains, its unit.
#[derive(Clone, Debug, Default)]
pub struct Figures(Map<String, Value>);

/// Several runs of the same thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) median: f64,
    pub(super) minimum: f64,
}

impl Sample {
    /// Of at least one value.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], minimum: values[0] }
    }

    /// The same in another unit.
    pub(super) fn times(self, factor: f64) -> Self {
        Self { median: self.median * factor, minimum: self.minimum * factor }
    }
}

impl Figures {
    /// A number, to four significant digits.
    pub(super) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), rounded(value));
    }

    /// A count or a size.
    pub(super) fn count(&mut self, name: &str, value: impl TryInto<u64>) {
        self.0.insert(name.to_owned(), value.try_into().ok().into());
    }

    /// The median under `name`, the minimum beside it.
    pub(super) fn sample(&mut self, name: &str, sample: Sample) {
        self.set(name, sample.median);
        self.set(&format!("{name}_minimum"), sample.minimum);
    }

    /// A number that was set before.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// A sentence that the reader of the figures must know.
    pub(super) fn note(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// The same measures at several sizes.
    pub(super) fn list(&mut self, name: &str, of: Vec<Self>) {
        let of = of.into_iter().map(|figures| Value::Object(figures.0)).collect();
        self.0.insert(name.to_owned(), Value::Array(of));
    }

    /// Takes over all figures of `other`.
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.clone());
    }

    /// What was printed by another process.
    pub(super) fn from_json(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text).map(Self)
    }

    /// What was measured, when and on what.
    pub(super) fn describe(&mut self, part: Part, quick: bool) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let run = json!({
            "cpu_count": std::thread::available_parallelism().map_or(0, usize::from),
            "cpu_model": cpu_model(),
            "name": format!("{part:?}").to_lowercase(),
            "optimised": !cfg!(debug_assertions),
            "peers": cfg!(feature = "peers"),
            "quick": quick,
            "unix_seconds": now.map_or(0, |now| now.as_secs()),
        });
        self.0.insert("run".to_owned(), run);
    }

    /// One JSON object on one line.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// One line for each figure.
    pub fn to_table(&self) -> String {
        let mut table = String::new();
        for (name, value) in &self.0 {
            match value {
                Value::Array(rows) => {
                    for row in rows.iter().filter_map(Value::as_object) {
                        table.push('\n');
                        table.push_str(&Self(row.clone()).to_table());
                    }
                }
                Value::Object(inner) => table.push_str(&Self(inner.clone()).to_table()),
                Value::String(text) => drop(writeln!(table, "{name:<52} {text}")),
                value => drop(writeln!(table, "{name:<52} {value:>16}")),
            }
        }
        table
    }
}

fn rounded(value: f64) -> Value {
    if value == 0.0 || !value.is_finite() {
        return json!(value); // what is no number becomes `null`, which the reader sees
    }
    // Through text: four significant digits, without the noise of binary fractions.
    format!("{value:.3e}").parse::<f64>().map_or(Value::Null, |value| json!(value))
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or_else(String::new, |line| line.trim_start_matches([' ', '\t', ':']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_its_middle_and_its_least() {
        let sample = Sample::of(vec![3.0, 1.0, 2.0, 9.0, 4.0]);
        assert!((sample.median - 3.0).abs() < 1e-9 && (sample.minimum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn figures_have_four_digits_and_no_false_number() {
        let mut figures = Figures::default();
        figures.set("a_seconds", 1.234_567_8e-9);
        figures.set("b_seconds", f64::NAN);
        figures.set("ratio_to_c", 123_456.7);
        assert_eq!(
            figures.to_json(),
            r#"{"a_seconds":1.235e-9,"b_seconds":null,"ratio_to_c":123500.0}"#
        );
    }
}
