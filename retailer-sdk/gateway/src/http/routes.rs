//! Every address of the gateway, in one table.
//!
//! The server is built from it, its description (`GET /openapi.json`) is made from it, and the tests
//! that knock at every door read it: what does not stand here does not exist.

mod kinds;

use actix_web::web;
use besace_protocol::{
    problem::ProblemType,
    wire::{
        ANSWERS_PATH, ARRIVALS_PATH, CATALOGUE_PATH, CONTINUATIONS_PATH, DISCLOSURES_PATH,
        EMITTERS_PATH, ERASURES_PATH, FEEDBACK_PATH, GRANTS_PATH, HOLDS_PATH, LAST_HEAD_PATH,
        LOG_PATH, MAILBOX_ACKNOWLEDGEMENTS_PATH, MAILBOX_PATH, MANIFEST_PATH, NEGOTIATIONS_PATH,
        NOTICES_PATH, OBJECTIONS_PATH, OFFERS_PATH, OFFLINE_REDEMPTIONS_PATH, REDEMPTIONS_PATH,
        RELEASES_PATH, REQUESTS_PATH, RESTORATIONS_PATH, SIGHTINGS_PATH, TILL_ANSWERS_PATH,
        TILL_CHALLENGES_PATH, TILL_CODES_PATH, TILL_PRESENTATIONS_PATH, TILL_RECEIPTS_PATH,
        VOUCHERS_PATH, WISHES_PATH, WITHDRAWALS_PATH,
    },
};
use besace_retailer::ShopScope;

use super::{agent, problem::other_methods, public, redemption, shop, till};

pub use kinds::{Gives, Method, Takes, Who};

/// One method of one address.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What it is called in the description.
    pub name: &'static str,
    /// The one method.
    pub method: Method,
    /// The fixed part of the address.
    pub path: &'static str,
    /// What follows it, with `{parameters}`; each is explained in `schemas.json`.
    pub tail: &'static str,
    /// One line for whoever reads the description.
    pub summary: &'static str,
    /// Who may call.
    pub who: Who,
    /// The body, if it takes one.
    pub takes: Option<Takes>,
    /// What it answers when it is well.
    pub gives: Gives,
    /// What it says beside what every address with its caller and body says.
    pub problems: &'static [ProblemType],
    handler: fn(actix_web::Route) -> actix_web::Route,
}

impl Route {
    /// The address, with its `{parameters}`.
    pub fn address(&self) -> String {
        let tail = self.tail.replace(":.*}", "}");
        format!("{}{tail}", self.path)
    }
}

