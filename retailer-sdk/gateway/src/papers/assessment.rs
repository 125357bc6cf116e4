//! The impact assessment (GDPR art. 35): a page, and the file that the PIA tool of the CNIL imports.
//!
//! The tool numbers its questions; an answer names the number (`spec/papers.md#impact-assessment`). How grave and how likely
//! a risk is stays open: a person judges that.

use besace_protocol::consent::NoticeItem;
use serde::Serialize;

use super::{
    Facts,
    lang::{Lang, moment},
    measures::{Measure, Risk, left_to_people, measures},
    page::{Line, Page, plain},
    register,
};

/// What answers a question.
enum Body {
    /// Paragraphs.
    Text(Vec<Line>),
    /// Short texts.
    List(Vec<String>),
    /// Nothing yet: a person estimates it.
    Estimate(String),
}

struct Answer {
    number: u16,
    title: String,
    body: Body,
}

/// An assessment of all that is done by consent.
pub(super) struct Assessment {
    answers: Vec<Answer>,
    measures: Vec<Measure>,
    lang: Lang,
}

#[derive(Serialize)]
struct File {
    answers: Vec<FileAnswer>,
    comments: [(); 0],
    evaluations: [(); 0],
    measures: Vec<FileMeasure>,
    pia: FilePia,
}

#[derive(Serialize)]
struct FilePia {
    author_name: String,
    category: String,
    created_at: String,
    evaluator_name: String,
    id: u16,
    is_archive: u8,
    is_example: u8,
    name: String,
    progress: u8,
    status: u8,
    structure_id: &'static str,
    updated_at: String,
    validator_name: String,
}

#[derive(Serialize)]
struct FileAnswer {
    created_at: String,
    data: FileData,
    id: usize,
    pia_id: u16,
    reference_to: u16,
    updated_at: String,
}

#[derive(Serialize)]
struct FileData {
    gauge: Option<u8>,
    list: Vec<String>,
    text: Option<String>,
}

#[derive(Serialize)]
struct FileMeasure {
    content: String,
    created_at: String,
    id: usize,
    pia_id: u16,
    placeholder: &'static str,
    title: String,
    updated_at: String,
}

const PIA: u16 = 1;

impl Assessment {
    pub(super) fn of(facts: &Facts, lang: Lang) -> Self {
        let measures = measures(facts, lang);
        let mut answers = context(facts, lang);
        answers.extend(principles(facts, lang));
        answers.extend(rights(facts, lang));
        for (risk, first) in [(Risk::Access, 320), (Risk::Change, 330), (Risk::Loss, 340)] {
            answers.extend(answers_to(risk, first, facts, &measures, lang));
        }
        Self { answers, measures, lang }
    }

    pub(super) fn page(&self, facts: &Facts, lang: Lang) -> Page {
        let mut page = Page::new(lang.say("Analyse d’impact", "Impact assessment"));
        page.paragraph(lang.say(
            &format!("RGPD, article 35. État au {}. Une seule analyse pour des opérations semblables, toutes fondées sur le consentement. Les numéros sont ceux de l’outil PIA de la CNIL, qui importe le fichier analyse-impact.json ; il faut encore l’y relire, l’estimer et le valider.", lang.date(facts.now)),
            &format!("GDPR, article 35. As of {}. One assessment for similar operations, all of them by consent. The numbers are those of the PIA tool of the CNIL, which imports the file impact-assessment.json; there it is still to be read, estimated and validated.", lang.date(facts.now)),
        ));
        let parts = [
            (1, lang.say("1. Contexte", "1. Context")),
            (2, lang.say("2. Principes fondamentaux", "2. Fundamental principles")),
            (3, lang.say("3. Risques", "3. Risks")),
        ];
        for (part, title) in parts {
            page.heading(title);
            if part == 3 {
                page.subheading(lang.say("3.1 Mesures", "3.1 Measures"));
                page.pairs(
                    self.measures.iter().map(|m| (m.title.clone(), m.described(lang))).collect(),
                );
                page.list(left_to_people(facts, lang));
            }
            for answer in self.answers.iter().filter(|answer| answer.number / 100 == part) {
                page.subheading(format!("{} {}", answer.number, answer.title));
                match &answer.body {
                    Body::Text(lines) => lines.iter().for_each(|line| page.paragraph(line.clone())),
                    Body::List(texts) => {
                        page.list(texts.iter().map(Line::text).collect());
                    }
                    Body::Estimate(what) => page.paragraph(Line::gap(what)),
                }
            }
        }
        page.heading(lang.say("4. Validation", "4. Validation"));
        page.pairs(vec![
            (
                lang.say("Avis du délégué", "Opinion of the officer"),
                Line::gap(lang.say("avis, nom et date", "opinion, name and date")),
            ),
            (
                lang.say("Avis des personnes concernées", "Opinion of data subjects"),
                Line::gap(lang.say(
                    "leur avis, ou pourquoi il n’est pas demandé",
                    "their opinion, or why it is not asked for",
                )),
            ),
        ]);
        page
    }

