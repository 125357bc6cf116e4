//! French, written for a lawyer; not translated word by word.

use besace_protocol::audit::{Assertion, Fault, Gap, MoreFindings, Unasserted, Verdict};

use super::Words;

pub(super) const WORDS: Words = Words {
    code: "fr",
    title: "Audit des preuves de consentement",
    not_checked: "Ce qui n’a pas pu être vérifié",
    not_checked_lead: "Ce qui figure ici ne prouve rien, ni pour ni contre personne.",
    all_checked: "Rien.",
    findings: "Ce qui ne tient pas",
    no_findings: "Rien n’a été relevé.",
    held: "Ce qui tient",
    nothing_held: "Rien.",
    beyond: "Ce qu’aucun registre ne montre",
    beyond_lead: "Les registres seuls n’en prouvent rien\u{a0}; rien de ce qui précède n’en parle.",
    logs: "Registres",
    logs_lead: "L’en-tête désigne tout ce qui a été lu. Qui en a vu un autre pour autant d’entrées a vu un autre registre.",
    what: "Exigence",
    weight: "Portée",
    place: "Fichier",
    entry: "Entrée",
    why: "Pourquoi",
    times: "Vérifications",
    log: "Registre",
    entries: "Entrées",
    opened: "Ouvertes et lues",
    head: "En-tête",
};

pub(super) fn verdict(verdict: Verdict, findings: u64) -> String {
    match (verdict, findings) {
        (Verdict::Holds, _) => "Tout ce qui a été vérifié tient.".to_owned(),
        (Verdict::NotChecked, _) => {
            "Rien n’a été relevé, mais une partie des preuves n’a pas pu être vérifiée.".to_owned()
        }
        (Verdict::Findings, 1) => "1 constat.".to_owned(),
        (Verdict::Findings, count) => format!("{count} constats."),
    }
}

pub(super) fn more(more: &MoreFindings) -> String {
    let MoreFindings { assertion, log, count, .. } = more;
    let log = if log.is_empty() { "le dossier" } else { log };
    format!("{} {log}. Autres constats du même genre\u{a0}: {count}.", assertion.id())
}

pub(super) const fn assertion(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::B1 => "le dossier contient les fichiers prévus, tous, et aucun autre",
        Assertion::L1 => {
            "chaque en-tête est signé par son registre seul, avec la clé connue de l’auditeur"
        }
        Assertion::L2 => {
            "assez de témoins ont contresigné un en-tête du registre de chaque enseigne"
        }
        Assertion::L3 => "chaque registre commence par tout ce qui en avait été montré",
        Assertion::L4 => "chaque entrée est à sa place, et toutes ensemble donnent l’en-tête signé",
        Assertion::L5 => "aucun registre n’a deux en-têtes de même taille",
        Assertion::L7 => "chaque entrée ouverte est bien celle qui avait été inscrite",
        Assertion::L8 => "dans un registre, le temps ne recule pas, ni ne devance les témoins",
        Assertion::G1 => "chaque document est signé par qui devait le signer",
        Assertion::G2 => "chaque document a la forme prescrite et respecte ses règles",
        Assertion::G3 => {
            "chaque accord reprend mot pour mot une demande alors ouverte, ou une proposition alors valable"
        }
        Assertion::G4 => {
            "l’information donnée avant chaque accord est conservée, et complète (RGPD, article 13)"
        }
        Assertion::G5 => {
            "chaque accord porte sur la finalité, les destinataires et la durée que dit l’information, ou sur moins s’il a été négocié"
        }
        Assertion::G7 => "chaque accord a une fin, dans le délai que l’auditeur admet",
        Assertion::S1 => "chaque passage à un autre registre est signé, et part d’où l’on en était",
        Assertion::S2 => "chaque registre qui prend la suite d’un autre commence où l’autre finit",
        Assertion::S3 => {
            "chaque nouveau registre d’une enseigne commence par dire que le précédent est perdu, et que tout accord a pris fin"
        }
        Assertion::U1 => {
            "tout usage, toute remise de clés, toute communication repose sur un accord en vigueur"
        }
        Assertion::U2 => "rien n’est fait après un retrait",
        Assertion::U3 => {
            "chaque usage reste dans les boutiques, la fréquence, les données et les jours convenus"
        }
        Assertion::U4 => "ce qui a été fait relève de la finalité convenue",
        Assertion::U5 => "ce qu’un registre dit reçu, l’autre le dit envoyé",
        Assertion::U6 => "ce qui est parti était inscrit avant d’arriver",
        Assertion::U7 => "aucune clé d’une personne ne figure aux registres de deux enseignes",
        Assertion::U8 => "les usages de chaque accord se comptent sans trou et s’enchaînent",
        Assertion::U9 => "les nombres signés par l’enseigne sont ceux des usages montrés",
        Assertion::U10 => {
            "ce qui a été fait pour elle l’a été par la personne qu’un mandat y autorisait alors"
        }
        Assertion::W1 => "chaque retrait a reçu à temps son accusé de réception",
        Assertion::W4 => "rien n’est proposé à qui s’y oppose, d’après le registre de l’enseigne",
        Assertion::W6 => {
            "un accord renouvelé en remplace un seul, dont plus rien n’est fait ensuite"
        }
        Assertion::W8 => {
            "à la fin de chaque accord, tout est effacé à temps, et qui l’avait reçu est prévenu"
        }
        Assertion::W2 => "les clés de chaque jour ont été effacées à la fin du jour ou de l’accord",
    }
}

