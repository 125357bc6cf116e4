//! What is on its way between the two programs, and how often what came to pass.

use std::ops::AddAssign;

use besace_agent::engine::{PreparedCall, RuleDraft, Talk};
use besace_protocol::{
    consent::{Benefit, BenefitKind},
    id::{GrantId, NegotiationId},
    negotiation::{Bounds, Verdict},
    problem::ProblemType,
    purpose::{Granularity, Purpose},
};

/// A call on its way.
#[derive(Clone)]
pub(super) enum Way {
    /// A message of a negotiation; the grant that it is, if it is one.
    Word(NegotiationId, Option<GrantId>, PreparedCall),
    /// A grant that her hand gave word for word.
    Yes(GrantId, PreparedCall),
    /// A withdrawal.
    No(GrantId, PreparedCall),
}

impl Way {
    pub(super) fn word(talk: Talk) -> Self {
        Self::Word(talk.negotiation, talk.grant, talk.call)
    }

    pub(super) const fn grant(&self) -> Option<GrantId> {
        match self {
            Self::Word(_, grant, _) => *grant,
            Self::Yes(grant, _) => Some(*grant),
            Self::No(..) => None,
        }
    }

    pub(super) const fn call(&self) -> &PreparedCall {
        match self {
            Self::Word(_, _, call) | Self::Yes(_, call) | Self::No(_, call) => call,
        }
    }
}

/// What came to pass in one negotiation.
#[derive(Clone, Copy, Default)]
pub(super) struct Story {
    pub(super) countered: bool,
    pub(super) refused: bool,
}

/// How often each of it came to pass in a run, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) settled: u32,
    pub(super) refused: u32,
    pub(super) lapsed: u32,
    pub(super) countered: u32,
    pub(super) by_hand: u32,
    pub(super) replaced: u32,
    pub(super) withdrawn: u32,
    pub(super) lost: u32,
    pub(super) doubled: u32,
    pub(super) late: u32,
    pub(super) killed: [u32; 2],
    pub(super) living: u32,
    pub(super) empty: u32,
}

impl Seen {
    pub(super) fn counts(&self) -> [u32; 14] {
        [
            self.settled,
            self.refused,
            self.lapsed,
            self.countered,
            self.by_hand,
            self.replaced,
            self.withdrawn,
            self.lost,
            self.doubled,
            self.late,
            self.killed[0],
            self.killed[1],
            self.living,
            self.empty,
        ]
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.settled += other.settled;
        self.refused += other.refused;
        self.lapsed += other.lapsed;
        self.countered += other.countered;
        self.by_hand += other.by_hand;
        self.replaced += other.replaced;
        self.withdrawn += other.withdrawn;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.late += other.late;
        self.killed[0] += other.killed[0];
        self.killed[1] += other.killed[1];
        self.living += other.living;
        self.empty += other.empty;
    }
}

/// What she lets her agent say: refuse, or give so much.
pub(super) fn draft(which: usize) -> RuleDraft {
    let exact = |category: &_| (*category, Granularity::Exact);
    let verdict = match which {
        0 => Verdict::Refuse,
        which => Verdict::Give {
            bounds: Bounds {
                benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
                categories: Purpose::Recognition.categories().iter().map(exact).collect(),
                frequency_per_day: 3,
                lookback_days: 0,
                recipients: Vec::new(),
                release_ahead_days: 1,
                retention_days: [6, 12, 25][which % 3],
                shops: None,
                valid_days: 200,
            },
            narrow: true,
        },
    };
    RuleDraft { controllers: None, purpose: Purpose::Recognition, verdict }
}

/// What a shop may say to an agent that follows the rules.
pub(super) const fn is_honest(problem: ProblemType) -> bool {
    matches!(
        problem,
        ProblemType::ClockSkew
            | ProblemType::GrantConflict
            | ProblemType::GrantExpired
            | ProblemType::GrantMissing
            | ProblemType::GrantWithdrawn
            | ProblemType::NegotiationMissing
            | ProblemType::Replayed
            | ProblemType::RequestUnknown
    )
}