    /// The file that the tool imports: JSON with sorted members.
    pub(super) fn to_json(&self, facts: &Facts, lang: Lang) -> Result<String, serde_json::Error> {
        let at = moment(facts.now);
        let to_name = || lang.say("à compléter", "to be completed");
        let answered = self.answers.iter().filter_map(|answer| {
            let data = match &answer.body {
                Body::Text(lines) => {
                    let text = lines.iter().map(|line| format!("<p>{}</p>", line.to_html(lang)));
                    FileData { gauge: None, list: Vec::new(), text: Some(text.collect()) }
                }
                Body::List(texts) => {
                    let list = texts.iter().map(|text| unmarked(text)).collect();
                    FileData { gauge: None, list, text: None }
                }
                Body::Estimate(_) => return None,
            };
            Some((answer.number, data))
        });
        let answers = answered.enumerate().map(|(index, (reference_to, data))| FileAnswer {
            created_at: at.clone(),
            data,
            id: index.saturating_add(1),
            pia_id: PIA,
            reference_to,
            updated_at: at.clone(),
        });
        let measures = self.measures.iter().enumerate().map(|(index, measure)| FileMeasure {
            content: format!("<p>{}</p>", measure.described(lang).to_html(lang)),
            created_at: at.clone(),
            id: index.saturating_add(1),
            pia_id: PIA,
            placeholder: "measures.default_placeholder",
            title: unmarked(&measure.title),
            updated_at: at.clone(),
        });
        let mut text = serde_json::to_string_pretty(&File {
            answers: answers.collect(),
            comments: [],
            evaluations: [],
            measures: measures.collect(),
            pia: FilePia {
                author_name: to_name(),
                category: lang
                    .say("Fidélité et accueil en magasin", "Loyalty and greeting in shops"),
                created_at: at.clone(),
                evaluator_name: to_name(),
                id: PIA,
                is_archive: 0,
                is_example: 0,
                name: unmarked(&format!("Besace, {}", facts.identity.legal.display_name)),
                progress: 0,
                status: 0,
                structure_id: "",
                updated_at: at.clone(),
                validator_name: to_name(),
            },
        })?;
        text.push('\n');
        debug_assert_eq!(self.lang, lang, "an assessment is written in one language");
        Ok(text)
    }
}

/// For members that the tool takes as plain text: nothing in them can be read as mark-up, should it be shown as HTML.
fn unmarked(text: &str) -> String {
    let other = |c: char| match c {
        '<' => '‹',
        '>' => '›',
        _ => plain(c),
    };
    text.chars().map(other).collect()
}

fn text(number: u16, title: String, lines: Vec<Line>) -> Answer {
    Answer { number, title, body: Body::Text(lines) }
}

