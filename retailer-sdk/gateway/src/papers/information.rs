//! What people are told: GDPR art. 13, as it was published with each request.

use besace_protocol::{consent::NoticeItem, purpose::Purpose};
use besace_retailer::PublishedRequest;

use super::{
    Facts,
    lang::Lang,
    page::{Line, Page},
    register::item,
};

pub(super) fn page(facts: &Facts, lang: Lang) -> Page {
    let mut page = Page::new(lang.say("Information des personnes", "What people are told"));
    page.paragraph(lang.say(
        &format!("RGPD, article 13. État au {}. Les textes sont ceux que les personnes lisent avant de répondre, dans la langue où ils ont été publiés ; la passerelle n’en publie pas d’incomplets.", lang.date(facts.now)),
        &format!("GDPR, article 13. As of {}. The texts are those that people read before they answer, in the language in which they were published; the gateway publishes none that is incomplete.", lang.date(facts.now)),
    ));
    let mut any = false;
    for purpose in Purpose::ALL {
        let of = facts.requests.iter().filter(|one| one.request.terms.purpose == *purpose);
        for one in of {
            any = true;
            page.heading(lang.purpose(*purpose));
            notice(&mut page, facts, one, lang);
        }
    }
    if !any {
        page.paragraph(lang.say(
            "Aucune demande de consentement n’est publiée : il n’y a rien à annoncer à ce titre.",
            "No consent request is published: there is nothing to tell by that title.",
        ));
    }
    page.heading(lang.say("Où et quand", "Where and when"));
    page.list(vec![
        Line::text(lang.say(
            "Chaque personne lit ce texte dans son propre agent, avant de répondre ; l’agent ne montre pas une demande dont l’information est incomplète.",
            "Each person reads this text in their own agent, before they answer; the agent shows no request whose notice is incomplete.",
        )),
        Line::text(lang.say(
            "Le consentement nomme l’empreinte du texte lu ; le texte est archivé sous cette empreinte.",
            "The consent names the digest of the text that was read; the text is archived under that digest.",
        )),
        Line::text(lang.say("En magasin : ", "In the shop: ")).and_gap(lang.say(
            "l’affichage près des récepteurs, et où trouver ce texte sur papier",
            "the sign beside the receivers, and where this text is on paper",
        )),
    ]);
    page
}

fn notice(page: &mut Page, facts: &Facts, one: &PublishedRequest, lang: Lang) {
    let (request, notice) = (&one.request, &one.notice);
    let legal = notice.controller();
    let mut rows = vec![(
        lang.say("Responsable du traitement", "Controller"),
        Line::text(format!("{}, {}. {}", legal.name, legal.address, legal.contact)),
    )];
    for what in NoticeItem::ALL {
        let name = format!("{} ({})", lang.item(*what), what.article());
        rows.push((name, Line::text(item(one, *what))));
    }
    let days = lang.days(u64::from(request.terms.retention_days));
    rows.push((
        lang.say("Ce que la demande fixe", "What the request sets"),
        Line::text(lang.say(
            &format!("Conservation : {days} au plus."),
            &format!("Retention: at most {days}."),
        )),
    ));
    let answerable = if facts.now < request.expires {
        lang.say("jusqu’au ", "until ")
    } else {
        lang.say("plus depuis le ", "no more since ")
    };
    rows.push((
        lang.say("Demande", "Request"),
        Line::default()
            .and_code(request.id.to_string())
            .and(lang.say(" ; on peut y répondre ", "; it can be answered "))
            .and(answerable)
            .and(lang.date(request.expires)),
    ));
    rows.push((
        lang.say("Texte", "Text"),
        Line::text(lang.say(
            &format!("version {}, langue {}, empreinte ", notice.version(), notice.language()),
            &format!("version {}, language {}, digest ", notice.version(), notice.language()),
        ))
        .and_code(request.notice.digest.to_string()),
    ));
    if *legal != facts.identity.legal {
        rows.push((
            lang.say("À vérifier", "To be looked at"),
            Line::gap(lang.say(
                "ce texte nomme une autre identité que celle d’aujourd’hui ; publier une nouvelle demande",
                "this text names another identity than today’s; publish a new request",
            )),
        ));
    }
    page.pairs(rows);
}