/// Every address there is.
pub static ROUTES: &[Route] = &[
    file("manifest", MANIFEST_PATH, "", "Who the retailer is.", Gives::Json("Attested"), |r| {
        r.to(public::manifest)
    }),
    file(
        "restorations",
        RESTORATIONS_PATH,
        "",
        "The logs that were begun after the store had gone back.",
        Gives::Json("Restorations"),
        |r| r.to(public::restorations),
    ),
    file(
        "consent_requests",
        REQUESTS_PATH,
        "",
        "The consent requests that stand open.",
        Gives::Json("OpenRequests"),
        |r| r.to(public::requests),
    ),
    file("notice", NOTICES_PATH, "/{digest}", "A notice.", Gives::Json("Notice"), |r| {
        r.to(public::notice)
    }),
    file("catalogue", CATALOGUE_PATH, "", "All offers.", Gives::Json("Attested"), |r| {
        r.to(public::catalogue)
    }),
    file(
        "voucher_keys",
        VOUCHERS_PATH,
        "/{week}",
        "What vouchers of a week are checked with.",
        Gives::Json("Attested"),
        |r| r.to(public::voucher_keys),
    ),
    file("checkpoint", LOG_PATH, "/checkpoint", "How far the log is.", Gives::Text, |r| {
        r.to(public::checkpoint)
    }),
    file(
        "cosigned",
        LOG_PATH,
        "/cosigned",
        "How far the log was when witnesses cosigned it.",
        Gives::Text,
        |r| r.to(public::cosigned),
    ),
    file("tile", LOG_PATH, "/tile/{tile:.*}", "A part of the log.", Gives::Bytes, |r| {
        r.to(public::tile)
    }),
    file("health", "/healthz", "", "Whether the store answers.", Gives::Text, |r| {
        r.to(public::health)
    }),
    file("description", "/openapi.json", "", "This description.", Gives::Json("OpenApi"), |r| {
        r.to(public::description)
    }),
    Route {
        problems: &[
            ProblemType::WrongController,
            ProblemType::RequestUnknown,
            ProblemType::GrantMissing,
            ProblemType::GrantExpired,
            ProblemType::GrantWithdrawn,
            ProblemType::GrantConflict,
        ],
        ..call("give_grant", GRANTS_PATH, "She agrees.", ("GiveGrant", "GrantGiven"), |r| {
            r.to(agent::give_grant)
        })
    },
    Route {
        problems: &[
            ProblemType::WrongController,
            ProblemType::RequestUnknown,
            ProblemType::NegotiationMissing,
            ProblemType::GrantExpired,
            ProblemType::GrantWithdrawn,
        ],
        ..call(
            "negotiate",
            NEGOTIATIONS_PATH,
            "She proposes, refuses, or gives what was agreed.",
            ("Negotiate", "Negotiated"),
            |r| r.to(agent::negotiate),
        )
    },
    Route {
        problems: &[
            ProblemType::GrantMissing,
            ProblemType::WrongController,
            ProblemType::GrantConflict,
        ],
        ..call("withdraw", WITHDRAWALS_PATH, "She withdraws.", ("Withdraw", "Withdrawn"), |r| {
            r.to(agent::withdraw)
        })
    },
    Route {
        problems: &[ProblemType::GrantMissing],
        ..call(
            "erasure",
            ERASURES_PATH,
            "She asks whether what was held is erased.",
            ("AskErasure", "Erased"),
            |r| r.to(agent::erasure),
        )
    },
    Route {
        problems: &[ProblemType::WrongController],
        ..call(
            "object",
            OBJECTIONS_PATH,
            "She objects to direct marketing, or takes that back.",
            ("Object", "Objected"),
            |r| r.to(agent::object),
        )
    },
    Route {
        problems: RECEIVING,
        ..call(
            "release",
            RELEASES_PATH,
            "She releases the keys of a day.",
            ("ReleaseKeys", "Received"),
            |r| r.to(agent::release),
        )
    },
    Route {
        problems: RECEIVING,
        ..call(
            "disclose",
            DISCLOSURES_PATH,
            "She discloses what a grant covers.",
            ("Disclose", "Received"),
            |r| r.to(agent::disclose),
        )
    },
    Route {
        problems: &[ProblemType::GrantMissing],
        ..call(
            "collect_mail",
            MAILBOX_PATH,
            "She collects sealed mail.",
            ("CollectMail", "MailCollected"),
            |r| r.to(agent::collect_mail),
        )
    },
    Route {
        problems: &[ProblemType::GrantMissing],
        ..call(
            "acknowledge_mail",
            MAILBOX_ACKNOWLEDGEMENTS_PATH,
            "Her mail is safe at home.",
            ("AcknowledgeMail", "MailAcknowledged"),
            |r| r.to(agent::acknowledge_mail),
        )
    },
    Route {
        problems: &[
            ProblemType::GrantMissing,
            ProblemType::WrongController,
            ProblemType::ContinuationConflict,
        ],
        ..call(
            "continue_pseudonym",
            CONTINUATIONS_PATH,
            "Her pseudonym goes on in a new log, or under a new key.",
            ("Continue", "Continued"),
            |r| r.to(agent::go_on),
        )
    },
    Route {
        problems: &[ProblemType::GrantMissing],
        ..call(
            "last_head",
            LAST_HEAD_PATH,
            "The largest head of her own log that she showed here.",
            ("AskLastHead", "LastHead"),
            |r| r.to(agent::last_head),
        )
    },
    Route {
        problems: &[ProblemType::NotFound, ProblemType::AlreadyIssued],
        ..call(
            "issue_vouchers",
            VOUCHERS_PATH,
            "A batch of vouchers, signed without being seen.",
            ("RequestVouchers", "VouchersIssued"),
            |r| r.to(agent::vouchers),
        )
    },
    write(
        "hold",
        (HOLDS_PATH, ""),
        "A voucher is laid aside.",
        (Takes::of::<redemption::WriteForm>("Hold"), "Held"),
        |r| r.to(redemption::hold),
    ),
    write(
        "redeem",
        (REDEMPTIONS_PATH, ""),
        "A voucher is redeemed.",
        (Takes::of::<redemption::WriteForm>("Redeem"), "Redeemed"),
        |r| r.to(redemption::redeem),
    ),
    write(
        "upload_redemptions",
        (OFFLINE_REDEMPTIONS_PATH, ""),
        "What was redeemed without a network.",
        (Takes::of::<redemption::UploadForm>("UploadRedemptions"), "Uploaded"),
        |r| r.to(redemption::upload),
    ),
    write(
        "reverse",
        (REDEMPTIONS_PATH, "/{id}/reverse"),
        "A hold or a redemption is taken back.",
        (Takes::of::<redemption::WriteForm>("Reverse"), "Reversed"),
        |r| r.to(redemption::reverse),
    ),
    Route {
        method: Method::Post,
        takes: Some(Takes::of::<shop::SightingForm>("Sighting")),
        problems: &[
            ProblemType::Unresolved,
            ProblemType::RelaySuspected,
            ProblemType::LogUnavailable,
        ],
        ..of_shop(
            "sighting",
            SIGHTINGS_PATH,
            "An ephemeral identifier was heard.",
            (ShopScope::Sightings, "Recognised"),
            |r| r.to(shop::sighting),
        )
    },
    of_shop(
        "arrivals",
        ARRIVALS_PATH,
        "Who asked to be greeted and has just come in.",
        (ShopScope::Arrivals, "Arrivals"),
        |r| r.to(shop::arrivals),
    ),
    of_shop(
        "wishes",
        WISHES_PATH,
        "Wishes that may be answered.",
        (ShopScope::Wishes, "Wishes"),
        |r| r.to(shop::wishes),
    ),
    Route {
        method: Method::Post,
        takes: Some(Takes::of::<shop::WishForm>("AcceptWish")),
        problems: &[ProblemType::NotFound, ProblemType::LogUnavailable],
        ..of_shop(
            "accept_wish",
            WISHES_PATH,
            "A wish is accepted.",
            (ShopScope::Wishes, "WishShown"),
            |r| r.to(shop::accept_wish),
        )
    },
    of_shop(
        "answers",
        ANSWERS_PATH,
        "How often which answer was given.",
        (ShopScope::Answers, "Counted"),
        |r| r.to(shop::answers),
    ),
    of_shop(
        "feedback",
        FEEDBACK_PATH,
        "What was said of the shop.",
        (ShopScope::Feedback, "Said"),
        |r| r.to(shop::feedback),
    ),
    Route {
        method: Method::Post,
        takes: Some(Takes::of::<shop::ReceiptForm>("FindReceipt")),
        problems: &[ProblemType::LogUnavailable],
        ..of_shop(
            "find_receipt",
            TILL_RECEIPTS_PATH,
            "Whether a till receipt is somebody's.",
            (ShopScope::Receipts, "ReceiptFound"),
            |r| r.to(shop::find_receipt),
        )
    },
    of_shop(
        "emitter_frame",
        EMITTERS_PATH,
        "What the emitter of the shop sends now.",
        (ShopScope::Emitter, "EmitterFrame"),
        |r| r.to(shop::emitter),
    ),
    Route {
        method: Method::Post,
        takes: Some(Takes::of::<shop::OffersForm>("Offers")),
        problems: &[ProblemType::LogUnavailable],
        ..of_shop(
            "publish_offers",
            OFFERS_PATH,
            "The offers of a new catalogue.",
            (ShopScope::Catalogue, "Attested"),
            |r| r.to(shop::offers),
        )
    },
    till(
        "till_challenge",
        TILL_CHALLENGES_PATH,
        "A till asks who somebody is, or for an amount.",
        ("TillAsk", "TillAsked"),
        &[ProblemType::LogUnavailable],
        |r| r.to(till::challenge),
    ),
    till(
        "till_answer",
        TILL_ANSWERS_PATH,
        "A phone answered a challenge.",
        ("TillScan", "Settlement"),
        &[
            ProblemType::Unresolved,
            ProblemType::ChallengeExpired,
            ProblemType::AlreadySettled,
            ProblemType::DebitNeeded,
            ProblemType::SignatureInvalid,
            ProblemType::LogUnavailable,
        ],
        |r| r.to(till::answer),
    ),
    till(
        "till_presentation",
        TILL_PRESENTATIONS_PATH,
        "A phone shows who is there.",
        ("TillScan", "Settlement"),
        SHOWING,
        |r| r.to(till::presentation),
    ),
    till(
        "till_code",
        TILL_CODES_PATH,
        "A code was typed.",
        ("TillCode", "Settlement"),
        SHOWING,
        |r| r.to(till::code),
    ),
];

