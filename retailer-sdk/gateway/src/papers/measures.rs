//! What protects the data, as the programs do it: a measure stands here with the test that fails when it is not true.

use super::{Facts, lang::Lang, page::Line};

/// What a measure works against, in the words of impact assessments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Risk {
    /// Somebody reads what is not for him.
    Access,
    /// Something is changed.
    Change,
    /// Something is lost.
    Loss,
}

/// A measure that this program takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) title: String,
    pub(super) text: Line,
    pub(super) risks: &'static [Risk],
    /// File and name of the test: it exists, and a test of this module says so.
    pub(super) proof: (&'static str, &'static str),
}

impl Measure {
    pub(super) fn helps(&self, risk: Risk) -> bool {
        self.risks.contains(&risk)
    }

    /// What it is, and where that is held.
    pub(super) fn described(&self, lang: Lang) -> Line {
        let by = lang.say(" Éprouvé par l’essai ", " Held by the test ");
        self.text.clone().and(by).and_code(self.proof.1).and(".")
    }
}

const ACCESS: &[Risk] = &[Risk::Access];
const CHANGE: &[Risk] = &[Risk::Change];
const LOSS: &[Risk] = &[Risk::Loss];
const ACCESS_AND_CHANGE: &[Risk] = &[Risk::Access, Risk::Change];
const CHANGE_AND_LOSS: &[Risk] = &[Risk::Change, Risk::Loss];

/// (title, text) in French, (title, text) in English, risks, (file, test).
type Row = (
    (&'static str, &'static str),
    (&'static str, &'static str),
    &'static [Risk],
    (&'static str, &'static str),
);

