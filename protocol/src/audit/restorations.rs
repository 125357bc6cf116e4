//! Retailers that lost their store: whether each log is begun by one restoration, which follows what it leaves.

use alloc::collections::BTreeMap;

use super::{
    Assertion, Fault,
    books::{Book, Context},
    evidence::CheckedLog,
    findings::Findings,
};
use crate::{consent::Restoration, document::Verified, log::Origin};

/// Restorations of all books: each log of a retailer is begun by one alone, which follows the one before it, and what it
/// leaves was not written on: S3.
pub(super) fn reconcile(
    books: &[Book<'_>],
    logs: &BTreeMap<Origin, CheckedLog>,
    context: Context<'_>,
    out: &mut Findings,
) {
    let mut begun: BTreeMap<&Origin, &Verified<Restoration>> = BTreeMap::new();
    for (signed, spot) in books.iter().flat_map(|book| &book.restorations) {
        let said = signed.payload();
        let (left, head) = (&said.from.log, &said.from.head);
        let before = begun.get(left).map(|before| before.payload());
        let same = begun.get(&said.to.log).copied().unwrap_or(signed);
        let old = logs.get(left).map(|old| &old.head);
        let fault = if before.is_some_and(|before| !said.follows(before)) {
            Some(Fault::RestorationOrder)
        } else if same.digest() != signed.digest() {
            Some(Fault::RestoredTwice)
        } else if old.is_some_and(|old| old.size() > head.size) {
            Some(Fault::WrittenOn)
        } else if old.is_some_and(|old| old.size() == head.size && *old.root() != head.root) {
            Some(Fault::Forked)
        } else {
            None
        };
        if out.check(Assertion::S3, fault, || context.places.of(*spot)) {
            begun.entry(&said.to.log).or_insert(signed);
        }
    }
}
