//! Marks of vaults, and the sums of pages that they speak of.

use besace_protocol::{
    crypto::SecretBytes,
    id::VaultId,
    mark::{MarkKeys, PAGE_TAG_LEN, Prints, Sitting, UnverifiedMark},
};

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let key = SecretBytes::init_with(|to| {
        to.copy_from_slice(&hex::decode(case.text("key")).unwrap());
    });
    let keys = MarkKeys::derive(&key);
    match case.text("figure") {
        "state" => state(case, &keys),
        "mark" => mark(case, &keys),
        other => panic!("unknown figure {other}"),
    }
}

fn state(case: &Case, keys: &MarkKeys) -> Result<(), String> {
    let mut prints = Prints::default();
    let mut count = 0_u32;
    for tag in case.body.chunks_exact(PAGE_TAG_LEN) {
        count = count.checked_add(1).unwrap();
        if tag != [0; PAGE_TAG_LEN] {
            prints.toggle(&keys.print(count, tag.try_into().unwrap()));
        }
    }
    same("sum", &hex::encode(prints.as_bytes()), case.text("prints"))?;
    let state = keys.state(count, &prints);
    same("state", &hex::encode(state.as_bytes()), case.text("state"))?;
    let sitting = hex::decode(case.text("sitting")).unwrap().try_into().unwrap();
    let counter = case.text("counter").parse().unwrap();
    let first = keys.first_page(&Sitting::from_bytes(sitting), counter);
    same("word of the first page", &hex::encode(first), case.text("first"))
}

fn mark(case: &Case, keys: &MarkKeys) -> Result<(), String> {
    let vault = VaultId::parse(case.text("vault")).unwrap();
    let read = UnverifiedMark::parse(&case.body).map_err(|error| error.to_string())?;
    let mark = read.verify(keys, vault).map_err(|error| error.to_string())?;
    same("counter", &mark.counter.to_string(), case.text("counter"))?;
    same("slot", &hex::encode(mark.to_bytes(keys)), &hex::encode(&case.body))
}
