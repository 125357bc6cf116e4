use jiff::tz::TimeZone;

use super::*;
use crate::{
    ui::{
        answers::QuestionView,
        backup::{BackupNote, NewsView, PlaceView},
        barcode,
        feedback::RemarkView,
        product::ProductOfferView,
        till_receipts::ReceiptView,
        view::{
            EndedView, Fact, GrantView, JournalDay, JournalEntry, LookUpView, MarketingView,
            OfferView, PriceView, RenewView, RequestView, Way,
        },
        wishes::WishView,
    },
    vault::Symbology,
};

fn voice(language: Language) -> Voice {
    Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
}

fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.into(), value: value.into() }
}

/// One of everything that the page of consent shows.
fn consent(text: &str) -> ConsentView {
    let text = || text.to_owned();
    ConsentView {
        requests: vec![RequestView {
            id: "request_00".into(),
            retailer: text(),
            sentence: text(),
            mirror: text(),
            beyond: vec![text()],
            facts: vec![fact("Qui", &text())],
            notice_language: "fr".into(),
            notice: vec![fact(&text(), &text())],
        }],
        live: vec![GrantView {
            id: "grant_00".into(),
            retailer: text(),
            facts: vec![fact("Quoi", &text())],
            stop_label: text(),
            renew: Some(RenewView { sentence: text(), label: text() }),
        }],
        marketing: [true, false]
            .map(|objects| MarketingView {
                domain: format!("shop{objects}.example"),
                retailer: text(),
                sentence: text(),
                objects,
                again: objects.then(text),
                label: text(),
                afresh: objects.then(text),
                waiting: (!objects).then(text),
            })
            .to_vec(),
        standing: vec![text()],
        minor: Some(text()),
        pilot: Some(text()),
        alarms: vec![text()],
        looked_up: vec![LookUpView { sentence: text(), proof: Some(text()) }],
        ended: vec![EndedView { id: "grant_01".into(), retailer: text(), sentence: text() }],
    }
}

/// Every view there is, with `text` wherever a text may come from outside.
fn rendered(voice: &Voice, text: &str) -> Vec<(&'static str, String)> {
    let text = || text.to_owned();
    let today = TodayView {
        date: "samedi 21 novembre".into(),
        waiting: 1,
        found: 2,
        more: 1,
        offers: vec![OfferView {
            benefit: text(),
            title: text(),
            text: Some(text()),
            retailer: text(),
            price: Some(PriceView { now: "79,90 €".into(), before: Some(text()) }),
            why: vec![text()],
            until: Some(text()),
            voucher: None,
        }],
        nothing: None,
        ended: vec![text()],
        backup: Some(BackupNote::Nowhere),
    };
    let line = CardLine { id: "card_00".into(), name: text(), number: Some(text()) };
    let card = CardView {
        name: text(),
        number: Some(text()),
        code: CodeView::Drawn(barcode::draw(Symbology::Ean13, "3086126100012", None).unwrap()),
        code_label: text(),
        facts: vec![fact(&text(), &text())],
    };
    let consent = consent(&text());
    let journal = JournalView {
        days: vec![JournalDay {
            date: text(),
            entries: vec![JournalEntry {
                time: "17 h 42".into(),
                machine_time: "2026-03-03T16:42:05Z".into(),
                way: Way::Left,
                what: text(),
            }],
        }],
    };
    let offer = || ProductOfferView {
        title: text(),
        retailer: text(),
        price: text(),
        claim: Some(text()),
        missing: vec![text()],
    };
    let product = ProductView {
        number: "4006381333931".into(),
        offers: vec![offer()],
        lowest: Some(text()),
        wishes: vec![text()],
        history: vec![text()],
        comparison: vec![offer()],
        nothing: Some(text()),
    };
    let open = |section: Section| Frame::open(voice, text(), section, section.path());
    let closed = || Frame::closed(voice, text());
    let views = [
        TodayPage { frame: open(Section::Today), view: &today }.render(),
        CardsPage { frame: open(Section::Cards), cards: &[line] }.render(),
        CardPage { frame: open(Section::Cards), card: &card }.render(),
        ConsentPage { frame: open(Section::Consent), view: &consent }.render(),
        JournalPage { frame: open(Section::Journal), view: &journal }.render(),
        ProductPage { frame: open(Section::Today), view: Some(&product), refusal: Some(text()) }
            .render(),
        UnlockPage { frame: closed(), locked: true, refusal: Some(text()) }.render(),
        ProblemPage { frame: closed(), sentence: text(), decide: true }.render(),
    ];
    let names = ["today", "cards", "card", "consent", "journal", "product", "unlock", "problem"];
    let mut pages: Vec<_> = names.into_iter().zip(views.map(Result::unwrap)).collect();
    pages.push(("backup", rendered_backup(voice, &text())));
    let view = WentBackView { sign: text(), facts: vec![fact(&text(), &text())], folder: text() };
    let refusal = Some(text());
    let (first, second) = (
        WentBackPage { frame: open(Section::WentBack), view: &view }.render().unwrap(),
        GoOnPage { frame: open(Section::WentBack), view: &view, refusal }.render().unwrap(),
    );
    pages.extend([("went-back", first), ("go-on", second)]);
    pages.extend(rendered_start(voice, &text()));
    pages.extend(rendered_told(voice, &text()));
    pages
}

