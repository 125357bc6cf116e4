use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use besace_protocol::{
    consent::{Benefit, BenefitKind, NoticeItem, NoticeText, Terms},
    id::GrantId,
    money::Money,
    party::{ControllerId, LegalIdentity, Shop, ShopCode, ShopKind},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};
use besace_retailer::{Identity, OwedErasure, RequestDraft, Retailer, SqliteStore};
use serde_json::Value;

use super::*;
use crate::{
    config::Config,
    entropy::{Rng, SystemEntropy},
    http::Limits,
};

/// 2026-11-23.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_392_000);

fn identity() -> Identity {
    let shop = |number: u8, name: &str| Shop {
        code: ShopCode::from_bytes([0, 0, 0, number]),
        kind: Some(ShopKind::Clothing),
        latitude_e7: 0,
        longitude_e7: 0,
        name: name.to_owned(),
        radius_metres: 60,
        scope: "shop.example/*".to_owned(),
        till_keys: Vec::new(),
    };
    Identity {
        domain: ControllerId::parse("shop.example").unwrap(),
        legal: LegalIdentity {
            address: "1 rue de Rivoli, Paris".to_owned(),
            contact: "donnees@shop.example".to_owned(),
            display_name: "Au Bon Rayon".to_owned(),
            name: "Au Bon Rayon SAS".to_owned(),
        },
        shops: vec![shop(1, "Lyon"), shop(2, "Lille")],
    }
}

fn terms() -> Terms {
    Terms {
        base_benefit_conditional: false,
        benefit: Benefit {
            amount: Some(Money::euro_cents(500)),
            kind: BenefitKind::MonthlyCredit,
            until: None,
        },
        categories: BTreeMap::from([(DataCategory::Presence, Granularity::Day)]),
        frequency_per_day: 4,
        lookback_days: 0,
        purpose: Purpose::Recognition,
        recipients: Vec::new(),
        release_ahead_days: 1,
        retention_days: 30,
        scope: "shop.example/*".to_owned(),
        shops: vec![ShopCode::from_bytes([0, 0, 0, 1])],
        valid_days: 90,
    }
}

fn notice() -> NoticeText {
    let said = |item: &NoticeItem| (*item, format!("Il est dit de {}.", item.as_str()));
    NoticeText {
        items: NoticeItem::ALL.iter().map(said).collect(),
        language: "fr".to_owned(),
        version: "2026-11".to_owned(),
    }
}

fn facts_of(identity: &Identity, requests: Vec<Terms>) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Rng::new(Arc::new(SystemEntropy));
    let store = SqliteStore::create(&folder.path().join("gateway.db")).unwrap();
    let mut retailer = Retailer::init(store, identity, NOW, &mut rng).unwrap();
    for terms in requests {
        let draft = RequestDraft {
            negotiation: besace_retailer::NegotiationPolicy::default(),
            notice: notice(),
            open_days: 90,
            terms,
        };
        retailer.publish_request(draft, NOW, &mut rng).unwrap();
    }
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 8480)),
        limits: Limits::default(),
        retailer: identity.clone(),
        vouchers: None,
    };
    Facts::read(&retailer, &config, None, NOW).unwrap()
}

fn facts() -> Facts {
    facts_of(&identity(), vec![terms()])
}

fn file(facts: &Facts, lang: Lang, name: &str) -> String {
    let papers = write(facts, lang).unwrap();
    papers.files.into_iter().find(|paper| paper.name == name).unwrap().text
}

fn record(terms: Terms) -> String {
    let text = file(&facts_of(&identity(), vec![terms]), Lang::Fr, &md("registre"));
    // Names of requests are drawn at random.
    text.lines().filter(|line| !line.contains("`request_")).collect::<Vec<_>>().join("\n")
}

/// The Markdown of a paper.
fn md(name: &str) -> String {
    format!("{name}.md")
}

fn is(name: &str, kind: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == kind)
}

#[test]
fn the_same_facts_give_the_same_papers() {
    let facts = facts();
    for lang in [Lang::Fr, Lang::En] {
        assert_eq!(write(&facts, lang).unwrap(), write(&facts, lang).unwrap());
    }
    let names = |lang| -> Vec<String> {
        write(&facts, lang).unwrap().files.into_iter().map(|paper| paper.name).collect()
    };
    let french = ["registre", "information", "analyse-impact", "clause-hebergeur", "droits"];
    let expected: Vec<String> = french
        .iter()
        .flat_map(|name| [format!("{name}.html"), format!("{name}.md")])
        .chain(["analyse-impact.json".to_owned()])
        .collect();
    assert_eq!(names(Lang::Fr), expected);
    assert!(names(Lang::En).contains(&"impact-assessment.json".to_owned()));
}