fn context(facts: &Facts, lang: Lang) -> Vec<Answer> {
    let legal = &facts.identity.legal;
    let treatments = facts.treatments();
    let mut what: Vec<Line> = treatments
        .iter()
        .map(|one| Line::text(format!("{}.", lang.purpose(one.purpose))))
        .collect();
    if what.is_empty() {
        what.push(Line::text(lang.say(
            "Aucune demande de consentement n’est publiée à ce jour.",
            "No consent request is published to this day.",
        )));
    }
    let data = treatments.iter().map(|one| {
        Line::text(format!(
            "{} — {} {}",
            lang.purpose(one.purpose),
            register::data(one, lang),
            register::erasure(one, lang)
        ))
    });
    let data = data.collect();
    vec![
        text(111, lang.say("Traitement étudié", "Processing under study"), what),
        text(
            112,
            lang.say("Responsabilités", "Responsibilities"),
            vec![
                Line::text(lang.say(
                    &format!("Responsable du traitement : {}, {}. ", legal.name, legal.address),
                    &format!("Controller: {}, {}. ", legal.name, legal.address),
                )),
                Line::text(lang.say("Sous-traitants : ", "Processors: "))
                    .and_gap(lang.say("l’hébergeur et les autres", "the host and others")),
            ],
        ),
        text(
            113,
            lang.say("Référentiels", "Standards"),
            vec![Line::gap(lang.say(
                "codes de conduite et référentiels que suit l’enseigne",
                "codes of conduct and standards that the retailer follows",
            ))],
        ),
        text(121, lang.say("Données", "Data"), data),
        text(
            122,
            lang.say("Cycle de vie", "Life cycle"),
            vec![
                Line::text(lang.say(
                    "La personne lit la demande dans son agent, sur sa machine. Si elle dit oui, l’agent signe un consentement et la passerelle l’inscrit. L’agent envoie ensuite, scellé, ce que le consentement nomme et rien d’autre.",
                    "The person reads the request in their agent, on their machine. If they say yes, the agent signs a consent and the gateway logs it. From then on the agent sends, sealed, what the consent names and nothing else.",
                )),
                Line::text(lang.say(
                    "Chaque usage est inscrit au journal puis annoncé, scellé, à la personne. Au retrait ou au terme, la passerelle efface, signe l’effacement et l’inscrit.",
                    "Each use is logged and then told, sealed, to the person. With the withdrawal or the end, the gateway erases, signs the erasure and logs it.",
                )),
                Line::text(lang.say(
                    "Les offres sont rapprochées des souhaits chez la personne : l’enseigne ignore lesquelles lui conviennent.",
                    "Offers are matched with wishes at home: the retailer does not learn which ones suit.",
                )),
            ],
        ),
        text(
            123,
            lang.say("Supports", "Supporting assets"),
            vec![
                Line::text(lang.say(
                    "Le programme besace-gateway et sa base SQLite ; les récepteurs, caisses et écrans des magasins. ",
                    "The program besace-gateway and its SQLite database; the receivers, tills and screens of the shops. ",
                ))
                .and_gap(lang.say(
                    "la machine, son système et le réseau",
                    "the machine, its system and the network",
                )),
            ],
        ),
    ]
}

