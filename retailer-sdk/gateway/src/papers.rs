//! Papers for a privacy officer, made from what the gateway publishes and holds. `spec/papers.md`.
//!
//! They say what follows from signed documents, the configuration and this program's own rules; what no program can know
//! stands in them as a gap, and gaps are counted. They are no legal advice, and name no shopper.

mod assessment;
mod clause;
mod desk;
mod facts;
mod information;
mod lang;
mod measures;
mod page;
mod register;

pub use self::{facts::Facts, lang::Lang};

use self::page::Page;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its name, in the language of the papers.
    pub name: String,
    /// What stands in it: UTF-8.
    pub text: String,
}

/// All papers of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Papers {
    /// The files, in the order in which somebody wants to read them.
    pub files: Vec<Paper>,
    /// How many places are left to fill in: counted once, though each stands in two files.
    pub gaps: usize,
}

/// Writes them. The same facts give the same bytes.
pub fn write(facts: &Facts, lang: Lang) -> Result<Papers, serde_json::Error> {
    let assessment = assessment::Assessment::of(facts, lang);
    let pages: [(&str, Page); 5] = [
        (lang.name("registre", "record"), register::page(facts, lang)),
        (lang.name("information", "notice"), information::page(facts, lang)),
        (lang.name("analyse-impact", "impact-assessment"), assessment.page(facts, lang)),
        (lang.name("clause-hebergeur", "host-clause"), clause::page(facts, lang)),
        (lang.name("droits", "rights"), desk::page(facts, lang)),
    ];
    let (mut files, mut gaps) = (Vec::new(), 0_usize);
    for (name, page) in &pages {
        gaps = gaps.saturating_add(page.gaps());
        files.push(Paper { name: format!("{name}.html"), text: page.to_html(lang) });
        files.push(Paper { name: format!("{name}.md"), text: page.to_markdown(lang) });
    }
    let name = lang.name("analyse-impact", "impact-assessment");
    files.push(Paper { name: format!("{name}.json"), text: assessment.to_json(facts, lang)? });
    Ok(Papers { files, gaps })
}

#[cfg(test)]
mod tests;