/// What is shown at a till without being asked for is refused for these reasons.
const SHOWING: &[ProblemType] =
    &[ProblemType::Unresolved, ProblemType::AlreadySettled, ProblemType::LogUnavailable];

/// What comes under a grant is refused for these reasons.
const RECEIVING: &[ProblemType] = &[
    ProblemType::GrantMissing,
    ProblemType::GrantExpired,
    ProblemType::GrantWithdrawn,
    ProblemType::GrantScope,
    ProblemType::ProofMissing,
    ProblemType::GrantConflict,
];

type Handler = fn(actix_web::Route) -> actix_web::Route;

/// A public file.
const fn file(
    name: &'static str,
    path: &'static str,
    tail: &'static str,
    summary: &'static str,
    gives: Gives,
    handler: Handler,
) -> Route {
    let problems: &[ProblemType] = &[ProblemType::NotFound];
    Route {
        name,
        method: Method::Get,
        path,
        tail,
        summary,
        who: Who::Everybody,
        takes: None,
        gives,
        problems,
        handler,
    }
}

/// A signed call; `schemas` are those of its body and its answer.
const fn call(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    schemas: (&'static str, &'static str),
    handler: Handler,
) -> Route {
    Route {
        method: Method::Post,
        who: Who::Subject,
        takes: Some(Takes::of::<agent::CallForm>(schemas.0)),
        problems: &[],
        ..file(name, path, "", summary, Gives::Json(schemas.1), handler)
    }
}

