//! Every address of the agent, in one table.
//!
//! The server is built from it, its description (`GET /openapi.json`) is made from it, and the tests
//! that knock at every door read it: what does not stand here does not exist.

mod kinds;

use actix_web::web;
use besace_protocol::{
    mandate::{DELEGATE_ACTS_PATH, DELEGATE_VIEW_PATH},
    problem::ProblemType,
};

use super::{
    BODY_LEN_MAX, answers, backup, delegate, devices, feedback, handlers, keys, mandates, rules,
    start, till, till_receipts, upload, vouchers, went_back, wishes,
};

use kinds::MULTIPART;
pub use kinds::{Gives, Method, Takes, Who};

/// One method of one address.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What it is called in the description.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// The address, with `{parameters}`; each is explained in `schemas.json`.
    pub path: &'static str,
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

/// Every address there is.
pub static ROUTES: &[Route] = &[
    Route {
        gives: Gives::Json("Health"),
        ..get("health", "/healthz", "Whether it answers.", |r| r.to(handlers::health))
    },
    Route {
        gives: Gives::Json("OpenApi"),
        ..get("description", "/openapi.json", "This description.", |r| r.to(handlers::description))
    },
    Route {
        gives: Gives::Asset,
        problems: &[ProblemType::NotFound],
        ..get("asset", "/assets/{name}", "A file of the pages.", |r| r.to(handlers::asset))
    },
    Route {
        who: Who::Device,
        takes: Some(Takes::json("OwnTracks", devices::MESSAGE_LEN_MAX).or_nothing()),
        gives: Gives::Json("OwnTracksAnswer"),
        problems: &[ProblemType::TooFast],
        ..post("owntracks", "/owntracks", "Where a telephone is (OwnTracks).", |r| {
            r.to(devices::owntracks)
        })
    },
    Route {
        who: Who::Device,
        takes: Some(Takes::json("Overland", devices::BATCH_LEN_MAX)),
        gives: Gives::Json("OverlandAnswer"),
        problems: &[ProblemType::TooFast],
        ..post("overland", "/overland", "Where a telephone was (Overland).", |r| {
            r.to(devices::overland)
        })
    },
    delegated(Route {
        gives: Gives::Json("DelegateView"),
        ..post("delegate_view", DELEGATE_VIEW_PATH, "What a delegate may act upon.", |r| {
            r.to(delegate::view)
        })
    }),
    delegated(Route {
        gives: Gives::Json("DelegateActed"),
        ..post("delegate_act", DELEGATE_ACTS_PATH, "A delegate acts for her.", |r| {
            r.to(delegate::acts)
        })
    }),
    get("unlock_page", "/unlock", "Asks for the passphrase.", |r| r.to(handlers::unlock_page)),
    Route {
        takes: Some(Takes::form("UnlockForm")),
        problems: &[ProblemType::TooFast],
        ..post("unlock", "/unlock", "She shows the passphrase.", |r| r.to(handlers::unlock))
    },
    get("lost_page", "/unlock/kit", "Asks who lost the passphrase for her kit.", |r| {
        r.to(keys::lost_page)
    }),
    Route {
        takes: Some(Takes::form("KitForm")),
        ..post("open_with_kit", "/unlock/kit", "She shows her kit and sets a passphrase.", |r| {
            r.to(keys::open_with_kit)
        })
    },
    Route {
        takes: Some(Takes::form("LanguageForm")),
        ..post("language", "/language", "She chooses a language.", |r| {
            r.to(handlers::choose_language)
        })
    },
    get("start", "/start", "Where there is no vault: asks for a code, then how to begin.", |r| {
        r.to(start::start_page)
    }),
    Route {
        takes: Some(Takes::form("CodeForm")),
        ..post("claim", "/start", "She types the code that the program showed.", |r| {
            r.to(start::claim_it)
        })
    },
    first(get("new_page", "/start/new", "Asks for the passphrase of a new vault.", |r| {
        r.to(start::new_page)
    })),
    first(Route {
        takes: Some(Takes::form("NewForm")),
        ..post("new", "/start/new", "A new vault is made.", |r| r.to(start::make))
    }),
    first(get("restore_page", "/start/restore", "Asks for a backup.", |r| {
        r.to(start::restore_page)
    })),
    first(Route {
        takes: Some(Takes::files("BackupUpload", upload::UPLOAD_LEN_MAX)),
        ..post("receive_backup", "/start/restore", "A backup comes in.", |r| r.to(start::receive))
    }),
    first(get("restore_open_page", "/start/open", "Asks for the passphrase of then.", |r| {
        r.to(start::open_page)
    })),
    first(Route {
        takes: Some(Takes::form("UnlockForm")),
        gives: Gives::Page,
        ..post("restore_open", "/start/open", "A backup is restored.", |r| r.to(start::open))
    }),
    first(get("restore_kit_page", "/start/open/kit", "Asks for a kit.", |r| {
        r.to(start::open_kit_page)
    })),
    first(Route {
        takes: Some(Takes::form("KitForm")),
        gives: Gives::Page,
        ..post("restore_kit", "/start/open/kit", "A backup is restored with a kit.", |r| {
            r.to(start::open_kit)
        })
    }),
    hers(post("lock", "/lock", "She locks the vault.", |r| r.to(handlers::lock))),
    hers(post("accept_clock", "/clock", "She says that the clock is right.", |r| {
        r.to(handlers::accept_clock)
    })),
    hers(post("leave", "/leave", "She leaves this browser.", |r| r.to(handlers::leave))),
    hers(get("today", "/", "What answers her wishes.", |r| r.to(handlers::today_page))),
    hers(get("product_form", "/product", "Asks for a code.", |r| r.to(handlers::product_form))),
    hers(Route {
        takes: Some(Takes::form("ProductForm")),
        gives: Gives::Page,
        ..post("product", "/product", "What is known of an article.", |r| r.to(handlers::product))
    }),
    hers(get("cards", "/cards", "Her loyalty cards.", |r| r.to(handlers::all_cards))),
    hers(one(get("card", "/cards/{id}", "A card, to show.", |r| r.to(handlers::one_card)))),
    hers(get("till", "/till", "At the till.", |r| r.to(till::page))),
    // Before those with a name in their place, which would match them too.
    hers(Route {
        takes: Some(Takes::form("TillForm")),
        gives: Gives::Page,
        ..post("till_question", "/till/question", "What a till asks.", |r| r.to(till::question))
    }),
    hers(Route {
        takes: Some(Takes::form("TillForm")),
        gives: Gives::Page,
        ..post("till_answer", "/till/answer", "She answers a till.", |r| r.to(till::answer))
    }),
    hers(granted(get("till_shown", "/till/{id}", "What a till of this shop scans.", |r| {
        r.to(till::shown)
    }))),
    hers(granted(get("till_codes", "/till/{id}/codes", "Codes for who has no phone.", |r| {
        r.to(till::codes)
    }))),
    hers(get("vouchers", "/vouchers", "Her vouchers.", |r| r.to(vouchers::all))),
    hers(one(Route {
        takes: Some(Takes::form("VoucherShowForm")),
        gives: Gives::Page,
        ..post("voucher_show", "/vouchers/show", "She shows a voucher.", |r| {
            r.to(vouchers::show_one)
        })
    })),
    hers(one(Route {
        takes: Some(Takes::form("VoucherMarkForm")),
        ..post("voucher_mark", "/vouchers/mark", "She says what became of it.", |r| {
            r.to(vouchers::mark)
        })
    })),
    hers(one(get("voucher", "/vouchers/{domain}/{class}", "What the shop would learn.", |r| {
        r.to(vouchers::one)
    }))),
    hers(get("kit", "/kit", "Her recovery kit.", |r| r.to(keys::kit_page))),
    hers(Route {
        takes: Some(Takes::form("AgainForm")),
        gives: Gives::Page,
        problems: &[ProblemType::TooFast],
        ..post("make_kit", "/kit", "A kit is made and shown once.", |r| r.to(keys::make_kit))
    }),
    hers(get("proof_page", "/kit/proof", "Asks for the words.", |r| r.to(keys::proof_page))),
    hers(Route {
        takes: Some(Takes::form("KitProofForm")),
        ..post("prove_kit", "/kit/proof", "She types the words back.", |r| r.to(keys::prove_kit))
    }),
    hers(get("keys", "/keys", "What opens the vault.", |r| r.to(keys::keys_page))),
    hers(Route {
        takes: Some(Takes::form("PassphraseForm")),
        gives: Gives::Page,
        problems: &[ProblemType::TooFast],
        ..post("change_passphrase", "/keys/passphrase", "She changes the passphrase.", |r| {
            r.to(keys::change_passphrase)
        })
    }),
    hers(one(get("key_remove_page", "/keys/{id}/remove", "Before a key goes.", |r| {
        r.to(keys::remove_page)
    }))),
    hers(Route {
        takes: Some(Takes::form("KeyRemoveForm")),
        problems: &[ProblemType::NotFound, ProblemType::TooFast],
        ..post("key_remove", "/keys/{id}/remove", "She takes a key away.", |r| r.to(keys::remove))
    }),
    hers(get("backup", "/backup", "Where backups go, and how it goes.", |r| {
        r.to(backup::backup_page)
    })),
    hers(one(Route {
        takes: Some(Takes::form("PlaceForm")),
        ..post("backup_now", "/backup/now", "She wants a backup now.", |r| r.to(backup::now))
    })),
    hers(one(Route {
        takes: Some(Takes::form("PlaceForm")),
        ..post("backup_rehearse", "/backup/rehearse", "She rehearses a restore.", |r| {
            r.to(backup::rehearse)
        })
    })),
    hers(added(Route {
        takes: Some(Takes::form("BackupFolderForm")),
        ..post("backup_folder", "/backup/folder", "Backups go to one more folder.", |r| {
            r.to(backup::add_folder)
        })
    })),
    hers(added(Route {
        takes: Some(Takes::form("BackupS3Form")),
        ..post("backup_s3", "/backup/s3", "Backups go to one more server.", |r| {
            r.to(backup::add_s3)
        })
    })),
    hers(one(Route {
        takes: Some(Takes::form("PlaceForm")),
        ..post("backup_forget", "/backup/forget", "Backups go to a place no more.", |r| {
            r.to(backup::forget)
        })
    })),
    hers(taken(post("backup_file", "/backup/file", "A backup to take home.", |r| {
        r.to(backup::file)
    }))),
    hers(taken(post("backup_slots", "/backup/slots", "The key slots, for beside it.", |r| {
        r.to(backup::slots)
    }))),
    hers(get("went_back", "/went-back", "What is missing, where the vault went back.", |r| {
        r.to(went_back::went_back_page)
    })),
    hers(get("go_on_page", "/went-back/go-on", "Before she goes on without it.", |r| {
        r.to(went_back::go_on_page)
    })),
    hers(added(Route {
        takes: Some(Takes::form("GoOnForm")),
        ..post("go_on", "/went-back/go-on", "She goes on with what is here.", |r| {
            r.to(went_back::go_on)
        })
    })),
    hers(get("consent", "/consent", "What she allows.", |r| r.to(handlers::consent_page))),
    hers(consent(post("give", "/consent/{id}/give", "She agrees.", |r| r.to(handlers::give)))),
    hers(consent(post("refuse", "/consent/{id}/refuse", "She refuses.", |r| {
        r.to(handlers::refuse)
    }))),
    hers(consent(post("renew", "/consent/{id}/renew", "She agrees again.", |r| {
        r.to(handlers::renew)
    }))),
    hers(consent(post("stop", "/consent/{id}/stop", "She withdraws.", |r| r.to(handlers::stop)))),
    hers(shop(post("object", "/consent/{domain}/no-offers", "She wants no marketing.", |r| {
        r.to(handlers::object)
    }))),
    hers(shop(post("offers_again", "/consent/{domain}/offers", "She wants offers again.", |r| {
        r.to(handlers::offers_again)
    }))),
    hers(shop(get("afresh_page", "/consent/{domain}/afresh", "Before a fresh start.", |r| {
        r.to(handlers::afresh_page)
    }))),
    hers(shop(post("start_afresh", "/consent/{domain}/afresh", "She starts afresh.", |r| {
        r.to(handlers::start_afresh)
    }))),
    hers(get("rules", "/rules", "What she decided once for many requests.", |r| {
        r.to(rules::rules_page)
    })),
    hers(Route {
        takes: Some(Takes::form("RuleForm")),
        ..post("rule_add", "/rules", "She confirms one more rule.", |r| r.to(rules::add))
    }),
    hers(one(post("rule_again", "/rules/{number}/again", "She confirms a rule again.", |r| {
        r.to(rules::again)
    }))),
    hers(one(post("rule_remove", "/rules/{number}/remove", "She takes a rule away.", |r| {
        r.to(rules::remove)
    }))),
    hers(get("answers", "/answers", "What shops ask, and her answers.", |r| {
        r.to(answers::answers_page)
    })),
    hers(one(Route {
        takes: Some(Takes::form("AnswerForm")),
        ..post("answer", "/answers/{id}", "She chooses an answer, or none.", |r| {
            r.to(answers::answer)
        })
    })),
    hers(get("feedback", "/feedback", "What she says to shops.", |r| {
        r.to(feedback::feedback_page)
    })),
    hers(one(Route {
        takes: Some(Takes::form("RemarkForm")),
        ..post("feedback_say", "/feedback/{id}", "She says something to a shop.", |r| {
            r.to(feedback::say)
        })
    })),
    hers(one(post("feedback_remove", "/feedback/{number}/remove", "She takes it back.", |r| {
        r.to(feedback::take_back)
    }))),
    hers(get("wishes", "/wishes", "What she would like.", |r| r.to(wishes::wishes_page))),
    hers(Route {
        takes: Some(Takes::form("WishForm")),
        ..post("wish_add", "/wishes", "She keeps one more wish.", |r| r.to(wishes::add))
    }),
    hers(one(post("wish_show", "/wishes/{id}/show", "Shops may hear of a wish.", |r| {
        r.to(wishes::show)
    }))),
    hers(one(post("wish_hide", "/wishes/{id}/hide", "A wish stays at home.", |r| {
        r.to(wishes::hide)
    }))),
    hers(one(post("wish_remove", "/wishes/{id}/remove", "She forgets a wish.", |r| {
        r.to(wishes::remove)
    }))),
    hers(get("receipts", "/receipts", "Her till receipts.", |r| {
        r.to(till_receipts::receipts_page)
    })),
    hers(Route {
        takes: Some(Takes::form("ReceiptForm")),
        ..post("receipt_add", "/receipts", "She keeps one more till receipt.", |r| {
            r.to(till_receipts::add)
        })
    }),
    hers(one(post("receipt_tell", "/receipts/{number}/tell", "Its shop may know.", |r| {
        r.to(till_receipts::tell)
    }))),
    hers(one(post("receipt_untell", "/receipts/{number}/untell", "She takes that back.", |r| {
        r.to(till_receipts::untell)
    }))),
    hers(one(post("receipt_remove", "/receipts/{number}/remove", "She forgets one.", |r| {
        r.to(till_receipts::remove)
    }))),
    hers(get("mandates", "/mandates", "Who may say no for her.", |r| {
        r.to(mandates::mandates_page)
    })),
    hers(Route {
        takes: Some(Takes::form("MandateForm")),
        ..post("mandate_give", "/mandates", "She gives one more mandate.", |r| r.to(mandates::give))
    }),
    // Before those with a name in their place, which would match it too.
    hers(one(post("mandate_undo", "/mandates/acts/{act}/undo", "She undoes an act.", |r| {
        r.to(mandates::undo)
    }))),
    hers(one(post("mandate_confirm", "/mandates/{id}/confirm", "She confirms one again.", |r| {
        r.to(mandates::confirm)
    }))),
    hers(one(post("mandate_withdraw", "/mandates/{id}/withdraw", "She takes one back.", |r| {
        r.to(mandates::withdraw)
    }))),
    hers(get("journal", "/journal", "What left and came.", |r| r.to(handlers::journal_page))),
];

