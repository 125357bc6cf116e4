//! A desk for rights: what is pending, and until when. It names grants, never people.

use besace_protocol::{consent::ACKNOWLEDGEMENT_SECONDS, party::ControllerId, time::DAY_SECONDS};
use besace_retailer::OwedErasure;

use super::{
    Facts,
    lang::Lang,
    page::{Line, Page},
};

pub(super) fn page(facts: &Facts, lang: Lang) -> Page {
    let rights = &facts.rights;
    let mut page = Page::new(lang.say("Bureau des droits", "Desk for rights"));
    page.paragraph(lang.say(
        &format!("État au {}.", lang.date(facts.now)),
        &format!("As of {}.", lang.date(facts.now)),
    ));
    page.heading(lang.say("Ce que la passerelle a fait seule", "What the gateway did by itself"));
    let count = |count: u64| Line::text(count.to_string());
    page.pairs(vec![
        (lang.say("Consentements actifs", "Active consents"), count(rights.active)),
        (lang.say("Consentements retirés", "Withdrawn consents"), count(rights.withdrawn)),
        (
            lang.say(
                "dont le retrait est acquitté (les autres ont fini avec celui qu’ils remplaçaient)",
                "of which the withdrawal is acknowledged (the others ended with the one that they replaced)",
            ),
            count(rights.acknowledged),
        ),
        (
            lang.say("Consentements remplacés par un autre", "Consents that another one replaced"),
            count(rights.superseded),
        ),
        (lang.say("Consentements arrivés à terme", "Consents that ran out"), count(rights.expired)),
        (
            lang.say("Consentements terminés par l’enseigne", "Consents ended by the retailer"),
            count(rights.revoked),
        ),
        (lang.say("Effacements signés", "Erasures signed"), count(rights.erased)),
        (
            lang.say("Oppositions au démarchage en vigueur", "Objections to marketing in force"),
            count(rights.objections),
        ),
    ]);
    page.heading(lang.say("À faire", "To be done"));
    if rights.owed.is_empty() {
        page.paragraph(lang.say(
            "Aucun effacement n’attend que des destinataires soient avertis.",
            "No erasure waits until recipients were told.",
        ));
    } else {
        page.paragraph(lang.say(
            "Rien n’est plus tenu par la passerelle au titre de ces consentements ; il reste à avertir ceux qui ont reçu les données (article 19), puis à le dire par la commande.",
            "The gateway holds nothing under these consents any more; those who received data have to be told (article 19), and then the command says so.",
        ));
        page.table(
            vec![
                lang.say("Consentement", "Consent"),
                lang.say("Fin", "Ended"),
                lang.say("À avertir", "To be told"),
                lang.say("Échéance", "Due"),
                lang.say("Commande", "Command"),
            ],
            rights.owed.iter().map(|owed| row(facts, owed, lang)).collect(),
        );
    }
    page.heading(
        lang.say("Demandes venues par la poste ou par courriel", "Requests by letter or mail"),
    );
    page.paragraph(lang.say(
        "La passerelle ne les voit pas. Chacune a un mois à compter de sa réception (article 12, paragraphe 3).",
        "The gateway does not see them. Each has one month from its receipt (article 12(3)).",
    ));
    let names = [
        ("Accès (15)", "Access (15)"),
        ("Rectification (16)", "Rectification (16)"),
        ("Effacement (17)", "Erasure (17)"),
        ("Limitation (18)", "Restriction (18)"),
        ("Portabilité (20)", "Portability (20)"),
        ("Opposition (21)", "Objection (21)"),
    ];
    let pending = || {
        Line::gap(
            lang.say("demandes reçues, avec leur date", "requests received, with their dates"),
        )
    };
    page.pairs(names.iter().map(|(fr, en)| (lang.say(fr, en), pending())).collect());
    page.heading(lang.say("Délais", "Deadlines"));
    let hours = ACKNOWLEDGEMENT_SECONDS / 3600;
    page.list(vec![
        Line::text(lang.say(
            &format!("Retrait : pris dès qu’il arrive, acquitté par la passerelle dans la même réponse ; l’agent attend l’accusé {hours} heures."),
            &format!("Withdrawal: taken when it arrives, acknowledged by the gateway in the same answer; the agent allows {hours} hours for it."),
        )),
        Line::text(lang.say(
            "Effacement : signé dans le mois après que l’enseigne a su la fin du consentement (article 12, paragraphe 3) : le même jour du mois suivant, ou son dernier jour.",
            "Erasure: signed within a month after the retailer knew that the consent was over (article 12(3)): the same day of the next month, or its last day.",
        )),
        Line::text(lang.say(
            "Opposition au démarchage : elle vaut dès qu’elle est inscrite, avec ou sans consentement.",
            "Objection to marketing: it holds as soon as it is logged, with or without a consent.",
        )),
        Line::text(lang.say(
            "Un consentement est nommé par son identifiant ; la personne le lit dans son agent, et le joint à son courrier si elle le veut.",
            "A consent is named by its identifier; the person reads it in their agent, and adds it to a letter if they wish.",
        )),
    ]);
    page
}

fn row(facts: &Facts, owed: &OwedErasure, lang: Lang) -> Vec<Line> {
    let recipients: Vec<&str> = owed.recipients.iter().map(ControllerId::as_str).collect();
    let how = if owed.withdrawn {
        lang.say("retiré", "withdrawn")
    } else if owed.revoked {
        lang.say("terminé par l’enseigne", "ended by the retailer")
    } else {
        lang.say("à terme", "ran out")
    };
    let (now, due) = (facts.now.as_unix_seconds(), owed.due.as_unix_seconds());
    let days = lang.days(facts.now.distance(owed.due) / DAY_SECONDS);
    let left = if now >= due {
        lang.say(&format!("en retard de {days}"), &format!("late by {days}"))
    } else {
        lang.say(&format!("encore {days}"), &format!("{days} left"))
    };
    vec![
        Line::default().and_code(owed.grant.to_string()),
        Line::text(format!("{how}, {}", lang.date(owed.ended))),
        Line::text(recipients.join(", ")),
        Line::text(format!("{} ({left})", lang.date(owed.due))),
        Line::default().and_code(format!("besace-gateway erasure told {}", owed.grant)),
    ]
}
