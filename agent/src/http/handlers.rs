//! One handler an address. Whoever takes a [`Session`] can be called only by her.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use besace_protocol::{
    consent::Indication,
    id::{CardId, GrantId, NegotiationId, RequestId},
    lang::Language,
    party::ControllerId,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Site,
    answer::{Answer, ask, not_opened, page, show, welcome},
    openapi::openapi,
    refusal::{Refusal, see_other},
    session::{self, Session},
    speaker::{self, Speaker},
};
use crate::{
    engine::{Condition, Damage, Engine, EngineState, LookAtProductError, StepError, UnlockError},
    exchange::{ExchangeError, WithdrawalOutcome},
    keyring::{Passphrase, UnlockKeyringError},
    ui::{
        afresh, assets, cards, consent, journal,
        page::{
            AfreshPage, CardPage, CardsPage, ConsentPage, Frame, JournalPage, ProductPage, Section,
            TodayPage, UnlockPage,
        },
        product::{self, ProductView},
        today,
    },
};

/// An address that is none.
pub(super) async fn nothing_here() -> Answer {
    Err(Refusal::NOT_FOUND)
}

pub(super) async fn other_method() -> Answer {
    Err(Refusal::METHOD)
}

/// One word for whoever supervises this, and nothing of hers. A locked vault is well.
pub(super) async fn health(site: web::Data<Site>) -> HttpResponse {
    let engine = site.engine();
    let word = match engine.condition() {
        Ok(Condition::WentBack(_)) => "went_back",
        Ok(Condition::Damaged(Damage::Pages)) => "damaged",
        Ok(Condition::Damaged(Damage::Disk)) => "failing_disk",
        Ok(Condition::Damaged(Damage::Moved)) => "moved",
        Ok(Condition::Checking | Condition::Sound) | Err(_) if !engine.holds_its_folder() => {
            "moved"
        }
        Ok(Condition::Checking | Condition::Sound) | Err(_) => "ok",
    };
    let status = if word == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(serde_json::json!({ "status": word }))
}

/// What this program is, for programs.
pub(super) async fn description(site: web::Data<Site>) -> Answer {
    let description = openapi(site.port).map_err(|error| Refusal::machine(&error))?;
    Ok(HttpResponse::Ok().json(description))
}

pub(super) async fn asset(request: HttpRequest) -> Answer {
    let asset = assets::find(request.path()).ok_or(Refusal::NOT_FOUND)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}