type Handler = fn(actix_web::Route) -> actix_web::Route;

/// A page that everybody may see.
const fn get(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        name,
        method: Method::Get,
        path,
        summary,
        who: Who::Everybody,
        takes: None,
        gives: Gives::Page,
        problems: &[],
        handler,
    }
}

/// A button that leads somewhere.
const fn post(
    name: &'static str,
    path: &'static str,
    summary: &'static str,
    handler: Handler,
) -> Route {
    let gives = Gives::SeeOther;
    Route { method: Method::Post, gives, ..get(name, path, summary, handler) }
}

/// For who makes the vault; one at a time.
const fn first(route: Route) -> Route {
    Route { who: Who::Claimant, problems: &[ProblemType::TooFast], ..route }
}

/// For who has a mandate of hers.
const fn delegated(route: Route) -> Route {
    const PROBLEMS: &[ProblemType] = &[
        ProblemType::ClockSkew,
        ProblemType::Forbidden,
        ProblemType::GrantMissing,
        ProblemType::NotFound,
        ProblemType::Replayed,
        ProblemType::RequestUnknown,
        ProblemType::SignatureInvalid,
        ProblemType::TooFast,
    ];
    Route { who: Who::Delegate, takes: Some(Takes::call()), problems: PROBLEMS, ..route }
}