/// What a device of a shop reads: with which scope, and what comes back.
const fn of_shop(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    permit: (ShopScope, &'static str),
    handler: Handler,
) -> Route {
    Route {
        who: Who::Shop(permit.0),
        problems: &[],
        ..file(name, path, "", summary, Gives::Json(permit.1), handler)
    }
}

/// What a till sends; `schemas` are those of its body and its answer.
const fn till(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    schemas: (&'static str, &'static str),
    problems: &'static [ProblemType],
    handler: Handler,
) -> Route {
    Route {
        method: Method::Post,
        takes: Some(Takes::of::<till::TillForm>(schemas.0)),
        problems,
        ..of_shop(name, path, summary, (ShopScope::Tills, schemas.1), handler)
    }
}

/// What a till changes, under a key of the write: where, with what, and what comes back.
const fn write(
    name: &'static str,
    (path, tail): (&'static str, &'static str),
    summary: &'static str,
    (takes, gives): (Takes, &'static str),
    handler: Handler,
) -> Route {
    Route {
        method: Method::Post,
        tail,
        takes: Some(takes),
        problems: REDEEMING,
        ..of_shop(name, path, summary, (ShopScope::Redemptions, gives), handler)
    }
}

/// Writes of tills are refused for these reasons.
const REDEEMING: &[ProblemType] = &[
    ProblemType::NotFound,
    ProblemType::VoucherInvalid,
    ProblemType::VoucherExpired,
    ProblemType::AlreadyRedeemed,
    ProblemType::HoldExpired,
    ProblemType::BasketRulesNotMet,
    ProblemType::IdempotencyMismatch,
    ProblemType::InProgress,
];

/// The server's part of the table.
pub(super) fn serve(config: &mut web::ServiceConfig) {
    for (index, first) in ROUTES.iter().enumerate() {
        let same = |other: &&Route| (other.path, other.tail) == (first.path, first.tail);
        if ROUTES.iter().take(index).any(|earlier| same(&earlier)) {
            continue;
        }
        let mut resource = web::resource(format!("{}{}", first.path, first.tail));
        let mut methods = Vec::new();
        for route in ROUTES.iter().filter(same) {
            let method = match route.method {
                Method::Get => web::get(),
                Method::Post => web::post(),
            };
            resource = resource.route((route.handler)(method));
            methods.push(route.method.as_str());
        }
        config.service(resource.default_service(other_methods(&methods.join(", "))));
    }
}

#[cfg(test)]
mod tests;