/// What shops may hear of her, beside consent itself.
fn rendered_told(voice: &Voice, text: &str) -> [(&'static str, String); 4] {
    let text = || text.to_owned();
    let refusal = Some(text());
    let open = |section: Section| Frame::open(voice, text(), section, section.path());
    let question = QuestionView {
        word: "visits",
        sentence: text(),
        note: Some(text()),
        choices: vec![(1, text())],
        keep: Some(text()),
    };
    let (grant, retailer, until) = (text(), text(), text());
    let asked = AnswersView { grant, retailer, until, questions: vec![question] };
    let listener = ListenerView {
        grant: text(),
        retailer: text(),
        until: text(),
        remarks: vec![RemarkView {
            number: 1,
            subject: text(),
            rating: Some(text()),
            words: Some(text()),
            note: Some(text()),
        }],
        subjects: vec![("1".into(), text())],
        words: true,
    };
    let (grant, subject, rating) = (text(), text(), text());
    let said = RemarkFields { grant, subject, rating, words: text(), refusal: refusal.clone() };
    let wish = |shown: bool| WishView {
        id: "wish_00".into(),
        text: text(),
        facts: vec![fact(&text(), &text())],
        shown,
        can_show: !shown,
        note: text(),
    };
    let wishes =
        WishesView { heard: text(), wishes: vec![wish(true), wish(false)], categories: vec![] };
    let typed = WishFields {
        text: text(),
        category: text(),
        max_price: text(),
        deadline: text(),
        refusal: refusal.clone(),
    };
    let receipt = |told: bool| ReceiptView {
        id: 1,
        name: text(),
        facts: vec![fact(&text(), &text())],
        told,
        note: text(),
    };
    let receipts = ReceiptsView {
        receipts: vec![receipt(true), receipt(false)],
        shops: vec![(text(), text())],
    };
    let (shop, number, day) = (text(), text(), text());
    let kept = ReceiptFields { shop, number, day, total: text(), label: text(), refusal };
    let consent = || open(Section::Consent);
    [
        ("answers", AnswersPage { frame: consent(), view: &[asked] }.render()),
        ("feedback", FeedbackPage { frame: consent(), view: &[listener], fields: &said }.render()),
        (
            "wishes",
            WishesPage { frame: open(Section::Today), view: &wishes, fields: &typed }.render(),
        ),
        ("receipts", ReceiptsPage { frame: consent(), view: &receipts, fields: &kept }.render()),
    ]
    .map(|(name, page)| (name, page.unwrap()))
}

fn rendered_backup(voice: &Voice, text: &str) -> String {
    let text = || text.to_owned();
    let place = PlaceView {
        name: text(),
        kind: text(),
        at: text(),
        last: text(),
        has_one: true,
        rehearsed: text(),
        failure: Some(text()),
        next: text(),
        keep: text(),
    };
    let backup = BackupView {
        news: Some(NewsView { sentence: text(), bad: true, running: true }),
        places: vec![place],
        more: true,
        kit: true,
    };
    let form = PlaceForm {
        ask: true,
        refused: Some(PlaceKind::Folder),
        refusal: Some(text()),
        folder_name: text(),
        folder: text(),
        s3_name: text(),
        endpoint: text(),
        bucket: text(),
        prefix: text(),
        region: text(),
        access_key: text(),
    };
    let frame = Frame::open(voice, text(), Section::Backup, "/backup");
    BackupPage { frame, view: &backup, form: &form }.render().unwrap()
}

fn rendered_start(voice: &Voice, text: &str) -> [(&'static str, String); 6] {
    let refusal = || Some(text.to_owned());
    let refused = || Some(Refused { sentence: text.to_owned(), weak: true });
    let closed = || Frame::closed_at(voice, text.to_owned(), "/start");
    let view = RestoredView { lead: text.to_owned(), facts: vec![fact(text, text)], grants: true };
    let open = Frame::open(voice, text.to_owned(), Section::Backup, "/");
    [
        ("code", StartCodePage { frame: closed(), spent: false, refusal: refusal() }.render()),
        ("choice", StartChoicePage { frame: closed() }.render()),
        ("new", StartNewPage { frame: closed(), refusal: refused() }.render()),
        ("restore", StartRestorePage { frame: closed(), refusal: refusal() }.render()),
        (
            "open",
            StartOpenPage { frame: closed(), kit: true, slots: false, refusal: refused() }.render(),
        ),
        ("restored", RestoredPage { frame: open, view: &view, next: "/kit" }.render()),
    ]
    .map(|(name, page)| (name, page.unwrap()))
}

#[test]
fn hostile_text_stays_text_on_every_page() {
    let voice = voice(Language::Fr);
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</p></main><form action=https://evil.example><button>Oui</button></form>",
        "<svg/onload=alert(1)>",
        "&lt;b&gt;",
        "{{ 7 * 7 }}",
    ] {
        for (name, html) in rendered(&voice, hostile) {
            assert!(!html.contains(hostile) || hostile.starts_with("{{"), "{name}: {hostile}");
            for needle in ["<script", "<img", "onload=alert(1)>", "<form action", "'alert"] {
                assert!(!html.contains(needle), "{name}: {needle}");
            }
        }
    }
}

#[test]
fn no_page_has_a_script_an_inline_style_or_another_host() {
    for (name, html) in rendered(&voice(Language::En), "text") {
        for needle in
            ["<script", "style=", "<style", "javascript:", "onclick", "http://", "https://", "//"]
        {
            assert!(!html.contains(needle), "{name}: {needle}");
        }
    }
}

#[test]
fn every_change_is_a_form_that_posts() {
    for (name, html) in rendered(&voice(Language::Fr), "text") {
        for form in html.split("<form ").skip(1) {
            assert!(form.starts_with("method=\"post\" action=\"/"), "{name}: {form}");
        }
    }
}

#[test]
fn yes_no_and_stop_are_one_button_each_of_the_same_make() {
    let pages = rendered(&voice(Language::Fr), "text");
    let (_, html) = pages.iter().find(|(name, _)| *name == "consent").unwrap();
    let make = |action: &str| {
        let (_, after) = html.split_once(action).unwrap();
        let (form, _) = after.split_once("</form>").unwrap();
        assert_eq!(form.matches("<button").count(), 1);
        assert_eq!(form.matches("<input").count(), 0);
        form.split("class=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let (yes, no) = (make("/consent/request_00/give"), make("/consent/request_00/refuse"));
    assert_eq!((yes.as_str(), no.as_str()), ("answer", "answer"));
    assert_eq!(make("/consent/grant_00/stop"), "answer");
}

#[test]
fn every_page_says_its_language_and_offers_the_other() {
    for (language, other) in [(Language::Fr, "English"), (Language::En, "Français")] {
        for (name, html) in rendered(&voice(language), "text") {
            assert!(html.contains(&format!("<html lang=\"{language}\">")), "{name}");
            assert!(html.contains(&format!(">{other}</button>")), "{name}");
        }
    }
}