/// For her alone.
const fn hers(route: Route) -> Route {
    Route { who: Who::Owner, ..route }
}

/// About a grant, which may not be there, or not for this.
const fn granted(route: Route) -> Route {
    Route { problems: &[ProblemType::NotFound, ProblemType::GrantMissing], ..route }
}

/// About one thing, which may not be there.
const fn one(route: Route) -> Route {
    Route { problems: &[ProblemType::NotFound], ..route }
}

/// Asks for the passphrase again, after a while.
const fn added(route: Route) -> Route {
    Route { problems: &[ProblemType::TooFast], ..route }
}

/// A file to be kept; one is made at a time, and the passphrase is asked for again, after a while.
const fn taken(route: Route) -> Route {
    let takes = Some(Takes::form("AgainForm"));
    Route { gives: Gives::File, takes, problems: &[ProblemType::TooFast], ..route }
}

/// About one consent, which may be over.
const fn consent(route: Route) -> Route {
    const PROBLEMS: &[ProblemType] =
        &[ProblemType::NotFound, ProblemType::RequestUnknown, ProblemType::GrantMissing];
    Route { problems: PROBLEMS, ..route }
}

/// What a page says of a shop that she has not met.
const fn shop(route: Route) -> Route {
    Route { problems: &[ProblemType::NotFound], ..route }
}