fn principles(facts: &Facts, lang: Lang) -> Vec<Answer> {
    let treatments = facts.treatments();
    let of = |what: NoticeItem| {
        let line = |one: &super::facts::Treatment<'_>| {
            let said = register::quoted(&one.requests, what, lang);
            Line::text(format!("{} — {said}", lang.purpose(one.purpose)))
        };
        treatments.iter().map(line).collect::<Vec<_>>()
    };
    let guessed = treatments.iter().flat_map(|one| one.guesses.iter().copied());
    let guessed: std::collections::BTreeSet<_> = guessed.collect();
    let guessed: Vec<&str> = guessed.into_iter().map(|guess| lang.guess(guess)).collect();
    let mut adequate = vec![Line::text(lang.say(
        "Les catégories sont une liste fermée ; chaque finalité n’admet que les siennes, avec la précision que la personne accorde.",
        "Categories are a closed list; each purpose takes its own only, as fine as the person grants.",
    ))];
    if !guessed.is_empty() {
        let lead = lang.say(
            "Ce que l’enseigne pourrait en deviner, et que la personne lit avant de répondre : ",
            "What the retailer could guess from it, which the person reads before they answer: ",
        );
        adequate.push(Line::text(format!("{lead}{}.", guessed.join(", "))));
    }
    let kept = treatments.iter().map(|one| {
        Line::text(format!("{} — {}", lang.purpose(one.purpose), register::erasure(one, lang)))
    });
    let kept = kept.collect();
    vec![
        text(211, lang.say("Finalités", "Purposes"), of(NoticeItem::Purpose)),
        text(
            212,
            lang.say("Fondement", "Legal basis"),
            vec![Line::text(lang.say(
                "Consentement (article 6, paragraphe 1, a), un par finalité. Aucun avantage ordinaire n’en dépend : le programme refuse une demande qui en ferait dépendre.",
                "Consent (article 6(1)(a)), one for each purpose. No ordinary benefit hangs on it: the program refuses a request that would let one.",
            ))],
        ),
        text(213, lang.say("Données adéquates", "Adequate data"), adequate),
        text(
            214,
            lang.say("Données exactes", "Accurate data"),
            vec![Line::text(lang.say(
                "Les données viennent de la personne, qui les corrige chez elle ; une nouvelle communication remplace la précédente.",
                "Data comes from the person, who corrects it at home; a new disclosure replaces the last one.",
            ))],
        ),
        text(215, lang.say("Conservation", "Retention"), kept),
    ]
}

fn rights(facts: &Facts, lang: Lang) -> Vec<Answer> {
    let treatments = facts.treatments();
    let transfers = treatments.iter().map(|one| {
        let said = register::quoted(&one.requests, NoticeItem::Transfers, lang);
        Line::text(format!("{} — {said}", lang.purpose(one.purpose)))
    });
    let transfers = transfers.collect();
    let recipients = treatments.iter().map(|one| {
        let lead = Line::text(format!("{} — ", lang.purpose(one.purpose)));
        lead.followed(register::recipients(one, lang))
    });
    let recipients = recipients.collect();
    let one = |fr: &str, en: &str| vec![Line::text(lang.say(fr, en))];
    let (contact, elsewhere) =
        (&facts.identity.legal.contact, lang.say("Le reste s’écrit à ", "The rest is written to "));
    let by_letter = |fr: &str, en: &str| {
        vec![Line::text(lang.say(fr, en)), Line::text(format!("{elsewhere}{contact}."))]
    };
    vec![
        text(
            221,
            lang.say("Information", "Information"),
            one(
                "Avant de répondre, dans son agent : un texte complet (article 13), archivé sous l’empreinte que nomme le consentement.",
                "Before they answer, in their agent: a complete text (article 13), archived under the digest that the consent names.",
            ),
        ),
        text(
            222,
            lang.say("Consentement", "Consent"),
            one(
                "Par un geste dans l’agent, ou par une règle que la personne y a fixée ; le consentement signé dit lequel des deux. Le retrait se fait au même endroit.",
                "By a gesture in the agent, or by a rule that the person set there; the signed consent says which. The withdrawal is done in the same place.",
            ),
        ),
        text(
            223,
            lang.say("Accès et portabilité", "Access and portability"),
            by_letter(
                "La personne a chez elle tout ce qu’elle a donné, chaque usage qui en a été fait et un export lisible par d’autres programmes.",
                "The person has at home all that they gave, each use that was made of it, and an export that other programs read.",
            ),
        ),
        text(
            224,
            lang.say("Rectification et effacement", "Rectification and erasure"),
            by_letter(
                "Un retrait efface aussitôt ; l’effacement est signé et inscrit au journal. Une nouvelle communication remplace la précédente.",
                "A withdrawal erases at once; the erasure is signed and logged. A new disclosure replaces the last one.",
            ),
        ),
        text(
            225,
            lang.say("Limitation et opposition", "Restriction and objection"),
            by_letter(
                "L’opposition au démarchage se dit dans l’agent, avec ou sans consentement ; la passerelle la rappelle au magasin à chaque réponse.",
                "Objecting to marketing is said in the agent, with or without a consent; the gateway tells the shop with every answer.",
            ),
        ),
        text(226, lang.say("Sous-traitance", "Processors"), recipients),
        text(227, lang.say("Transferts", "Transfers"), transfers),
    ]
}

