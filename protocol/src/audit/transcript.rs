//! What was said before a proposal that a grant takes. `spec/negotiation.md`.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use crate::{crypto::Digest, document::Verified, id::NegotiationId, negotiation::Proposal};

/// Proposals of a retailer's log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Transcripts {
    /// By the digests of their payloads.
    said: BTreeMap<Digest, Box<Verified<Proposal>>>,
    /// The same by negotiation and turn.
    turns: BTreeMap<(NegotiationId, u8), Vec<Digest>>,
}

/// Whether a proposal goes on from the one before it, and that one from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Yes,
    No,
    /// What it goes on from is not opened, nor anything else that was said then.
    NotShown,
}

impl Transcripts {
    pub(super) fn take(&mut self, said: Box<Verified<Proposal>>) {
        let (digest, proposal) = (said.digest(), said.payload());
        let at = (proposal.matter.id, proposal.turn);
        if self.said.insert(digest, said).is_none() {
            self.turns.entry(at).or_default().push(digest);
        }
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<&Verified<Proposal>> {
        self.said.get(digest).map(Box::as_ref)
    }

    /// A first proposal names its request: it has not the form otherwise.
    pub(super) fn follows(&self, last: &Proposal) -> Follows {
        let mut said = last;
        while said.turn > 1 {
            let turn = said.turn.saturating_sub(1);
            let before = self.turns.get(&(said.matter.id, turn)).map_or(&[][..], Vec::as_slice);
            let before = before.iter().filter_map(|digest| Some((digest, self.get(digest)?)));
            let mut before =
                before.filter(|(_, one)| one.payload().matter == said.matter).peekable();
            let another = before.peek().is_some() || self.said.contains_key(&said.prev);
            match before.find(|(digest, _)| **digest == said.prev) {
                Some((_, one)) => said = one.payload(),
                None if another => return Follows::No,
                None => return Follows::NotShown,
            }
        }
        Follows::Yes
    }
}
