//! What a retailer says to a proposal, from what is enough for it.

use super::{Due, Negotiation};
use crate::consent::Terms;

/// What to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Take it.
    Agree,
    /// Propose these.
    Counter(Terms),
    /// No.
    Refuse,
}

/// The reply to her proposal; `None` where none is due. `enough` are terms that the retailer is content with,
/// beside those that the request offers: it takes what gives at least one of them, for no more in return, and counters
/// with the first that the request covers.
pub fn reply(negotiation: &Negotiation, enough: &[Terms]) -> Option<Reply> {
    let Some(Due::AnswerProposal { may_counter }) = negotiation.due() else { return None };
    let proposed = &negotiation.proposal()?.payload().terms;
    let asked = negotiation.request().payload();
    if enough.iter().chain(asked.options()).any(|least| least.narrower_than(proposed)) {
        return Some(Reply::Agree);
    }
    let mut counters = enough.iter().filter(|terms| terms.asks_no_more_than(&asked.terms));
    let counter = counters.next().filter(|_| may_counter);
    Some(counter.map_or(Reply::Refuse, |terms| Reply::Counter(terms.clone())))
}