/// Proposals for a person to judge, and the measures that help.
fn answers_to(
    risk: Risk,
    first: u16,
    facts: &Facts,
    measures: &[Measure],
    lang: Lang,
) -> Vec<Answer> {
    let (name, impacts, threats) = words(risk, facts, lang);
    let sources = vec![
        lang.say(
            "Une personne qui a accès à la machine ou à une clé de magasin",
            "Somebody with access to the machine or to a key of a shop",
        ),
        lang.say(
            "Un tiers sur le réseau ou dans le magasin",
            "An outsider on the network or in the shop",
        ),
        lang.say("Une panne ou une erreur d’exploitation", "A failure, or a mistake in operation"),
    ];
    let helping = measures.iter().filter(|measure| measure.helps(risk));
    let helping = helping.map(|measure| measure.title.clone()).collect();
    let number = |offset: u16| first.saturating_add(offset);
    let list = |offset, title: String, texts| Answer {
        number: number(offset),
        title: format!("{name} — {title}"),
        body: Body::List(texts),
    };
    let estimate = |offset, title: String, what: String| Answer {
        number: number(offset),
        title: format!("{name} — {title}"),
        body: Body::Estimate(what),
    };
    vec![
        list(1, lang.say("impacts", "impacts"), impacts),
        list(2, lang.say("menaces", "threats"), threats),
        list(3, lang.say("sources", "sources"), sources),
        list(4, lang.say("mesures", "measures"), helping),
        estimate(
            5,
            lang.say("gravité", "severity"),
            lang.say("gravité estimée, et pourquoi", "estimated severity, and why"),
        ),
        estimate(
            6,
            lang.say("vraisemblance", "likelihood"),
            lang.say("vraisemblance estimée, et pourquoi", "estimated likelihood, and why"),
        ),
    ]
}

fn words(risk: Risk, facts: &Facts, lang: Lang) -> (String, Vec<String>, Vec<String>) {
    match risk {
        Risk::Access => {
            let guessed = facts.treatments().iter().any(|one| !one.guesses.is_empty());
            let mut impacts = vec![lang.say(
                "Quelqu’un apprend ce qu’un pseudonyme a donné, et peut chercher de qui il s’agit",
                "Somebody learns what a pseudonym gave, and may look for who that is",
            )];
            if guessed {
                impacts.push(lang.say(
                    "Quelqu’un en devine des habitudes",
                    "Somebody guesses habits from it",
                ));
            }
            (
                lang.say("Accès illégitime", "Illegitimate access"),
                impacts,
                vec![
                    lang.say("Vol ou copie de la base ou d’une sauvegarde", "The database or a backup is stolen or copied"),
                    lang.say("Vol d’une clé de magasin", "A key of a shop is stolen"),
                    lang.say("Rapprochement avec une caméra, une carte bancaire ou une adresse réseau", "Joined with a camera, a bank card or a network address"),
                ],
            )
        }
        Risk::Change => (
            lang.say("Modification non désirée", "Unwanted change"),
            vec![lang.say(
                "Une personne est reconnue sans l’avoir accepté, ou ne l’est plus sans l’avoir voulu",
                "A person is recognised without having accepted it, or no more without having wanted that",
            )],
            vec![
                lang.say("Écriture directe dans la base", "Writing into the database directly"),
                lang.say("Remise en place d’une copie ancienne", "An old copy is put back"),
                lang.say("Message forgé ou rejoué", "A forged or replayed message"),
            ],
        ),
        Risk::Loss => (
            lang.say("Disparition", "Disappearance"),
            vec![lang.say(
                "Le service s’arrête ; la preuve des consentements manque à l’enseigne, non à la personne, qui a la sienne",
                "The service stops; the retailer lacks the proof of consents, not the person, who has their own",
            )],
            vec![
                lang.say("Panne du disque, incendie, vol de la machine", "The disk fails, fire, the machine is stolen"),
                lang.say("Horloge déréglée", "A wrong clock"),
            ],
        ),
    }
}
