//! A clause for whoever hosts the gateway: GDPR art. 28(3).

use super::{
    Facts,
    lang::Lang,
    measures::left_to_people,
    page::{Line, Page},
    register,
};
use crate::config::Config;

pub(super) fn page(facts: &Facts, lang: Lang) -> Page {
    let legal = &facts.identity.legal;
    let mut page = Page::new(lang.say("Clause pour un hébergeur", "Clause for a host"));
    page.paragraph(lang.say(
        &format!("RGPD, article 28, paragraphe 3. Proposition du {}, à joindre au contrat d’hébergement.", lang.date(facts.now)),
        &format!("GDPR, article 28(3). Proposed on {}, to be joined to the hosting contract.", lang.date(facts.now)),
    ));
    page.pairs(vec![
        (
            lang.say("Responsable du traitement", "Controller"),
            Line::text(format!("{}, {}. {}", legal.name, legal.address, legal.contact)),
        ),
        (
            lang.say("Sous-traitant", "Processor"),
            Line::gap(lang.say(
                "nom, adresse et contact de l’hébergeur",
                "name, address and contact of the host",
            )),
        ),
        (
            lang.say("Durée", "Duration"),
            Line::gap(lang.say("celle du contrat d’hébergement", "that of the hosting contract")),
        ),
    ]);
    page.heading(lang.say("Objet", "Subject matter"));
    page.paragraph(lang.say(
        "L’hébergeur fait tourner le programme besace-gateway et garde ses fichiers. Il n’a besoin de lire aucune donnée pour cela.",
        "The host runs the program besace-gateway and keeps its files. To do so it needs to read no data.",
    ));
    let treatments = facts.treatments();
    if treatments.is_empty() {
        page.paragraph(lang.say(
            "Aucune demande de consentement n’est publiée à ce jour.",
            "No consent request is published to this day.",
        ));
    } else {
        page.table(
            vec![
                lang.say("Finalité", "Purpose"),
                lang.say("Données", "Data"),
                lang.say("Effacement", "Erasure"),
            ],
            treatments
                .iter()
                .map(|one| {
                    vec![
                        Line::text(lang.purpose(one.purpose)),
                        Line::text(register::data(one, lang)),
                        Line::text(register::erasure(one, lang)),
                    ]
                })
                .collect(),
        );
    }
    page.paragraph(lang.say(
        "Personnes concernées : clientes et clients qui ont donné leur accord, connus par un pseudonyme.",
        "Data subjects: customers who gave their consent, known by a pseudonym.",
    ));
    page.heading(lang.say("Obligations de l’hébergeur", "What the host has to do"));
    for (title, text) in duties(lang) {
        page.subheading(title);
        page.paragraph(text);
    }
    page.heading(lang.say("Ce que l’hébergeur apporte", "What the host contributes"));
    page.list(left_to_people(facts, lang));
    page
}

fn duties(lang: Lang) -> Vec<(String, Line)> {
    let files = [Config::STORE, Config::FILE, Config::WITNESSES].join(", ");
    vec![
        (
            lang.say("a) Instructions", "(a) Instructions"),
            Line::text(lang.say(
                "L’hébergeur ne traite les données que sur instruction documentée, transferts hors de l’Union compris, et prévient aussitôt si une instruction lui paraît contraire au droit.",
                "The host processes data on documented instructions only, transfers outside the Union included, and says at once where an instruction seems to infringe the law.",
            )),
        ),
        (
            lang.say("b) Confidentialité", "(b) Confidentiality"),
            Line::text(lang.say(
                "Les personnes qui ont accès à la machine sont tenues au secret. ",
                "Those who have access to the machine are bound to confidentiality. ",
            ))
            .and_gap(lang.say("leur liste, ou leur fonction", "who they are, or their function")),
        ),
        (
            lang.say("c) Sécurité", "(c) Security"),
            Line::text(lang.say(
                "L’hébergeur n’ouvre ni ne remplace la base, et n’en fait d’autres copies que les sauvegardes convenues plus bas, chiffrées, effacées au terme convenu ; il n’en remet une en place qu’avec l’accord écrit du responsable, car la passerelle cesse alors de signer. Les mesures du programme sont au registre ; celles de l’hébergeur, plus bas.",
                "The host neither opens nor replaces the database, and makes no other copies of it than the backups agreed on below, encrypted, and deleted at the time agreed on; it puts one back only with the written consent of the controller, because the gateway stops signing then. The measures of the program stand in the record; those of the host, below.",
            )),
        ),
        (
            lang.say("d) Autres sous-traitants", "(d) Other processors"),
            Line::text(lang.say(
                "Aucun sans autorisation écrite préalable, et aux mêmes obligations. ",
                "None without prior written authorisation, and under the same obligations. ",
            ))
            .and_gap(lang.say("les sous-traitants autorisés, ou aucun", "those that are authorised, or none")),
        ),
        (
            lang.say("e) Droits des personnes", "(e) Rights of people"),
            Line::text(lang.say(
                "Retraits, effacements et oppositions sont reçus et servis par le programme : l’hébergeur le garde joignable, et transmet sans délai toute demande qui lui parviendrait autrement. Décisions automatisées (article 22) : le programme n’en prend aucune qui ait un effet juridique ou affecte une personne de façon comparable ; les offres publiées sont les mêmes pour tous, et c’est l’agent de la personne, chez elle, qui choisit celles qu’il montre.",
                "Withdrawals, erasures and objections are taken and served by the program: the host keeps it reachable, and hands on without delay any request that reaches it otherwise. Automated decisions (article 22): the program takes none that has a legal effect or affects a person in a similar way; the offers that are published are the same for all, and it is the person’s agent, at home, that chooses which it shows.",
            )),
        ),
        (
            lang.say("f) Assistance et violations", "(f) Assistance and breaches"),
            Line::text(lang.say(
                "L’hébergeur aide à la sécurité, à l’analyse d’impact et à la consultation de l’autorité (articles 32 à 36). Il signale toute violation sans délai, au plus tard sous ",
                "The host assists with security, the impact assessment and prior consultation (articles 32 to 36). It notifies any breach without delay, at the latest within ",
            ))
            .and_gap(lang.say("nombre d’heures", "number of hours"))
            .and("."),
        ),
        (
            lang.say("g) Fin du contrat", "(g) End of the contract"),
            Line::text(lang.say(
                "Au choix du responsable, l’hébergeur rend ou efface le dossier de la passerelle (",
                "At the choice of the controller, the host returns or deletes the folder of the gateway (",
            ))
            .and_code(files)
            .and(lang.say(
                "), le dossier des marques et toutes leurs copies, et l’atteste par écrit.",
                "), the folder of marks and all copies of them, and certifies it in writing.",
            )),
        ),
        (
            lang.say("h) Audits", "(h) Audits"),
            Line::text(lang.say(
                "L’hébergeur permet les audits. La commande ",
                "The host allows for audits. The command ",
            ))
            .and_code("besace-gateway evidence")
            .and(lang.say(
                " remet à un auditeur le journal et ce qui l’ouvre ; ",
                " hands an auditor the log and what opens it; ",
            ))
            .and_code("besace-audit")
            .and(lang.say(" les vérifie sans l’hébergeur.", " checks them without the host.")),
        ),
    ]
}