pub(super) const fn unasserted(one: Unasserted) -> [&'static str; 2] {
    match one {
        Unasserted::L6 => [
            "un notaire détient les en-têtes de chaque coffre",
            "il n’y a pas de notaire\u{a0}: le registre propre d’un coffre n’est montré à personne, car il relierait entre eux ceux d’une même personne",
        ],
        Unasserted::G8 => [
            "après un refus, la même demande ne revient pas avant la fin de la pause",
            "une demande est publiée pour tous\u{a0}; aucun registre ne dit à qui elle a été montrée, et c’est l’agent de chacun qui fait respecter la pause",
        ],
        Unasserted::W3 => [
            "retirer son accord n’a pas demandé plus de gestes que le donner",
            "un geste sur une page ne laisse pas d’entrée\u{a0}; les tests des programmes les comptent",
        ],
        Unasserted::W5 => [
            "une exportation a été remise, et peut être vérifiée",
            "chacun exporte seul, chez soi\u{a0}: nul autre n’y prend part, et ne pourrait donc l’inscrire",
        ],
        Unasserted::O2 => [
            "les changements d’horloge et de clés sont des entrées",
            "les changements de clés le sont (S1, S2)\u{a0}; une horloge remise à l’heure ne laisse de trace que si le temps recule (L8)",
        ],
    }
}

