//! Which words: French first.

use std::{fmt, str::FromStr};

use besace_protocol::{
    consent::{BenefitKind, Guess, NoticeItem},
    offer::calendar::Date,
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};

/// Language of the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// French.
    Fr,
    /// English.
    En,
}

impl FromStr for Lang {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fr" => Ok(Self::Fr),
            "en" => Ok(Self::En),
            _ => Err("`fr` or `en`"),
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("janvier", "January"),
    ("février", "February"),
    ("mars", "March"),
    ("avril", "April"),
    ("mai", "May"),
    ("juin", "June"),
    ("juillet", "July"),
    ("août", "August"),
    ("septembre", "September"),
    ("octobre", "October"),
    ("novembre", "November"),
    ("décembre", "December"),
];

impl Lang {
    /// BCP 47.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// A name that is no sentence.
    pub(super) const fn name<'a>(self, fr: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    /// Our own words, with the spaces that do not break in French.
    pub(super) fn say(self, fr: &str, en: &str) -> String {
        match self {
            Self::Fr => {
                let mut text = fr.replace("« ", "«\u{a0}");
                for mark in [":", ";", "?", "!", "»", "%", "€"] {
                    text = text.replace(&format!(" {mark}"), &format!("\u{a0}{mark}"));
                }
                text
            }
            Self::En => en.to_owned(),
        }
    }

    /// A number of days.
    pub(super) fn days(self, days: u64) -> String {
        let plural = if days > 1 { "s" } else { "" };
        let english = if days == 1 { "" } else { "s" };
        self.say(&format!("{days} jour{plural}"), &format!("{days} day{english}"))
    }

    /// A day in UTC, as it is said.
    pub(super) fn date(self, at: Timestamp) -> String {
        let Some(date) = Date::of(Day::of(at)) else { return at.to_string() };
        let month = MONTHS.get(usize::from(date.month()).saturating_sub(1));
        let month = month.map_or("", |(fr, en)| self.name(fr, en));
        let day = match (self, date.day()) {
            (Self::Fr, 1) => "1er".to_owned(),
            (_, day) => day.to_string(),
        };
        format!("{day} {month} {}", date.year())
    }