const ROWS: &[Row] = &[
    (
        (
            "Pseudonymes propres à l’enseigne",
            "La passerelle ne connaît chaque personne que par une clé faite pour cette enseigne seule. Sa base, son journal et ses fichiers ne permettent pas de reconstituer deux visites d’une même personne.",
        ),
        (
            "Pseudonyms of this retailer alone",
            "The gateway knows each person by a key made for this retailer alone. Its database, log and files do not let two visits of one person be rebuilt.",
        ),
        ACCESS,
        ("retailer-sdk/gateway/tests/http/privacy.rs", "two_visits_cannot_be_rebuilt"),
    ),
    (
        (
            "Rien sur les inconnus",
            "Un identifiant radio qui n’est couvert par aucun consentement ne se résout pas et ne laisse aucune trace dans la base.",
        ),
        (
            "Nothing about strangers",
            "A radio identifier that no consent covers does not resolve, and leaves no trace in the database.",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/sighting.rs", "strangers_leave_no_trace"),
    ),
    (
        (
            "Consentement signé et vérifié",
            "Aucun consentement n’est accepté sans la signature de la personne qui le donne ; il est signé aussi par l’enseigne et inscrit au journal avant la réponse.",
        ),
        (
            "Consent is signed and checked",
            "No consent is taken without the signature of the person who gives it; the retailer signs it, too, and it is logged before the answer.",
        ),
        CHANGE,
        ("retailer-sdk/src/tests/consent.rs", "a_grant_must_be_the_work_of_its_own_subject"),
    ),
    (
        (
            "Jamais plus que ce qui est consenti",
            "Une donnée plus fine que ce que la personne a accordé est refusée à l’entrée.",
        ),
        (
            "Never more than was consented to",
            "Data that is finer than what the person granted is refused at the entry.",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/receive.rs", "what_is_finer_than_the_grant_is_not_taken"),
    ),
    (
        (
            "Magasins et fréquence limités",
            "Personne n’est reconnu dans un magasin que son consentement ne nomme pas, ni plus souvent par jour qu’il ne le dit.",
        ),
        (
            "Shops and frequency are limited",
            "Nobody is recognised in a shop that their consent does not name, nor more often a day than it says.",
        ),
        ACCESS,
        (
            "retailer-sdk/src/tests/sighting.rs",
            "a_shop_that_the_grant_does_not_name_and_one_visit_too_many_are_not_recognised",
        ),
    ),
    (
        (
            "Clés d’un seul jour",
            "Les clés qui permettent de reconnaître un pseudonyme ne valent qu’un jour ; elles sont détruites avant la demie de minuit (UTC).",
        ),
        (
            "Keys of a single day",
            "The keys by which a pseudonym is recognised are good for one day; they are destroyed before half past midnight (UTC).",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/time.rs", "a_day_is_destroyed_before_half_past_midnight"),
    ),
    (
        (
            "Tout usage est inscrit, ou n’a pas lieu",
            "Chaque usage d’un consentement est inscrit au journal avant que le magasin n’ait sa réponse. Si le journal ne peut être écrit, personne n’est reconnu.",
        ),
        (
            "Each use is logged, or does not happen",
            "Each use of a consent is logged before the shop has its answer. Where the log cannot be written, nobody is recognised.",
        ),
        ACCESS_AND_CHANGE,
        (
            "retailer-sdk/src/tests/sighting.rs",
            "nobody_is_recognised_when_the_log_cannot_be_written",
        ),
    ),
    (
        (
            "Effacement au retrait",
            "Un retrait efface dans la même opération les clés et les données tenues au titre du consentement ; il est inscrit au journal et acquitté par un document signé.",
        ),
        (
            "Erasure with the withdrawal",
            "A withdrawal erases, in one operation, the keys and data that are held under the consent; it is logged and acknowledged by a signed document.",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/consent.rs", "a_withdrawal_ends_everything_and_is_acknowledged"),
    ),
    (
        (
            "Effacement au terme",
            "Les données reçues sont effacées au terme que fixe le consentement, sans que personne n’ait à y penser.",
        ),
        (
            "Erasure at the deadline",
            "Data that was received is erased at the deadline that the consent sets; nobody has to think of it.",
        ),
        ACCESS,
        (
            "retailer-sdk/src/tests/receive.rs",
            "a_disclosure_is_logged_by_digest_and_kept_until_the_deadline_of_its_terms",
        ),
    ),
    (
        (
            "Ce qui est effacé n’est plus dans les fichiers",
            "Ce qui est effacé est écrasé dans la base, et son journal d’écriture est vidé.",
        ),
        (
            "What is erased is in no file",
            "What is erased is overwritten in the database, and its write-ahead log is emptied.",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/privacy.rs", "a_destroyed_name_is_in_no_file"),
    ),
    (
        (
            "Base lisible par un seul compte",
            "Le fichier de la base est créé lisible par le seul compte du serveur (mode 0600). Ce programme ne le chiffre pas.",
        ),
        (
            "A database that one account reads",
            "The file of the database is made so that the account of the server alone reads it (mode 0600). This program does not encrypt it.",
        ),
        ACCESS,
        ("retailer-sdk/src/store.rs", "a_store_is_private_and_opens_again"),
    ),
    (
        (
            "Clés de magasin limitées",
            "Caisses, récepteurs et écrans ont chacun une clé, liée à un magasin et à des usages, et révocable ; la base n’en garde que l’empreinte.",
        ),
        (
            "Keys of shops are limited",
            "Each till, receiver and screen has a key that is bound to one shop and to what it is for, and can be revoked; the database keeps its digest only.",
        ),
        ACCESS_AND_CHANGE,
        (
            "retailer-sdk/src/tests/sighting.rs",
            "a_shop_key_is_good_for_its_scopes_until_it_is_revoked",
        ),
    ),
    (
        ("Accueil éphémère", "Le nom choisi quitte l’écran du personnel au bout de cinq minutes."),
        (
            "A greeting that fades",
            "The chosen name leaves the screen of the staff after five minutes.",
        ),
        ACCESS,
        ("retailer-sdk/src/tests/sighting.rs", "a_greeting_leaves_the_screen_after_five_minutes"),
    ),
    (
        (
            "Pas de rejeu",
            "Chaque appel d’un agent est signé, pour une adresse et un instant ; le même appel n’est pas admis deux fois, même après un redémarrage.",
        ),
        (
            "No replay",
            "Each call of an agent is signed, for one address and moment; the same call is not admitted twice, not even after a restart.",
        ),
        CHANGE,
        (
            "retailer-sdk/src/tests/consent.rs",
            "a_replay_is_known_after_a_restart_and_as_long_as_its_window_is_open",
        ),
    ),
    (
        (
            "Traces techniques sans personne",
            "Les traces du serveur ne contiennent, même au niveau le plus bavard, ni identifiant radio, ni clé, ni corps de message.",
        ),
        (
            "Server logs without people",
            "The logs of the server hold, even at their most talkative, no radio identifier, no key and no body of a message.",
        ),
        ACCESS,
        ("retailer-sdk/gateway/tests/cli.rs", "a_log_at_its_most_talkative_names_nobody"),
    ),
    (
        (
            "Écritures durables",
            "Chaque écriture est sur le disque avant d’être annoncée ; le contrôle d’intégrité des références et l’écrasement de ce qui est effacé sont actifs.",
        ),
        (
            "Durable writes",
            "Each write is on the disk before it is told; references are enforced, and what is deleted is overwritten.",
        ),
        CHANGE_AND_LOSS,
        ("retailer-sdk/src/store.rs", "settings_hold_that_durability_and_deletion_rest_on"),
    ),
    (
        (
            "Retour en arrière décelé",
            "Une base remplacée par une copie plus ancienne est reconnue à l’ouverture, grâce à une marque tenue hors de son dossier ; rien n’est plus signé.",
        ),
        (
            "Going back in time is noticed",
            "A database that was replaced by an older copy is noticed when it is opened, by a mark that is kept outside of its folder; nothing is signed then.",
        ),
        CHANGE_AND_LOSS,
        (
            "retailer-sdk/gateway/tests/cli.rs",
            "a_store_that_was_put_back_signs_nothing_and_says_so",
        ),
    ),
    (
        (
            "Horloge déréglée sans dégât",
            "Si l’horloge de la machine saute de plus de sept jours, rien n’est détruit avant qu’une personne l’ait confirmée ou qu’elle ait tenu sept jours sans autre saut.",
        ),
        (
            "A wrong clock does no harm",
            "Where the clock of the machine leaps by more than seven days, nothing is destroyed before a person confirmed it or it went on for seven days without another leap.",
        ),
        LOSS,
        (
            "retailer-sdk/src/tests/time.rs",
            "a_clock_that_leaps_destroys_nothing_until_it_is_confirmed",
        ),
    ),
];

/// What this program does, whoever runs it and with these settings.
pub(super) fn measures(facts: &Facts, lang: Lang) -> Vec<Measure> {
    let mut measures: Vec<Measure> = ROWS
        .iter()
        .map(|((title_fr, fr), (title_en, en), risks, proof)| Measure {
            title: lang.say(title_fr, title_en),
            text: Line::text(lang.say(fr, en)),
            risks,
            proof: *proof,
        })
        .collect();
    if facts.limits.calls_per_minute > 0 || facts.limits.sightings_per_minute > 0 {
        measures.push(pace(facts, lang));
    }
    if !facts.witnesses.is_empty() {
        measures.push(witnesses(facts, lang));
    }
    if facts.vouchers {
        measures.push(Measure {
            title: lang.say("Bons sans lien avec la personne", "Vouchers without a link to people"),
            text: Line::text(lang.say(
                "Les bons sont signés à l’aveugle : la base ne relie pas un bon utilisé à celui qui l’a reçu.",
                "Vouchers are signed blind: the database joins no voucher that is used with who received it.",
            )),
            risks: ACCESS,
            proof: ("retailer-sdk/src/tests/vouchers.rs", "no_byte_of_the_store_joins_an_issuance_with_a_redemption"),
        });
    }
    measures
}

fn pace(facts: &Facts, lang: Lang) -> Measure {
    let each = |count: u32, fr: &str, en: &str| {
        (count > 0).then(|| lang.say(&format!("{count} {fr}"), &format!("{count} {en}")))
    };
    let calls = each(
        facts.limits.calls_per_minute,
        "appels par minute et par adresse réseau",
        "calls a minute for each network address",
    );
    let sightings = each(
        facts.limits.sightings_per_minute,
        "détections par minute et par clé de magasin",
        "sightings a minute for each key of a shop",
    );
    let parts: Vec<String> = calls.into_iter().chain(sightings).collect();
    let lead = lang.say("Au plus : ", "At most: ");
    Measure {
        title: lang.say("Débit limité", "Rates are limited"),
        text: Line::text(format!("{lead}{}.", parts.join(", "))),
        risks: ACCESS_AND_CHANGE,
        proof: (
            "retailer-sdk/gateway/tests/http/hostile.rs",
            "whoever_is_too_fast_waits_and_others_do_not",
        ),
    }
}

fn witnesses(facts: &Facts, lang: Lang) -> Measure {
    let text = lang.say(
        "La tête du journal, qui ne contient aucune donnée personnelle, est soumise à la contresignature de tiers : ",
        "The head of the log, which holds no personal data, is given to others to cosign: ",
    );
    Measure {
        title: lang.say("Journal contresigné", "A log that others cosign"),
        text: Line::text(format!("{text}{}.", facts.witnesses.join(", "))),
        risks: CHANGE,
        proof: (
            "retailer-sdk/src/tests/audit.rs",
            "the_bundle_has_the_head_that_witnesses_cosigned",
        ),
    }
}

/// What protects the data and is not this program's to do.
pub(super) fn left_to_people(facts: &Facts, lang: Lang) -> Vec<Line> {
    let listen = facts.listen;
    let tls = if listen.ip().is_loopback() {
        lang.say(
            &format!("Transport : ce programme écoute sur la machine seule ({listen}), sans chiffrement ; les agents appellent en HTTPS un serveur mandataire. "),
            &format!("Transport: this program listens on the machine alone ({listen}), without encryption; agents call a proxy over HTTPS. "),
        )
    } else {
        lang.say(
            &format!("Transport : ce programme écoute sur {listen}, sans chiffrement ; seul un réseau sûr doit y mener, et les agents appellent en HTTPS un serveur mandataire. "),
            &format!("Transport: this program listens on {listen}, without encryption; only a safe network may lead there, and agents call a proxy over HTTPS. "),
        )
    };
    vec![
        Line::text(tls).and_gap(lang.say(
            "qui tient ce mandataire, ses certificats et ses traces d’adresses réseau",
            "who runs this proxy, its certificates and its logs of network addresses",
        )),
        Line::text(lang.say("Disque : ", "Disk: ")).and_gap(lang.say(
            "le chiffrement du disque qui porte la base, ses clés de signature comprises",
            "the encryption of the disk with the database, which has the signing keys in it",
        )),
        Line::text(lang.say("Sauvegardes : ", "Backups: ")).and_gap(lang.say(
            "qui en fait, où, combien de temps elles gardent ce que la passerelle a effacé",
            "who makes them, where, and for how long they keep what the gateway erased",
        )),
        Line::text(lang.say("Autres systèmes : ", "Other systems: ")).and_gap(lang.say(
            "ce que caisses, écrans et outils de l’enseigne gardent des réponses de la passerelle",
            "what tills, screens and tools of the retailer keep of the gateway’s answers",
        )),
        Line::text(lang.say("Personnes : ", "People: ")).and_gap(lang.say(
            "qui a accès à la machine, et comment ces personnes sont formées et tenues au secret",
            "who has access to the machine, and how they are trained and bound to secrecy",
        )),
    ]
}

/// Every test that a measure names.
#[cfg(test)]
pub(super) fn proofs() -> Vec<(&'static str, &'static str)> {
    ROWS.iter().map(|row| row.3).collect()
}
