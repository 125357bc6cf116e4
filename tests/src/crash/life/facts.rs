//! What can be seen of an agent: what she would miss.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use besace_agent::engine::Engine;
use besace_protocol::time::Timestamp;

use super::backups;

/// What is so, by name.
pub type Facts = BTreeMap<String, String>;

/// Looks at everything that the engine shows. An error, and a log that does not verify, is one.
pub fn facts(engine: &Engine) -> Result<Facts> {
    let mut facts = Facts::new();
    let mut set = |name: String, value: String| {
        facts.insert(name, value);
    };
    for (field, value) in engine.profile()?.iter() {
        set(format!("profile {field:?}"), value.reveal().clone());
    }
    for wish in engine.wishes()? {
        set(format!("wish {}", wish.content.text.reveal()), "there".to_owned());
    }
    for card in engine.cards()? {
        let (shop, number) = (card.content.store.reveal(), card.content.number.reveal());
        set(format!("card {shop} {number}"), card.content.note.reveal().clone());
    }
    for import in engine.imports()? {
        let undone = if import.undone_at.is_some() { "undone" } else { "stands" };
        set(format!("import {}", import.id), undone.to_owned());
    }
    if let Some((count, first, last)) = engine.fix_span()? {
        let span = [first, last].map(Timestamp::as_unix_seconds);
        set("fixes".to_owned(), format!("{count} from {} to {}", span[0], span[1]));
    }
    for domain in engine.retailer_domains()? {
        set(format!("retailer {domain}"), "met".to_owned());
    }
    for view in engine.grants()? {
        let acknowledged = if view.acknowledged { ", acknowledged" } else { "" };
        set(format!("grant {}", view.grant.id), format!("{:?}{acknowledged}", view.state));
    }
    for view in engine.vouchers()? {
        for class in view.classes {
            let left = class.left;
            set(format!("vouchers {} {:?}", view.domain, class.class), left.to_string());
        }
    }
    for slot in engine.keys()?.slots {
        set(format!("key {}", slot.id), format!("{:?}", slot.kind));
    }
    for device in engine.devices()? {
        set(format!("device {}", device.name), "there".to_owned());
    }
    backups::facts(engine, &mut set)?;
    let journal = engine.journal(u32::MAX)?.len();
    set("journal".to_owned(), journal.to_string());
    for log in engine.verify_logs()? {
        ensure!(log.fault.is_none(), "log {}: {:?}", log.id, log.fault);
        set(format!("log {}", log.id), format!("{} entries, {} open", log.size, log.opened));
    }
    Ok(facts)
}