/// What a request asks otherwise, and what the record then says.
type Change = (fn(&mut Terms), &'static str);

#[test]
fn the_record_says_the_terms_and_changes_with_each() {
    let before = record(terms());
    for said in [
        "23 novembre 2026",
        "Au Bon Rayon SAS",
        "passage de son pseudonyme dans un magasin, au jour près",
        "30 jours au plus",
        "au plus 90 jours",
        "au plus 4 usages par jour",
        "Lyon (00000001)",
        "article 6, paragraphe 1, a",
        "Personne d’autre que le responsable",
        "1827 jours après le terme",
    ] {
        assert!(before.contains(said), "{said}\n{before}");
    }
    let changes: [Change; 8] = [
        (|t| t.retention_days = 7, "7 jours au plus"),
        (|t| t.valid_days = 10, "au plus 10 jours"),
        (|t| t.frequency_per_day = 9, "au plus 9 usages"),
        (|t| t.lookback_days = 3, "remonter à 3 jours"),
        (|t| t.release_ahead_days = 6, "au plus 6 jours d’avance"),
        (
            |t| t.shops = vec![ShopCode::from_bytes([0, 0, 0, 2])],
            "Magasins\u{a0}: Lille (00000002)",
        ),
        (|t| t.recipients = vec![ControllerId::parse("ads.example").unwrap()], "ads.example"),
        (
            |t| t.categories = BTreeMap::from([(DataCategory::Presence, Granularity::Exact)]),
            "à l’instant près",
        ),
    ];
    for (change, said) in changes {
        let mut terms = terms();
        change(&mut terms);
        let after = record(terms);
        assert!(after.contains(said) && !before.contains(said), "{said}\n{after}");
    }
}

#[test]
fn processors_stand_beside_a_recipient_that_is_named() {
    let mut terms = terms();
    terms.recipients = vec![ControllerId::parse("ads.example").unwrap()];
    let facts = facts_of(&identity(), vec![terms]);
    for name in ["registre", "analyse-impact"] {
        let text = file(&facts, Lang::Fr, &md(name));
        let line = text.lines().find(|line| line.contains("ads.example")).unwrap();
        assert!(line.contains("les sous-traitants, hébergeur compris"), "{name}: {line}");
    }
}

#[test]
fn keeping_proofs_and_giving_vouchers_have_every_mention_of_the_record() {
    let mut facts = facts();
    facts.vouchers = true;
    let text = file(&facts, Lang::Fr, &md("registre"));
    for title in ["Prouver les consentements", "Bons de réduction"] {
        let of = text.split("\n## ").find(|part| part.contains(title)).unwrap();
        for mention in [
            "Finalité",
            "Base juridique",
            "Personnes concernées",
            "Données",
            "Destinataires",
            "Transferts hors de l’Union",
            "Effacement",
        ] {
            assert!(of.contains(&format!("| {mention} |")), "{title}: {mention}\n{of}");
        }
    }
    for said in ["31 jours après que la semaine", "seraient oubliés", "signé dans le mois"] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn the_clause_allows_the_backups_that_it_asks_about_and_speaks_of_automated_decisions() {
    let text = file(&facts(), Lang::Fr, &md("clause-hebergeur"));
    assert!(text.contains("que les sauvegardes convenues plus bas"), "{text}");
    assert!(text.contains("article 22"), "{text}");
}

#[test]
fn of_two_requests_of_a_purpose_the_record_says_the_most_and_of_two_purposes_both() {
    let wider = Terms {
        categories: BTreeMap::from([(DataCategory::Presence, Granularity::Exact)]),
        retention_days: 3,
        valid_days: 396,
        ..terms()
    };
    let greeting = Terms {
        categories: BTreeMap::from([(DataCategory::ChosenName, Granularity::Exact)]),
        purpose: Purpose::StaffGreeting,
        release_ahead_days: 0,
        ..terms()
    };
    let facts = facts_of(&identity(), vec![terms(), wider, greeting]);
    let text = file(&facts, Lang::Fr, &md("registre"));
    for said in [
        "à l’instant près",
        "30 jours au plus",
        "au plus 396 jours",
        "## 1 — Reconnaître",
        "## 2 — Accueillir",
        "la consigne au personnel",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains("## 4 "), "three, with the proof of consents");
    assert_eq!(text.matches("`request_").count(), 3);
}

#[test]
fn every_item_of_every_notice_is_told() {
    let text = file(&facts(), Lang::Fr, "information.html");
    for item in NoticeItem::ALL {
        assert!(text.contains(&format!("Il est dit de {}.", item.as_str())), "{}", item.as_str());
        assert!(text.contains(item.article()));
    }
    assert!(text.contains("1 rue de Rivoli") && text.contains("donnees@shop.example"));
    assert!(!text.contains("autre identité"));
    let mut moved = facts();
    moved.identity.legal.address = "2 rue de Rivoli, Paris".to_owned();
    assert!(file(&moved, Lang::Fr, "information.html").contains("autre identité"));
}

/// Every element of the pages.
const TAGS: &[&str] = &[
    "!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul",
    "li", "table", "tr", "th", "td", "code", "mark", "footer",
];

#[test]
fn a_name_that_is_markup_stays_a_name() {
    let nasty = "<img src=x onerror=alert(1)> | `x` **y** [z](javascript:0) \"'";
    let mut facts = facts_of(&identity(), vec![terms()]);
    facts.identity.legal.display_name = nasty.to_owned();
    facts.identity.legal.name = nasty.to_owned();
    facts.identity.shops[0].name = format!("- {nasty}\u{202e}");
    for lang in [Lang::Fr, Lang::En] {
        for paper in write(&facts, lang).unwrap().files {
            let text = &paper.text;
            assert!(!text.contains("<img") && !text.contains('\u{202e}'), "{}", paper.name);
            if is(&paper.name, "md") {
                assert!(!text.contains("[z](") && !text.contains("**y**"), "{}", paper.name);
                assert!(!text.contains('<'), "{}", paper.name);
            }
            if is(&paper.name, "html") {
                assert!(text.contains("default-src 'none'"));
                for tag in text.split('<').skip(1) {
                    let name: String = tag.chars().take_while(|c| !" >".contains(*c)).collect();
                    assert!(TAGS.contains(&name.trim_start_matches('/')), "{} {name}", paper.name);
                }
            }
        }
    }
    let table = file(&facts, Lang::Fr, &md("registre"));
    let row = table.lines().find(|line| line.starts_with("| Enseigne")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 3, "{row}");
}

#[test]
fn every_measure_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut facts = facts();
    facts.vouchers = true;
    facts.witnesses = vec!["witness.example/north".to_owned()];
    let all = measures::measures(&facts, Lang::Fr);
    assert_eq!(all.len(), measures::proofs().len() + 3);
    for measure in all {
        let (path, test) = measure.proof;
        let source = std::fs::read_to_string(root.join(path)).unwrap();
        assert!(source.contains(&format!("fn {test}() {{")), "{path} {test}");
    }
}

#[test]
fn a_measure_stands_only_where_the_configuration_takes_it() {
    let mut facts = facts();
    let titles = |facts: &Facts| -> Vec<String> {
        measures::measures(facts, Lang::En).into_iter().map(|measure| measure.title).collect()
    };
    let before = titles(&facts);
    assert!(before.contains(&"Rates are limited".to_owned()));
    assert!(!before.contains(&"A log that others cosign".to_owned()));
    facts.limits = Limits { calls_per_minute: 0, sightings_per_minute: 0 };
    facts.witnesses = vec!["witness.example/north".to_owned()];
    let after = titles(&facts);
    assert!(!after.contains(&"Rates are limited".to_owned()));
    assert!(after.contains(&"A log that others cosign".to_owned()));
    assert!(file(&facts, Lang::En, &md("record")).contains("witness.example/north"));
    assert!(file(&facts, Lang::En, &md("record")).contains("on the machine alone"));
    facts.listen = SocketAddr::from(([0, 0, 0, 0], 80));
    assert!(file(&facts, Lang::En, &md("record")).contains("only a safe network"));
}

#[test]
fn the_desk_says_what_is_due_and_names_grants_alone() {
    let mut facts = facts();
    let grant = GrantId::parse("grant_61616161616161616161616161616161").unwrap();
    let owed = |due| OwedErasure {
        grant,
        recipients: vec![ControllerId::parse("ads.example").unwrap()],
        withdrawn: true,
        revoked: false,
        ended: NOW,
        due,
    };
    assert!(file(&facts, Lang::Fr, &md("droits")).contains("Aucun effacement n’attend"));
    facts.rights.owed = vec![owed(NOW.plus(31 * DAY_SECONDS))];
    let text = file(&facts, Lang::Fr, &md("droits"));
    for said in [
        grant.to_string().as_str(),
        "24 décembre 2026 (encore 31 jours)",
        "ads.example",
        "retiré, 23 novembre 2026",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    facts.rights.owed = vec![owed(NOW.minus(2 * DAY_SECONDS))];
    assert!(file(&facts, Lang::En, &md("rights")).contains("late by 2 days"));
}

#[test]
fn gaps_are_counted_and_marked() {
    let papers = write(&facts(), Lang::Fr).unwrap();
    let marked = |end: &str, mark: &str| -> usize {
        let of = papers.files.iter().filter(|paper| is(&paper.name, end));
        of.map(|paper| paper.text.matches(mark).count()).sum()
    };
    assert_eq!(papers.gaps, marked("html", "<mark>"));
    assert_eq!(papers.gaps, marked("md", "**à compléter\u{a0}: "));
    assert!(papers.gaps > 20, "no program knows all of it: {}", papers.gaps);
    for paper in write(&facts(), Lang::En).unwrap().files {
        assert!(!paper.text.contains("à compléter"), "{}", paper.name);
    }
}

#[test]
fn where_nothing_is_asked_the_papers_say_so() {
    let facts = facts_of(&identity(), Vec::new());
    assert!(file(&facts, Lang::Fr, &md("registre")).contains("Aucune demande de consentement"));
    assert!(file(&facts, Lang::Fr, &md("information")).contains("Aucune demande de consentement"));
    assert!(file(&facts, Lang::En, &md("host-clause")).contains("No consent request"));
}

#[test]
fn the_assessment_is_what_the_tool_imports() {
    let schema = include_str!("../../../../spec/papers.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for lang in [Lang::Fr, Lang::En] {
        for facts in [facts(), facts_of(&identity(), Vec::new())] {
            let name = lang.name("analyse-impact.json", "impact-assessment.json");
            let file: Value = serde_json::from_str(&file(&facts, lang, name)).unwrap();
            assert_eq!(fault(&schema, &schema, &file, "$"), None);
            let titles: Vec<&Value> =
                file["measures"].as_array().unwrap().iter().map(|m| &m["title"]).collect();
            for answer in file["answers"].as_array().unwrap() {
                let number = answer["reference_to"].as_u64().unwrap();
                let list = answer["data"]["list"].as_array().unwrap();
                assert_eq!(list.is_empty(), answer["data"]["text"].is_string(), "{number}");
                if [324, 334, 344].contains(&number) {
                    assert!(list.iter().all(|one| titles.contains(&one)), "{number}");
                }
            }
            // A checker that takes everything checks nothing.
            for spoil in ["answers", "pia", "measures"] {
                let mut less = file.clone();
                less.as_object_mut().unwrap().remove(spoil);
                assert!(fault(&schema, &schema, &less, "$").is_some());
            }
            let mut other = file.clone();
            other["answers"][0]["reference_to"] = Value::from(325);
            assert!(fault(&schema, &schema, &other, "$").is_some());
            let mut tagged = file;
            tagged["pia"]["name"] = Value::from("<b>");
            assert!(fault(&schema, &schema, &tagged, "$").is_some());
        }
    }
}

/// Where `value` breaks `schema`: of JSON Schema, what `papers.schema.json` uses. (`tests/foreign` asks a library.)
fn fault(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(name) => root.pointer(name.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    };
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        other => panic!("a type that is not looked at: {other}"),
    };
    for (rule, wanted) in schema.as_object().unwrap() {
        let count = value.as_array().map(Vec::len);
        let limit = wanted.as_u64().map(|limit| usize::try_from(limit).unwrap());
        let holds = match rule.as_str() {
            "type" => match wanted {
                Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
                name => is(name.as_str().unwrap()),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "required" => {
                wanted.as_array().unwrap().iter().all(|n| value.get(n.as_str().unwrap()).is_some())
            }
            "minItems" => count >= limit,
            "maxItems" => count <= limit,
            "minimum" => value.as_u64() >= wanted.as_u64(),
            "additionalProperties" => {
                let known = schema["properties"].as_object().unwrap();
                value.as_object().unwrap().keys().all(|name| known.contains_key(name))
            }
            "pattern" => matches_pattern(wanted.as_str().unwrap(), value.as_str().unwrap()),
            "properties" | "items" | "$schema" | "title" | "$defs" => true,
            other => panic!("a rule that is not looked at: {other}"),
        };
        if !holds {
            return Some(format!("{at}: {rule}"));
        }
    }
    let inner =
        |name: &str, schema: &Value| fault(root, schema, value.get(name)?, &format!("{at}.{name}"));
    let members = schema.get("properties").and_then(Value::as_object);
    let member = members.and_then(|all| all.iter().find_map(|(name, one)| inner(name, one)));
    let items = || {
        let (one, all) = (schema.get("items")?, value.as_array()?);
        all.iter().find_map(|item| fault(root, one, item, &format!("{at}[]")))
    };
    member.or_else(items)
}

fn matches_pattern(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[^<>]+$" => !text.is_empty() && !text.contains(['<', '>']),
        "^<p>[^<]" => text.strip_prefix("<p>").is_some_and(|rest| !rest.starts_with('<')),
        _ => text.len() == 24 && &text[19..] == ".000Z" && text.as_bytes().get(10) == Some(&b'T'),
    }
}
