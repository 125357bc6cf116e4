//! Vouchers: what she has, what the shop would learn, and the code after her yes.

use actix_web::{http::StatusCode, web};
use askama::Template as _;
use besace_protocol::{
    encoding::from_base64url,
    party::ControllerId,
    voucher::{BenefitClass, Nullifier},
};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, ask, show},
    refusal::{Refusal, html_answer, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{Engine, HeldClass, ShowVoucherError, StepError, VoucherView},
    ui::{
        page::{Frame, Section, VoucherAskPage, VoucherShownPage, VouchersPage},
        vouchers,
    },
};

pub(super) async fn all(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let held = ask(&site, Engine::vouchers).await?;
    let shelves = vouchers::shelves(speaker.voice(), &held, site.engine().now());
    show(&VouchersPage { frame: frame(&speaker, "voucher-title"), shelves: &shelves })
}

pub(super) async fn one(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    path: web::Path<(String, String)>,
) -> Answer {
    let (domain, class) = path.into_inner();
    let (domain, class) = (parse_domain(&domain)?, parse_class(&class)?);
    let (view, held) = ask(&site, move |engine| find(engine, &domain, class)).await?;
    ask_page(&speaker, StatusCode::OK, &view, &held, false)
}

/// What she wants to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowForm {
    class: String,
    domain: String,
    /// She knows that the shop will see two vouchers of one person.
    linked: Option<String>,
}

pub(super) async fn show_one(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<ShowForm>,
) -> Answer {
    let form = form.into_inner();
    let (domain, class) = (parse_domain(&form.domain)?, parse_class(&form.class)?);
    let linked = match form.linked.as_deref() {
        None => false,
        Some("yes") => true,
        Some(_) => return Err(Refusal::MALFORMED),
    };
    let (engine, whose) = (site.engine().clone(), domain.clone());
    let shown = web::block(move || engine.show_voucher(&whose, class, linked));
    match shown.await.map_err(|error| Refusal::machine(&error))? {
        Ok(shown) => {
            let view = vouchers::shown(speaker.voice(), &shown, site.engine().now());
            show(&VoucherShownPage { frame: frame(&speaker, "voucher-title"), view: &view })
        }
        Err(error @ (ShowVoucherError::Links | ShowVoucherError::Budget)) => {
            let (view, held) = ask(&site, move |engine| find(engine, &domain, class)).await?;
            let links = matches!(error, ShowVoucherError::Links);
            ask_page(&speaker, StatusCode::CONFLICT, &view, &held, links)
        }
        Err(ShowVoucherError::None) => Err(Refusal::NOT_FOUND),
        Err(ShowVoucherError::Step(error)) => Err(error.into()),
    }
}

/// What she says became of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkForm {
    nullifier: String,
    used: String,
}

pub(super) async fn mark(_: Session, site: web::Data<Site>, form: web::Form<MarkForm>) -> Answer {
    let bytes = from_base64url(&form.nullifier).map_err(|_| Refusal::MALFORMED)?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| Refusal::MALFORMED)?;
    let used = match form.used.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Refusal::MALFORMED),
    };
    let nullifier = Nullifier::from_bytes(bytes);
    ask(&site, move |engine| engine.mark_voucher(nullifier, used)).await?;
    Ok(see_other("/vouchers"))
}

/// The vouchers of one class that she has.
fn find(
    engine: &Engine,
    domain: &ControllerId,
    class: BenefitClass,
) -> Result<(VoucherView, HeldClass), StepError> {
    let view = engine.vouchers()?.into_iter().find(|view| view.domain == *domain);
    let missing = || StepError::Engine(crate::engine::EngineError::NotFound);
    let view = view.ok_or_else(missing)?;
    let held = view.classes.iter().find(|held| held.class == class).cloned();
    Ok((view, held.ok_or_else(missing)?))
}

fn ask_page(
    speaker: &Speaker,
    status: StatusCode,
    view: &VoucherView,
    held: &HeldClass,
    linked: bool,
) -> Answer {
    let view = vouchers::ask(speaker.voice(), view, held, linked);
    let page = VoucherAskPage { frame: frame(speaker, "till-title"), view: &view };
    let html = page.render().map_err(|error| Refusal::machine(&error))?;
    Ok(html_answer(status, html))
}

fn frame<'a>(speaker: &'a Speaker, title: &str) -> Frame<'a> {
    Frame::open(speaker.voice(), speaker.voice().say(title), Section::Cards, "/vouchers")
}

fn parse_domain(text: &str) -> Result<ControllerId, Refusal> {
    ControllerId::parse(text).map_err(|_| Refusal::NOT_FOUND)
}

/// One spelling: digits without a leading zero.
fn parse_class(text: &str) -> Result<BenefitClass, Refusal> {
    let class = text.parse().ok().and_then(BenefitClass::from_number);
    class.filter(|class| class.to_string() == text).ok_or(Refusal::NOT_FOUND)
}