pub(super) fn gap(gap: &Gap) -> String {
    match gap {
        Gap::UnknownLogKey { origin } => format!(
            "{origin}\u{a0}: aucune clé connue pour ce registre, et aucun accord n’en donne\u{a0}; il n’a pas été lu."
        ),
        Gap::RememberedLogAbsent { origin } => {
            format!("{origin}\u{a0}: ce registre, vu lors d’une visite précédente, n’est pas dans le dossier.")
        }
        Gap::Unopened { origin, count, size } => format!(
            "{origin}. Entrées non ouvertes, au contenu inconnu\u{a0}: {count} sur {size}."
        ),
        Gap::NoMemory { origin } => format!(
            "{origin}\u{a0}: aucun en-tête antérieur n’est connu\u{a0}; ce qui a été retiré avant ne se voit pas."
        ),
        Gap::UnreadDocuments { count } => format!(
            "Documents non lus\u{a0}: {count}. Le registre qui les nomme n’a peut-être pas été lu."
        ),
        Gap::ConductNotJudged => {
            "Les preuves ne tiennent pas toutes\u{a0}: ce qui a été fait n’a donc pas été jugé.".to_owned()
        }
        Gap::NoRequest { grant } => {
            format!("{grant}\u{a0}: la demande à laquelle répond cet accord n’est pas ouverte.")
        }
        Gap::NoTranscript { grant } => {
            format!("{grant}\u{a0}: ce qui s’est dit avant sa proposition n’est pas ouvert.")
        }
        Gap::DebitsNotAnswered { grant, count } => format!(
            "{grant}\u{a0}: son registre ne montre pas de réponse pour {count} débits en caisse\u{a0}; une sauvegarde a pu l’ignorer, ou rien n’a été inscrit."
        ),
        Gap::NoNotice { grant, notice } => {
            format!("{grant}\u{a0}: l’information d’empreinte {notice} n’est pas dans le dossier.")
        }
        Gap::NoStatement { grant } => {
            format!("{grant}\u{a0}: aucun nombre d’usages signé par l’enseigne n’est dans le dossier.")
        }
        Gap::OneSided { grant } => format!(
            "{grant}\u{a0}: le registre de l’enseigne n’est pas dans le dossier\u{a0}; ses usages ne sont pas connus."
        ),
        Gap::BeforeRestoration { grant } => format!(
            "{grant}\u{a0}: a pris fin quand l’enseigne a perdu ses registres\u{a0}; ce qu’ils en disaient n’est pas ici."
        ),
        Gap::LostByRetailer { origin, first, last } => format!(
            "{origin}\u{a0}: l’enseigne a perdu les entrées {first} à {last}\u{a0}; leur contenu n’est pas connu."
        ),
        Gap::RestorationNotShown { origin } => {
            format!("{origin}\u{a0}: l’acte par lequel ce registre commence n’est pas ouvert.")
        }
        Gap::HersAbsent { grant } => format!(
            "{grant}\u{a0}: le registre de la personne n’est pas dans le dossier\u{a0}; ses envois ne sont pas connus."
        ),
        Gap::NotShownReceived { grant, count } => {
            format!("{grant}. Envois inscrits par la personne et non montrés comme reçus\u{a0}: {count}.")
        }
        Gap::LostEntries { origin } => format!(
            "{origin}\u{a0}: des entrées ont été perdues avec le fichier restauré\u{a0}; leur contenu n’est pas connu."
        ),
        Gap::SentLost { grant, count } => {
            format!("{grant}. Envois qui pouvaient figurer dans ce qui a été perdu\u{a0}: {count}.")
        }
        Gap::UsesNotShown { grant, count } => format!(
            "{grant}. Usages comptés et non montrés, que seule la personne peut ouvrir\u{a0}: {count}."
        ),
        Gap::AcknowledgementPending { grant } => format!(
            "{grant}\u{a0}: retrait sans accusé de réception pour l’instant\u{a0}; le délai n’est pas écoulé."
        ),
        Gap::NotHeard { grant } => {
            format!("{grant}\u{a0}: retiré\u{a0}; rien ici ne montre que l’enseigne l’a su.")
        }
        Gap::NotShownYet { grant } => format!(
            "{grant}\u{a0}: ce qui était dû après sa fin est peut-être plus récent que ce dossier."
        ),
        Gap::ErasurePending { grant } => format!(
            "{grant}\u{a0}: terminé, sans effacement signé pour l’instant\u{a0}; le délai n’est pas écoulé."
        ),
        Gap::DeletionNotShown { grant, count } => {
            format!("{grant}. Jours dont l’effacement des clés n’est pas montré\u{a0}: {count}.")
        }
        Gap::RetentionNotShown { grant } => format!(
            "{grant}. Sa durée de conservation est passée\u{a0}; l’effacement de ce qui a été reçu n’est pas montré."
        ),
        Gap::More { count, like } => format!("{count} autres du même genre que\u{a0}: {}", self::gap(like)),
        Gap::Witnesses => {
            "Aucun témoin n’est désigné\u{a0}: deux personnes qui ne comparent pas pourraient voir deux registres."
                .to_owned()
        }
        Gap::OtherWitnesses { origin, count } => format!(
            "{origin}. Signatures de témoins que l’auditeur ne désigne pas, non vérifiées\u{a0}: {count}."
        ),
        Gap::NotCosigned { origin } => format!(
            "{origin}. Aucun en-tête contresigné n’est dans le dossier\u{a0}: il a pu en être retiré."
        ),
        Gap::CosignedLongAgo { origin, seconds } => format!(
            "{origin}\u{a0}: les témoins l’ont vu il y a {seconds} s\u{a0}; la suite n’est pas connue."
        ),
        Gap::NotYetCosigned { origin, count } => {
            format!("{origin}. Dernières entrées que les témoins n’ont pas vues\u{a0}: {count}.")
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a sentence for each fault")]
pub(super) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::UnknownFile => "Aucun dossier de preuves n’a de fichier de ce nom.".to_owned(),
        Fault::Missing => "Le fichier manque.".to_owned(),
        Fault::NotOfThisTree => "Le registre de cet en-tête n’a pas ce fichier.".to_owned(),
        Fault::OtherBytes => "Le contenu n’est pas celui que dit le nom du fichier.".to_owned(),
        Fault::UnnamedDocument => "Rien dans le dossier ne nomme ce document.".to_owned(),
        Fault::Manifest => {
            "Ce n’est pas la carte de visite de l’enseigne, ou ses clés ne sont pas celles connues."
                .to_owned()
        }
        Fault::ParseCheckpoint(_) => "Ce n’est pas un en-tête.".to_owned(),
        Fault::Checkpoint(_) => "L’en-tête ne tient pas.".to_owned(),
        Fault::Quorum(_) => "Trop peu de témoins désignés ont contresigné cet en-tête.".to_owned(),
        Fault::SeenBackwards { witness, seconds } => {
            format!(
                "Selon sa propre horloge, {witness} a vu cet en-tête et un précédent dans le désordre, avec {seconds} s d’écart."
            )
        }
        Fault::ProposedToObjector => {
            "Proposition à qui s’oppose à la prospection, d’après ce registre.".to_owned()
        }
        Fault::OtherSize => "Le nom du fichier dit une autre taille.".to_owned(),
        Fault::Shorter { seen } => {
            format!(
                "Le registre est plus court que les {seen} entrées qui en avaient été montrées."
            )
        }
        Fault::Rewritten { seen } => {
            format!(
                "Le registre ne commence pas par les {seen} entrées qui en avaient été montrées."
            )
        }
        Fault::Forked => "Un autre en-tête a été signé pour la même taille.".to_owned(),
        Fault::ParseTile(_) => "Le fichier est mal formé.".to_owned(),
        Fault::Entry => "L’entrée n’est pas celle qui avait été inscrite.".to_owned(),
        Fault::TileHash => "L’empreinte n’est pas celle que donnent les entrées.".to_owned(),
        Fault::Root => "Les entrées ne donnent pas l’en-tête signé.".to_owned(),
        Fault::OpeningLine(_) | Fault::Opening(_) => "Ceci n’ouvre pas cette entrée.".to_owned(),
        Fault::NoSuchEntry => "Le registre n’a pas cette entrée.".to_owned(),
        Fault::ParseRecord(_) => "Ce n’est pas une inscription.".to_owned(),
        Fault::ParseDocument(_) => "Ce n’est pas un document de ce type.".to_owned(),
        Fault::ForeignDocument => "Ce document n’a pas sa place dans ce registre.".to_owned(),
        Fault::OtherLogKey => {
            "Le registre désigné est signé d’une autre clé que celle donnée ici.".to_owned()
        }
        Fault::NoPseudonym => "Aucune suite n’était possible à partir de là.".to_owned(),
        Fault::LeftTwice => {
            "Ce registre avait déjà été quitté\u{a0}: il aurait deux suites.".to_owned()
        }
        Fault::LeftOut => {
            "Ce qui avait été montré est omis, alors que rien n’était perdu.".to_owned()
        }
        Fault::NoContinuation => {
            "Aucun registre d’enseigne ne dit que celui-ci prend la suite d’un autre.".to_owned()
        }
        Fault::NoAnchor => "Le registre ne commence pas où l’autre était censé finir.".to_owned(),
        Fault::NoOldLog => {
            "Le registre dont celui-ci prend la suite n’est pas dans le dossier.".to_owned()
        }
        Fault::WrittenOn => "Le registre quitté a continué d’être écrit.".to_owned(),
        Fault::NoRestoration => {
            "Ce nouveau registre ne commence pas par l’acte qui dit pourquoi.".to_owned()
        }
        Fault::RestorationElsewhere => {
            "Cet acte n’a sa place qu’au début du registre qu’il ouvre.".to_owned()
        }
        Fault::RestoredTwice => "Un autre acte ouvre le même registre.".to_owned(),
        Fault::RestorationOrder => "Cet acte ne suit pas celui qui le précède.".to_owned(),
        Fault::NoPinnedKey => "L’auditeur ne connaît aucune clé pour cette enseigne.".to_owned(),
        Fault::Signature(_) => "Les signatures ne tiennent pas.".to_owned(),
        Fault::Backwards { seconds } => {
            format!("Cette entrée se dit antérieure de {seconds} s à une entrée qui la précède.")
        }
        Fault::SeenBefore { seconds } => {
            format!("Des témoins avaient vu cette entrée {seconds} s avant l’instant qu’elle dit.")
        }
        Fault::GrantTwice { grant } => {
            format!("{grant} avait déjà été donné, en d’autres termes.")
        }
        Fault::NotTheRequest { grant, .. } => {
            format!("{grant} ne répond pas à la demande qu’il nomme.")
        }
        Fault::Spliced { grant } => {
            format!("La proposition que reprend {grant} ne fait pas suite à ce qui s’était dit.")
        }
        Fault::Notice(_) => "L’information donnée n’est pas complète.".to_owned(),
        Fault::NotItsNotice { request, .. } => {
            format!("L’information donnée n’est pas celle de {request}.")
        }
        Fault::NotAsTold { grant } => {
            format!("{grant} est donné pour autre chose que ce que dit l’information.")
        }
        Fault::TooLong { grant, days, allowed } => {
            format!("{grant} vaut {days} jours\u{a0}; l’auditeur en admet {allowed}.")
        }
        Fault::KnownElsewhere { grant } => {
            format!("La clé qui a donné {grant} figure aussi au registre d’une autre enseigne.")
        }
        Fault::NotTheGrant { grant, .. } => format!("Ceci n’appartient pas à {grant}."),
        Fault::NotTheErasure { grant, .. } => {
            format!("Ceci n’est pas l’effacement dû au titre de {grant}.")
        }
        Fault::ErasedLate { grant, seconds } => {
            format!("L’effacement au titre de {grant} a eu lieu {seconds} s après l’échéance.")
        }
        Fault::ErasedBefore { grant, seconds } => {
            format!("L’effacement au titre de {grant} se dit antérieur de {seconds} s à sa fin.")
        }
        Fault::NeverErased { grant } => {
            format!("Aucune signature montrée n’atteste l’effacement au titre de {grant}.")
        }
        Fault::NoGrant { grant } => {
            format!("Aucun accord de ce nom ne figure avant cette entrée\u{a0}: {grant}.")
        }
        Fault::BeforeGiven { grant } => format!("{grant} n’était pas encore donné à cet instant."),
        Fault::Expired { grant } => format!("{grant} était échu à cet instant."),
        Fault::AfterWithdrawal { grant, withdrawn } => {
            format!("{grant} avait été retiré à l’entrée {withdrawn}.")
        }
        Fault::AfterRevocation { grant, revoked } => {
            format!("L’enseigne avait mis fin à {grant} à l’entrée {revoked}.")
        }
        Fault::NotTheRevocation { grant, .. } => {
            format!("Ceci ne met pas fin à {grant}.")
        }
        Fault::AfterRestoration { grant, restored } => {
            format!("{grant} avait pris fin avec tous les autres, à l’entrée {restored}.")
        }
        Fault::AfterRenewal { grant, renewed } => {
            format!("Un autre accord avait remplacé {grant} à l’entrée {renewed}.")
        }
        Fault::RenewsWithdrawn { grant, withdrawn } => {
            format!("Ce que {grant} remplace avait été retiré à l’entrée {withdrawn}.")
        }
        Fault::RenewedTwice { grant } => format!("Deux accords remplacent {grant}."),
        Fault::NotARenewal { grant, .. } => {
            format!("{grant} ne peut pas remplacer l’accord qu’il nomme.")
        }
        Fault::AfterAnswer { grant, seconds } => {
            format!("L’enseigne avait accusé réception du retrait de {grant} depuis {seconds} s.")
        }
        Fault::DelegateCall(_) => {
            "Ce n’est pas un appel de la personne mandatée, sous ce mandat.".to_owned()
        }
        Fault::NotTheMandate { mandate } => {
            format!("Ceci ne met pas fin à {mandate} tel qu’elle l’a signé.")
        }
        Fault::NoMandate { mandate } => {
            format!("Aucun mandat de ce nom ne figure avant cette entrée\u{a0}: {mandate}.")
        }
        Fault::MandateWithdrawn { mandate, withdrawn } => {
            format!("{mandate} avait été retiré à l’entrée {withdrawn}.")
        }
        Fault::MandateOver { mandate } => {
            format!("{mandate} n’était pas en vigueur à cet instant.")
        }
        Fault::BeyondMandate { mandate, .. } => format!("{mandate} ne permet pas cet acte."),
        Fault::ActTwice { mandate } => {
            format!("Le même appel avait déjà été suivi sous {mandate}.")
        }
        Fault::Shop { grant } => format!("{grant} ne nomme pas cette boutique."),
        Fault::Frequency { grant, allowed } => {
            format!(
                "{grant} permet {allowed} usages par jour et par boutique\u{a0}; celui-ci est de trop."
            )
        }
        Fault::Category { grant } => format!("{grant} ne nomme pas cette sorte de données."),
        Fault::ReleasedDay { grant } => {
            format!("{grant} ne prévoit pas de remettre ce jour-là les clés de cet autre jour.")
        }
        Fault::Purpose { grant } => format!("{grant} a une autre finalité."),
        Fault::Hidden { grant, first, last } => {
            format!("Les usages {first} à {last} de {grant} ne sont pas montrés.")
        }
        Fault::CountedTwice { grant } => {
            format!("{grant} avait déjà un usage de ce numéro.")
        }
        Fault::Chain { grant } => format!("Cet usage ne suit pas le précédent de {grant}."),
        Fault::Stated { grant, stated, shown } => {
            format!(
                "Usages de {grant} signés par l’enseigne\u{a0}: {stated}\u{a0}; montrés\u{a0}: {shown}."
            )
        }
        Fault::StatedHead { grant } => {
            format!("L’enseigne a signé une autre suite d’usages de {grant}.")
        }
        Fault::NeverSent => "L’autre registre ne dit pas que ceci a été envoyé.".to_owned(),
        Fault::ArrivedFirst { seconds } => {
            format!("Ceci est arrivé {seconds} s avant d’être inscrit comme envoyé.")
        }
        Fault::AcknowledgedLate { grant, seconds } => {
            format!("Le retrait de {grant} a reçu son accusé de réception au bout de {seconds} s.")
        }
        Fault::NeverAcknowledged { grant } => {
            format!("Aucun accusé de réception du retrait de {grant} n’est montré.")
        }
        Fault::NotDeleted { grant, day } => format!(
            "L’accusé de réception passe sous silence le jour {} de {grant}.",
            day.as_number()
        ),
        Fault::DeletedLate { grant, day, seconds } => {
            format!("Le jour {} de {grant} a été effacé {seconds} s après sa fin.", day.as_number())
        }
        Fault::HeldTooLong { grant, seconds } => format!(
            "Ce qui a été reçu au titre de {grant} a été effacé {seconds} s après la fin de sa durée de conservation."
        ),
    }
}

#[cfg(test)]
mod tests {
    /// The texts of this file, without its tests.
    fn texts() -> Vec<String> {
        let source = include_str!("french.rs").split("#[cfg(test)]").next().unwrap();
        let literals = source.split('"').skip(1).step_by(2);
        let texts = literals.map(|text| text.replace("\\u{a0}", "\u{a0}").replace("\\n", ""));
        texts.filter(|text| text.contains(' ')).collect()
    }

    #[test]
    fn french_is_set_as_french_is() {
        assert!(texts().len() > 80);
        for text in texts() {
            assert!(!text.contains('\''), "{text}");
            for sign in [" :", " ;", " ?", " !"] {
                assert!(!text.contains(sign), "{text}");
            }
            for sentence in text.split(['.', '\u{a0}']) {
                assert!(sentence.split_whitespace().count() <= 25, "{sentence}");
            }
        }
    }
}
