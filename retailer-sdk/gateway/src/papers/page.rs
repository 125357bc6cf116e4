//! A page that is read in a browser and as Markdown. Whatever comes from data is escaped in both, here and nowhere else.

use super::lang::Lang;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Code(String),
    Gap(String),
}

/// A line of words, with its gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<Piece>);

impl Line {
    /// Words.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::default().and(text)
    }

    /// What only a person knows.
    pub(super) fn gap(what: impl Into<String>) -> Self {
        Self::default().and_gap(what)
    }

    /// More words.
    pub(super) fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    /// A name or command, as it is typed.
    pub(super) fn and_code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Code(text.into()));
        self
    }

    /// What only a person knows, within a line.
    pub(super) fn and_gap(mut self, what: impl Into<String>) -> Self {
        self.0.push(Piece::Gap(what.into()));
        self
    }

    /// This, then `other`.
    pub(super) fn followed(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn gaps(&self) -> usize {
        self.0.iter().filter(|piece| matches!(piece, Piece::Gap(_))).count()
    }

    /// As HTML, without an element around it.
    pub(super) fn to_html(&self, lang: Lang) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => html(text),
            Piece::Code(text) => format!("<code>{}</code>", html(text)),
            Piece::Gap(what) => format!("<mark>{}{}</mark>", to_complete(lang), html(what)),
        };
        self.0.iter().map(piece).collect()
    }

    fn to_markdown(&self, lang: Lang) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => markdown(text),
            Piece::Code(text) => {
                let fit = |c: char| !c.is_control() && !"`|<>&\\".contains(c);
                format!("`{}`", text.chars().filter(|c| fit(*c)).collect::<String>())
            }
            Piece::Gap(what) => format!("**{}{}**", to_complete(lang), markdown(what)),
        };
        self.0.iter().map(piece).collect()
    }
}

fn to_complete(lang: Lang) -> String {
    lang.say("à compléter : ", "to be completed: ")
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Heading(u8, Line),
    Paragraph(Line),
    List(Vec<Line>),
    Table(Vec<String>, Vec<Vec<Line>>),
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    title: String,
    blocks: Vec<Block>,
}

impl Page {
    pub(super) const fn new(title: String) -> Self {
        Self { title, blocks: Vec::new() }
    }

    pub(super) fn heading(&mut self, text: impl Into<Line>) {
        self.blocks.push(Block::Heading(2, text.into()));
    }

    pub(super) fn subheading(&mut self, text: impl Into<Line>) {
        self.blocks.push(Block::Heading(3, text.into()));
    }

    pub(super) fn paragraph(&mut self, line: impl Into<Line>) {
        self.blocks.push(Block::Paragraph(line.into()));
    }

    pub(super) fn list(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.blocks.push(Block::List(lines));
        }
    }

    /// A table of names and what they stand for.
    pub(super) fn pairs(&mut self, rows: Vec<(String, Line)>) {
        let rows = rows.into_iter().map(|(name, line)| vec![Line::text(name), line]).collect();
        self.blocks.push(Block::Table(Vec::new(), rows));
    }

    pub(super) fn table(&mut self, head: Vec<String>, rows: Vec<Vec<Line>>) {
        self.blocks.push(Block::Table(head, rows));
    }

    /// How many places are left to fill in.
    pub(super) fn gaps(&self) -> usize {
        let of = |lines: &[Line]| lines.iter().map(Line::gaps).sum::<usize>();
        let block = |block: &Block| match block {
            Block::Heading(_, line) | Block::Paragraph(line) => line.gaps(),
            Block::List(lines) => of(lines),
            Block::Table(_, rows) => rows.iter().map(|row| of(row)).sum(),
        };
        self.blocks.iter().map(block).sum()
    }

    /// What stands under every page.
    fn foot(&self, lang: Lang) -> String {
        let gaps = self.gaps();
        let left = match gaps {
            0 => lang.say("Rien n’y reste à compléter.", "Nothing is left to be completed in it."),
            1 => lang.say("Il y reste un point à compléter.", "One point is left to be completed."),
            _ => lang.say(
                &format!("Il y reste {gaps} points à compléter."),
                &format!("{gaps} points are left to be completed."),
            ),
        };
        let said = lang.say(
            "Ce document est tiré de ce que la passerelle publie et détient ; ce n’est pas un conseil juridique.",
            "This document is derived from what the gateway publishes and holds; it is not legal advice.",
        );
        format!("{said} {left}")
    }

    /// One file, which fetches nothing and runs nothing.
    pub(super) fn to_html(&self, lang: Lang) -> String {
        let head = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
            lang.tag(),
            html(&self.title),
            html(&self.title),
        );
        let blocks: Vec<String> = self.blocks.iter().map(|block| block.to_html(lang)).collect();
        let foot = html(&self.foot(lang));
        format!("{head}{}<footer>{foot}</footer>\n</body>\n</html>\n", blocks.concat())
    }

    /// The same words as Markdown.
    pub(super) fn to_markdown(&self, lang: Lang) -> String {
        let blocks = self.blocks.iter().map(|block| format!("\n{}", block.to_markdown(lang)));
        let blocks: Vec<String> = blocks.collect();
        let (title, foot) = (markdown(&self.title), markdown(&self.foot(lang)));
        format!("# {title}\n{}\n{foot}\n", blocks.concat())
    }
}

