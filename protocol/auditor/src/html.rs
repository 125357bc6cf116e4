//! A report that a lawyer opens in a browser: one file, no script, nothing from elsewhere.

use besace_protocol::audit::{Finding, Legible, Report, Unasserted};

use crate::{
    Language,
    report::VERIFIER,
    words::{Words, causes},
};

/// Nothing may be loaded, run or sent: whatever a bundle writes into its names stays text.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "\
body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff}\
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #767676}\
.verdict{font-size:1.2rem;font-weight:600}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #d0d0d0}\
td,li{overflow-wrap:anywhere}.cause{color:#4a4a4a;font-size:.9rem}pre{white-space:pre-wrap;margin:0;font-size:.85rem}\
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}";

/// The report as one HTML file. It begins with what could not be checked.
pub fn to_html(report: &Report, language: Language) -> String {
    let words = language.words();
    let verdict = language.verdict(report.verdict, report.count());
    let gaps = report.not_checked.iter().map(|gap| item(&language.gap(gap)));
    let findings = report.findings.iter().map(|finding| row_of(finding, language));
    let more: String = report.more.iter().map(|more| paragraph(&language.more(more))).collect();
    let held = report.held.iter().map(|held| {
        let says = format!("{} {}", held.assertion.id(), language.assertion(held.assertion));
        row(&[text(&says), held.checked.to_string()])
    });
    let beyond = Unasserted::ALL.iter().map(|one| {
        let [says, lacks] = language.unasserted(*one);
        row(&[text(&format!("{} {says}", one.id())), text(lacks)])
    });
    let logs = report.logs.iter().map(|log| {
        let checkpoint = format!("<pre>{}</pre>", text(&log.head));
        row(&[text(&log.origin), log.size.to_string(), log.opened.to_string(), checkpoint])
    });
    let Words { code, title, .. } = words;
    let sections = [
        section(words.not_checked, words.not_checked_lead, &list(gaps, words.all_checked)),
        section(words.findings, "", &[findings_table(findings, &words), more].concat()),
        section(words.held, "", &table(&[words.what, words.times], held, words.nothing_held)),
        section(words.beyond, words.beyond_lead, &table(&[words.what, words.why], beyond, "")),
        section(words.logs, words.logs_lead, &logs_table(logs, &words)),
    ];
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"verdict\">{}</p>\n{}<p>{VERIFIER}</p>\n</main>\n</body>\n</html>\n",
        text(&verdict),
        sections.concat(),
    )
}

fn findings_table(rows: impl Iterator<Item = String>, words: &Words) -> String {
    let names = [words.what, words.weight, words.place, words.entry, words.why];
    table(&names, rows, words.no_findings)
}

fn logs_table(rows: impl Iterator<Item = String>, words: &Words) -> String {
    let names = [words.log, words.entries, words.opened, words.head];
    table(&names, rows, words.nothing_held)
}

fn row_of(finding: &Finding, language: Language) -> String {
    let id = finding.assertion.id();
    let says = format!("{id} {}", language.assertion(finding.assertion));
    let mut why = text(&language.fault(&finding.fault));
    for cause in causes(&finding.fault) {
        let cause = text(&cause);
        why.extend(["<br><span class=\"cause\" lang=\"en\">", cause.as_str(), "</span>"]);
    }
    row(&[
        text(&says),
        text(language.severity(finding.severity)),
        text(&Legible(&finding.place.file).to_string()),
        finding.place.entry.map(|entry| entry.to_string()).unwrap_or_default(),
        why,
    ])
}

fn section(title: &str, lead: &str, content: &str) -> String {
    let lead = if lead.is_empty() { String::new() } else { format!("<p>{}</p>\n", text(lead)) };
    format!("<section>\n<h2>{}</h2>\n{lead}{content}</section>\n", text(title))
}

fn list(items: impl Iterator<Item = String>, none: &str) -> String {
    let items: String = items.collect();
    if items.is_empty() { paragraph(none) } else { format!("<ul>\n{items}</ul>\n") }
}

fn item(line: &str) -> String {
    format!("<li>{}</li>\n", text(line))
}

fn table(names: &[&str], rows: impl Iterator<Item = String>, none: &str) -> String {
    let rows: String = rows.collect();
    if rows.is_empty() {
        return paragraph(none);
    }
    let names: Vec<String> = names.iter().map(|name| text(name)).collect();
    let names = names.join("</th><th scope=\"col\">");
    format!(
        "<table>\n<thead><tr><th scope=\"col\">{names}</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn row(cells: &[String]) -> String {
    format!("<tr><td>{}</td></tr>\n", cells.join("</td><td>"))
}

fn paragraph(line: &str) -> String {
    format!("<p>{}</p>\n", text(line))
}

/// Text as HTML: nothing turns into markup. Heads have lines; nothing else may begin one.
fn text(raw: &str) -> String {
    let lines: Vec<String> = raw.split('\n').map(line).collect();
    lines.join("\n")
}

fn line(raw: &str) -> String {
    let mut html = String::with_capacity(raw.len());
    for letter in Legible(raw).to_string().chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            plain => html.push(plain),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_text() {
        assert_eq!(
            text("<script>alert('x')</script>\u{61c}\u{202e}\u{7}&\"é"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\\u{61c}\\u{202e}\\u{7}&amp;&quot;é"
        );
    }
}