/// Longest body that any method of this address takes, in bytes.
pub(super) fn body_len_max(path: &str) -> usize {
    let taken = ROUTES.iter().filter(|route| route.path == path).filter_map(|route| route.takes);
    taken.map(|takes| takes.len_max).max().unwrap_or(BODY_LEN_MAX)
}

/// Whether files come in at this address: they may take as long as their pieces keep coming.
pub(super) fn takes_files(path: &str) -> bool {
    let files = |takes: Takes| takes.media_type == MULTIPART;
    ROUTES.iter().any(|route| route.path == path && route.takes.is_some_and(files))
}

/// Whether devices report at this address.
pub(super) fn is_for_devices(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path && route.who == Who::Device)
}

/// Whether delegates call at this address.
pub(super) fn is_for_delegates(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path && route.who == Who::Delegate)
}

/// The server's part of the table.
pub(super) fn serve(config: &mut web::ServiceConfig) {
    for (index, first) in ROUTES.iter().enumerate() {
        if ROUTES.iter().take(index).any(|earlier| earlier.path == first.path) {
            continue;
        }
        let mut resource = web::resource(first.path);
        for route in ROUTES.iter().filter(|route| route.path == first.path) {
            let method = match route.method {
                Method::Get => web::get(),
                Method::Post => web::post(),
            };
            resource = resource.route((route.handler)(method));
        }
        config.service(resource.default_service(web::to(handlers::other_method)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once() {
        for (index, route) in ROUTES.iter().enumerate() {
            let others = ROUTES.iter().skip(index + 1);
            assert!(others.clone().all(|other| other.name != route.name), "{route:?}");
        }
    }

    #[test]
    fn whatever_is_hers_says_so_in_its_handler() {
        // A page that a stranger may see is a decision: it is listed here once more.
        let open: Vec<&str> =
            ROUTES.iter().filter(|r| r.who == Who::Everybody).map(|route| route.name).collect();
        let listed = [
            "health",
            "description",
            "asset",
            "unlock_page",
            "unlock",
            "lost_page",
            "open_with_kit",
            "language",
            "start",
            "claim",
        ];
        assert_eq!(open, listed);
    }
}