impl Block {
    fn to_html(&self, lang: Lang) -> String {
        match self {
            Self::Heading(level, line) => format!("<h{level}>{}</h{level}>\n", line.to_html(lang)),
            Self::Paragraph(line) => format!("<p>{}</p>\n", line.to_html(lang)),
            Self::List(lines) => {
                let items = lines.iter().map(|line| format!("<li>{}</li>\n", line.to_html(lang)));
                format!("<ul>\n{}</ul>\n", items.collect::<Vec<_>>().concat())
            }
            Self::Table(head, rows) => {
                let names =
                    head.iter().map(|name| format!("<th scope=\"col\">{}</th>", html(name)));
                let names = names.collect::<Vec<_>>().concat();
                let first = if head.is_empty() { names } else { format!("<tr>{names}</tr>\n") };
                let rows = rows.iter().map(|row| html_row(row, lang)).collect::<Vec<_>>().concat();
                format!("<table>\n{first}{rows}</table>\n")
            }
        }
    }

    fn to_markdown(&self, lang: Lang) -> String {
        match self {
            Self::Heading(level, line) => {
                format!("{} {}\n", "#".repeat(usize::from(*level)), line.to_markdown(lang))
            }
            Self::Paragraph(line) => format!("{}\n", line.to_markdown(lang)),
            Self::List(lines) => {
                let items = lines.iter().map(|line| format!("- {}\n", line.to_markdown(lang)));
                items.collect::<Vec<_>>().concat()
            }
            Self::Table(head, rows) => {
                let columns = rows.first().map_or(head.len(), Vec::len);
                let empty = vec![String::new(); columns];
                let head = if head.is_empty() { &empty } else { head };
                let names: Vec<String> = head.iter().map(|name| markdown(name)).collect();
                let rows = rows.iter().map(|row| {
                    let cells: Vec<String> =
                        row.iter().map(|cell| cell.to_markdown(lang)).collect();
                    format!("| {} |\n", cells.join(" | "))
                });
                let rows = rows.collect::<Vec<_>>().concat();
                format!("| {} |\n|{}\n{rows}", names.join(" | "), "---|".repeat(columns))
            }
        }
    }
}

/// The first cell names the row.
fn html_row(row: &[Line], lang: Lang) -> String {
    let cells = row.iter().enumerate().map(|(index, cell)| match (index, cell.to_html(lang)) {
        (0, cell) => format!("<th scope=\"row\">{cell}</th>"),
        (_, cell) => format!("<td>{cell}</td>"),
    });
    format!("<tr>{}</tr>\n", cells.collect::<Vec<_>>().concat())
}

/// No character that HTML reads as its own, in text and in quoted values; no control and no bidirectional override.
fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().map(plain) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Neither mark-up of Markdown nor HTML within it.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().map(plain) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // What begins a list or a rule does so at the start of a line only.
            '-' | '+' | '=' if escaped.is_empty() => {
                escaped.push('\\');
                escaped.push(c);
            }
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|b| b.is_ascii_digit()) => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A space for what is no character of a line.
pub(super) fn plain(c: char) -> char {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }
}

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:54rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2rem;border-bottom:1px solid #bbb}h3{font-size:1.05rem}\
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #bbb;padding:.4rem .6rem;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}th{background:#f3f3f1;font-weight:600}th[scope=row]{width:28%}\
code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}mark{background:#ffec99;color:#222;padding:0 .15em}\
footer{margin-top:2rem;border-top:1px solid #bbb;padding-top:.5rem;font-size:.9rem;color:#555}\
@media print{body{margin:0;max-width:none}h2,h3{break-after:avoid}tr{break-inside:avoid}}";