    pub(super) const fn purpose(self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Answers => self.name(
                "Connaître la réponse que la personne choisit à des questions d’une liste fermée",
                "Hearing which answer the person chooses to questions of a closed list",
            ),
            Purpose::Feedback => self.name(
                "Lire ce que la personne veut bien dire de la boutique",
                "Reading what the person chooses to say of the shop",
            ),
            Purpose::Receipts => self.name(
                "Reconnaître les tickets de caisse de la personne, pour un retour ou une réparation",
                "Knowing which till receipts are the person’s, for a return or a repair",
            ),
            Purpose::Recognition => self.name(
                "Reconnaître un pseudonyme à son entrée en magasin",
                "Recognising a pseudonym as it enters a shop",
            ),
            Purpose::StaffGreeting => self.name(
                "Accueillir la personne sous le nom qu’elle a choisi",
                "Greeting the person by the name that they chose",
            ),
            Purpose::LoyaltyAccount => self.name(
                "Tenir un compte de fidélité : reconnaître un pseudonyme en caisse",
                "Keeping a loyalty account: recognising a pseudonym at the till",
            ),
            Purpose::WishBroadcast => self.name(
                "Entendre ce que la personne cherche, pour y répondre",
                "Hearing what the person looks for, in order to answer",
            ),
        }
    }

    pub(super) const fn category(self, category: DataCategory) -> &'static str {
        match category {
            DataCategory::AnswerAdvice => self.name(
                "réponse choisie\u{a0}: être conseillée ou laissée tranquille",
                "answer chosen: to be advised or left alone",
            ),
            DataCategory::AnswerMoment => self.name(
                "réponse choisie\u{a0}: le moment où elle préfère venir",
                "answer chosen: when they would rather come",
            ),
            DataCategory::AnswerReach => {
                self.name("réponse choisie\u{a0}: comment elle vient", "answer chosen: how they come")
            }
            DataCategory::AnswerVisits => self.name(
                "réponse choisie\u{a0}: environ combien de jours elle est venue",
                "answer chosen: on about how many days they came",
            ),
            DataCategory::ChosenName => self.name(
                "nom sous lequel la personne veut être accueillie, qui peut ne pas être le sien",
                "the name by which the person wants to be greeted, which need not be theirs",
            ),
            DataCategory::Feedback => self.name(
                "note sur un mois de visites ou un genre de chose, sans date ni auteur",
                "a mark, of a month of visits or of a kind of thing, with neither date nor author",
            ),
            DataCategory::FeedbackWords => self.name(
                "ce qu’elle en dit, dans ses mots (texte libre)",
                "what they say of it, in their own words (free text)",
            ),
            DataCategory::GreetingTopics => self.name(
                "sujets dont elle veut bien qu’on lui parle (texte libre)",
                "subjects that they would like to be talked to about (free text)",
            ),
            DataCategory::Presence => self.name(
                "passage de son pseudonyme dans un magasin",
                "that their pseudonym came into a shop",
            ),
            DataCategory::ReceiptTotals => self.name(
                "montant d’un ticket de caisse",
                "what was paid by a till receipt",
            ),
            DataCategory::Receipts => self.name(
                "numéro d’un ticket de caisse, son magasin, son jour ou son mois",
                "the number of a till receipt, its shop, its day or month",
            ),
            DataCategory::TillAnswers => self.name(
                "réponse de son pseudonyme en caisse, et ce qu’il y a signé",
                "that their pseudonym answered at a till, and what it signed there",
            ),
            DataCategory::WishDetail => self.name(
                "souhait en détail, une fois que le magasin l’a accepté : ses mots, l’article, le prix (texte libre)",
                "a wish in detail, once the shop accepted it: their words, the article, the price (free text)",
            ),
            DataCategory::WishKind => self.name(
                "genre de chose souhaitée et ordre de prix",
                "what kind of thing they wish, and about how dear",
            ),
        }
    }

    pub(super) const fn granularity(self, granularity: Granularity) -> &'static str {
        match granularity {
            Granularity::Month => self.name("au mois près", "by the month"),
            Granularity::Week => self.name("à la semaine près", "by the week"),
            Granularity::Day => self.name("au jour près", "by the day"),
            Granularity::Exact => self
                .name("à l’instant près, ou la valeur même", "to the moment, or the value itself"),
        }
    }

    pub(super) const fn benefit(self, kind: BenefitKind) -> &'static str {
        match kind {
            BenefitKind::Service => self.name("le service lui-même", "the service itself"),
            BenefitKind::MonthlyCredit => self.name("un avoir chaque mois", "a credit each month"),
            BenefitKind::WelcomeCredit => self.name("un avoir de bienvenue", "a welcome credit"),
        }
    }

    pub(super) const fn item(self, item: NoticeItem) -> &'static str {
        match item {
            NoticeItem::Purpose => self.name("Finalité", "Purpose"),
            NoticeItem::LegalBasis => self.name("Base juridique", "Legal basis"),
            NoticeItem::Obligation => {
                self.name("Caractère facultatif", "Whether anything must be given")
            }
            NoticeItem::Recipients => self.name("Destinataires", "Recipients"),
            NoticeItem::Transfers => {
                self.name("Transferts hors de l’Union", "Transfers outside the Union")
            }
            NoticeItem::Retention => self.name("Durée de conservation", "How long it is kept"),
            NoticeItem::AutomatedDecisions => {
                self.name("Décisions automatisées", "Automated decisions")
            }
            NoticeItem::Withdrawal => {
                self.name("Retrait du consentement", "Withdrawing the consent")
            }
            NoticeItem::Rights => self.name("Droits", "Rights"),
            NoticeItem::Complaint => self.name("Réclamation", "Complaint"),
            NoticeItem::DataProtectionOfficer => {
                self.name("Délégué à la protection des données", "Data protection officer")
            }
        }
    }

    /// What somebody could guess from data that the terms ask for (`spec/mirror.md`).
    pub(super) const fn guess(self, guess: Guess) -> &'static str {
        match guess {
            Guess::Hours => self.name("ses horaires", "their hours"),
            Guess::Stay => self.name("le temps qu’elle reste", "how long they stay"),
            Guess::Days => self.name("ses jours libres", "their free days"),
            Guess::Rhythm => self.name("la régularité de ses venues", "how regularly they come"),
            Guess::Area => self.name("ses déplacements entre magasins", "where they move about"),
            Guess::Nearby => {
                self.name("qu’elle vit ou travaille tout près", "that they live or work nearby")
            }
            Guess::Household => self.name("la taille de son foyer", "the size of their household"),
            Guess::Gender => self.name(
                "si elle est plutôt une femme ou un homme",
                "whether rather a woman or a man",
            ),
            Guess::Child => self.name("qu’il y a un enfant", "that there is a child"),
            Guess::Pet => self.name("qu’il y a un animal", "that there is a pet"),
            Guess::Leisure => self.name("ses loisirs", "their leisure"),
            Guess::Outings => self.name("ses sorties", "their outings"),
            Guess::Drinking => self.name("si elle boit de l’alcool", "whether they drink alcohol"),
            Guess::Works => self.name("qu’elle fait des travaux", "that they do up their home"),
            Guess::Means => self.name("ses moyens", "their means"),
            Guess::Origin => {
                self.name("son origine, par le nom choisi", "their origin, by the name")
            }
            Guess::Mind => self.name("ce qui l’occupe", "what is on their mind"),
            Guess::Basket => self.name("ce qu’elle achète", "what they buy"),
        }
    }
}

/// A moment in UTC, as RFC 3339 writes it; the seconds where the year has five digits.
pub(super) fn moment(at: Timestamp) -> String {
    let Some(date) = Date::of(Day::of(at)) else { return at.to_string() };
    let rest = at.as_unix_seconds() % DAY_SECONDS;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}