pub(super) async fn unlock_page(
    site: web::Data<Site>,
    speaker: Speaker,
    request: HttpRequest,
) -> Answer {
    if Session::of(&request).is_ok() {
        return Ok(see_other("/"));
    }
    if site.engine().state() == EngineState::Missing {
        return Ok(see_other("/start"));
    }
    closed_page(&site, &speaker, StatusCode::OK, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlockForm {
    passphrase: String,
}

pub(super) async fn unlock(
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<UnlockForm>,
) -> Answer {
    let text = Zeroizing::new(form.into_inner().passphrase);
    if site.engine().state() == EngineState::Missing {
        return Ok(see_other("/start"));
    }
    let voice = speaker.voice();
    let engine = site.engine().clone();
    let opened = web::block(move || match Passphrase::new(text) {
        Ok(passphrase) => engine.unlock(&passphrase),
        Err(_) => Err(UnlockError::Secret(UnlockKeyringError::Wrong)),
    });
    match opened.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => welcome(&site),
        Err(error) => {
            let (status, refusal) = not_opened(voice, &error)?;
            closed_page(&site, &speaker, status, Some(refusal))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageForm {
    language: String,
    back: String,
}

pub(super) async fn choose_language(form: web::Form<LanguageForm>) -> Answer {
    let language = Language::parse(&form.language).map_err(|_| Refusal::MALFORMED)?;
    let back = if is_own_path(&form.back) { form.back.as_str() } else { "/" };
    let mut answer = see_other(back);
    answer.add_cookie(&speaker::cookie(language)).map_err(|error| Refusal::machine(&error))?;
    Ok(answer)
}

pub(super) async fn lock(_: Session, site: web::Data<Site>) -> Answer {
    let engine = site.engine().clone();
    web::block(move || engine.lock()).await.map_err(|error| Refusal::machine(&error))?;
    site.sessions.close_all();
    closed(&site)
}

pub(super) async fn accept_clock(_: Session, site: web::Data<Site>) -> Answer {
    ask(&site, Engine::accept_clock).await?;
    Ok(see_other("/"))
}

pub(super) async fn leave(session: Session, site: web::Data<Site>) -> Answer {
    site.sessions.close(&session);
    closed(&site)
}

pub(super) async fn today_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(&site, move |engine| today::view(&voice, engine)).await?;
    show(&TodayPage { frame: open(&speaker, "today-title", Section::Today), view: &view })
}

pub(super) async fn consent_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(&site, move |engine| consent::view(&voice, engine)).await?;
    show(&ConsentPage { frame: open(&speaker, "consent-title", Section::Consent), view: &view })
}

pub(super) async fn give(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let given = if let Ok(counter) = NegotiationId::parse(&id) {
        site.exchange.give_counter(counter, Indication::Page).await
    } else {
        let id = RequestId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
        site.exchange.give(id, Indication::Page).await
    };
    match given {
        Ok(grant) => Ok(see_other(&format!("/consent#{grant}"))),
        Err(ExchangeError::Step(error)) if !is_the_retailers(&error) => Err(error.into()),
        // Her yes is kept; the page says that the retailer has not signed yet.
        Err(_) => Ok(see_other("/consent#live")),
    }
}

pub(super) async fn refuse(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    if let Ok(counter) = NegotiationId::parse(&id) {
        site.exchange.refuse_counter(counter).await?;
        return Ok(see_other("/consent#ended"));
    }
    let id = RequestId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.refuse(id)).await?;
    Ok(see_other(&format!("/consent#{id}")))
}

pub(super) async fn renew(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let new = site.exchange.renew(id, Indication::Page).await?;
    Ok(see_other(&format!("/consent#{new}")))
}

pub(super) async fn stop(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    match site.exchange.withdraw(id).await {
        // Which of the two it is, the page says by the grant itself.
        Ok(
            WithdrawalOutcome::Acknowledged
            | WithdrawalOutcome::NeverReceived
            | WithdrawalOutcome::Pending,
        ) => Ok(see_other(&format!("/consent#{id}"))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn object(_: Session, site: web::Data<Site>, domain: web::Path<String>) -> Answer {
    say_of_marketing(&site, &domain, true).await
}

pub(super) async fn offers_again(
    _: Session,
    site: web::Data<Site>,
    domain: web::Path<String>,
) -> Answer {
    say_of_marketing(&site, &domain, false).await
}

async fn say_of_marketing(site: &Site, domain: &str, objects: bool) -> Answer {
    let domain = ControllerId::parse(domain).map_err(|_| Refusal::NOT_FOUND)?;
    // Whether the shop knows, the page says.
    let _told = site.exchange.object(&domain, objects).await?;
    Ok(see_other(&format!("/consent#offers-{domain}")))
}

pub(super) async fn afresh_page(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    domain: web::Path<String>,
) -> Answer {
    let domain = ControllerId::parse(&domain).map_err(|_| Refusal::NOT_FOUND)?;
    let voice = speaker.voice().clone();
    let view = ask(&site, move |engine| afresh::view(&voice, engine, &domain)).await?;
    let voice = speaker.voice();
    let title = voice.say_with("afresh-title", [("retailer", view.retailer.clone().into())]);
    let frame = Frame::open(voice, title, Section::Consent, Section::Consent.path());
    show(&AfreshPage { frame, view: &view })
}

pub(super) async fn start_afresh(
    _: Session,
    site: web::Data<Site>,
    domain: web::Path<String>,
) -> Answer {
    let domain = ControllerId::parse(&domain).map_err(|_| Refusal::NOT_FOUND)?;
    match site.exchange.start_afresh(&domain).await {
        // From when it may hear of her, the page says.
        Ok(_) => Ok(see_other(&format!("/consent#offers-{domain}"))),
        // Why it was not done, the page before it says.
        Err(ExchangeError::Step(
            StepError::Nobody | StepError::NotYet { .. } | StepError::TooSoon { .. },
        )) => Ok(see_other(&format!("/consent/{domain}/afresh"))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn product_form(_: Session, speaker: Speaker) -> Answer {
    product_page(&speaker, StatusCode::OK, None, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductForm {
    code: String,
}

pub(super) async fn product(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<ProductForm>,
) -> Answer {
    let (engine, language) = (site.engine().clone(), speaker.voice().language());
    let code = form.into_inner().code;
    let looked = web::block(move || engine.look_at_product(code.as_bytes(), language)).await;
    match looked.map_err(|error| Refusal::machine(&error))? {
        Ok(answer) => {
            let view = product::view(speaker.voice(), &answer, site.engine().now());
            product_page(&speaker, StatusCode::OK, Some(&view), None)
        }
        Err(LookAtProductError::Code(_)) => {
            let refusal = speaker.voice().say("product-unknown-code");
            product_page(&speaker, Refusal::MALFORMED.status(), None, Some(refusal))
        }
        Err(LookAtProductError::Step(error)) => Err(error.into()),
    }
}

fn product_page(
    speaker: &Speaker,
    status: StatusCode,
    view: Option<&ProductView>,
    refusal: Option<String>,
) -> Answer {
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("product-title"), Section::Today, "/product");
    page(status, &ProductPage { frame, view, refusal })
}

pub(super) async fn all_cards(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let cards = ask(&site, Engine::cards).await?;
    let frame = open(&speaker, "cards-title", Section::Cards);
    show(&CardsPage { frame, cards: &cards::lines(&cards) })
}

pub(super) async fn one_card(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id = CardId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let card = ask(&site, move |engine| engine.card(id)).await?;
    let card = cards::card(speaker.voice(), &card, site.engine().now());
    let frame = Frame::open(speaker.voice(), card.name.clone(), Section::Cards, request.path());
    show(&CardPage { frame, card: &card })
}

pub(super) async fn journal_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let entries = ask(&site, |engine| engine.journal(journal::LINES_MAX)).await?;
    let frame = open(&speaker, "journal-title", Section::Journal);
    show(&JournalPage { frame, view: &journal::view(speaker.voice(), &entries) })
}

/// Whether it was the retailer's answer that did not hold, after her own part was kept.
const fn is_the_retailers(error: &StepError) -> bool {
    matches!(
        error,
        StepError::Document(_)
            | StepError::Signature(_)
            | StepError::Proof
            | StepError::Contradiction
            | StepError::Uncompared
            | StepError::Unwitnessed
            | StepError::Answer
            | StepError::AnswerForm(_)
    )
}

pub(super) fn open<'a>(speaker: &'a Speaker, title: &str, section: Section) -> Frame<'a> {
    Frame::open(speaker.voice(), speaker.voice().say(title), section, section.path())
}

fn closed(site: &Site) -> Answer {
    let mut answer = see_other("/unlock");
    let removal = session::cookie(site.port, None);
    answer.add_cookie(&removal).map_err(|error| Refusal::machine(&error))?;
    Ok(answer)
}

fn closed_page(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    refusal: Option<String>,
) -> Answer {
    let voice = speaker.voice();
    let frame = Frame::closed(voice, voice.say("unlock-title"));
    let locked = site.engine().state() != EngineState::Open;
    page(status, &UnlockPage { frame, locked, refusal })
}

/// Whether `path` is an address of ours and nothing else: no other host can be spelled with these
/// characters.
fn is_own_path(path: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_/".contains(&b);
    path.starts_with('/') && !path.contains("//") && path.len() <= 64 && path.bytes().all(inside)
}
