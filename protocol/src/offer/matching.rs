//! The linear matcher: each offer against the context, with reasons. `spec/offers.md#matching`.
//!
//! Offers that surely do not match fall out beforehand, by a sieve of a few bytes for each.

use alloc::{string::String, vec::Vec};
use core::{cmp::Reverse, fmt};

use super::{
    Offer,
    catalogue::Catalogue,
    condition::{Clause, Literal},
    context::Context,
    evaluate::{Scene, Truth},
    explain::{NOT_YET, OVER, explain},
    predicate::{Predicate, Uses},
    sieve::Sketch,
    text::Localized,
};
use crate::{id::OfferId, lang::Language, party::ControllerId, private::Private, time::Timestamp};

/// An offer whose conditions are known to hold.
#[derive(Clone, Debug)]
pub struct Match<'a> {
    controller: &'a ControllerId,
    offer: &'a Offer,
    rank: Rank,
    reasons: Vec<Reason<'a>>,
}

/// Why one clause holds. Its sentence is written when somebody reads it.
#[derive(Clone)]
pub struct Reason<'a> {
    clause: usize,
    position: usize,
    literal: &'a Literal,
    scene: Scene<'a>,
}

/// Where an offer stands among those that match; the smallest comes first. Nothing else orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// An article she wishes for, a category she wishes for, or neither.
    pub wish: WishRank,
    /// By how many hundredths the price fell; more comes first.
    pub price_drop_percent: Reverse<u8>,
    /// Metres to the nearest shop where it is valid, as far as known.
    pub metres: u32,
    /// What ends first comes first.
    pub not_after: Timestamp,
    /// For equals: the order of names.
    pub offer: OfferId,
}

/// How closely an offer answers a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WishRank {
    /// The article itself.
    Article,
    /// Something of its category, or at its price.
    Category,
    /// Not because of a wish.
    None,
}

/// What keeps an offer from matching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    kind: ObstacleKind,
    sentence: Private<Localized<String>>,
}

/// Which part of an offer does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObstacleKind {
    /// It has not started.
    NotYet,
    /// It has ended.
    Over,
    /// No literal of a clause holds.
    Clause {
        /// Which, from 0.
        clause: usize,
        /// Known not to hold, or not known.
        truth: Truth,
        /// What its literals use.
        uses: Vec<Uses>,
    },
}

/// Holds catalogues against what the agent knows at one moment.
#[derive(Debug)]
pub struct Matcher<'c> {
    context: &'c Context,
    sketch: Sketch,
    now: Timestamp,
}

impl<'c> Matcher<'c> {
    /// For everything that is matched `now`.
    pub fn new(context: &'c Context, now: Timestamp) -> Self {
        Self { context, sketch: Sketch::of(context), now }
    }

    /// The offers of a catalogue that match, best first. An expired catalogue matches nothing.
    pub fn offers<'a>(&self, catalogue: &'a Catalogue) -> Vec<Match<'a>>
    where
        'c: 'a,
    {
        let Self { context, ref sketch, now } = *self;
        if !catalogue.is_current(now) {
            return Vec::new();
        }
        let controller = catalogue.controller();
        let retailer = context.retailers.get(controller);
        let positions = catalogue.sieve().fall_through(sketch, retailer, now);
        let mut matches: Vec<_> = positions
            .filter_map(|position| catalogue.offers().get(position))
            .filter_map(|offer| {
                let (rank, reasons) = Scene { offer, context, retailer, now }.matched()?;
                Some(Match { controller, offer, rank, reasons })
            })
            .collect();
        matches.sort_by_key(|found| found.rank);
        matches
    }
}

/// The offers of one catalogue that match, best first: [`Matcher`] for several.
pub fn match_offers<'a>(
    catalogue: &'a Catalogue,
    context: &'a Context,
    now: Timestamp,
) -> Vec<Match<'a>> {
    Matcher::new(context, now).offers(catalogue)
}

/// One offer of a retailer against the context.
pub fn match_offer<'a>(
    controller: &'a ControllerId,
    offer: &'a Offer,
    context: &'a Context,
    now: Timestamp,
) -> Option<Match<'a>> {
    let (rank, reasons) = Scene::new(controller, offer, context, now).matched()?;
    Some(Match { controller, offer, rank, reasons })
}

/// What keeps an offer from matching, clause by clause; empty when it matches. Nothing is changed and
/// nobody is told.
pub fn why_not(
    controller: &ControllerId,
    offer: &Offer,
    context: &Context,
    now: Timestamp,
) -> Vec<Obstacle> {
    let fixed = |kind, [fr, en]: [&str; 2]| {
        let sentence = Localized { en: String::from(en), fr: String::from(fr) };
        Obstacle { kind, sentence: Private::new(sentence) }
    };
    let mut obstacles = Vec::new();
    if now < offer.validity().not_before {
        obstacles.push(fixed(ObstacleKind::NotYet, NOT_YET));
    }
    if now >= offer.validity().not_after {
        obstacles.push(fixed(ObstacleKind::Over, OVER));
    }
    let scene = Scene::new(controller, offer, context, now);
    for (clause, literals) in offer.conditions().clauses().iter().enumerate() {
        let literals = literals.literals();
        let truth = literals.iter().map(|literal| scene.literal(literal)).max();
        match truth {
            None | Some(Truth::True) => {}
            Some(truth) => obstacles.push(scene.obstacle(clause, literals, truth)),
        }
    }
    obstacles
}

impl<'a> Match<'a> {
    /// Whose offer it is.
    pub const fn controller(&self) -> &'a ControllerId {
        self.controller
    }

    /// The offer.
    pub const fn offer(&self) -> &'a Offer {
        self.offer
    }

    /// Where it stands; the ranks of several retailers' matches compare.
    pub const fn rank(&self) -> Rank {
        self.rank
    }

    /// One reason for each clause, in their order; none when the offer is for everybody.
    pub fn reasons(&self) -> &[Reason<'a>] {
        &self.reasons
    }
}

impl Reason<'_> {
    /// Which clause, from 0.
    pub const fn clause(&self) -> usize {
        self.clause
    }

    /// Which of its literals held, from 0: the first that did.
    pub const fn literal(&self) -> usize {
        self.position
    }

    /// Which knowledge decided.
    pub const fn uses(&self) -> Uses {
        self.literal.predicate().uses()
    }

    /// The reason as a sentence. It quotes what the shopper wrote: for her eyes only.
    pub fn sentence(&self, language: Language) -> Private<String> {
        let Self { literal, scene, .. } = self;
        let predicate = literal.predicate();
        let said = explain(scene, predicate, &scene.find(predicate), literal.is_positive());
        Private::new(match language {
            Language::Fr => said.fr,
            Language::En => said.en,
        })
    }
}

impl fmt::Debug for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clause, position, .. } = self;
        f.debug_struct("Reason")
            .field("clause", clause)
            .field("literal", position)
            .finish_non_exhaustive()
    }
}

impl Obstacle {
    /// Which part does not hold.
    pub const fn kind(&self) -> &ObstacleKind {
        &self.kind
    }

    /// The obstacle in words. It quotes what the shopper wrote: for her eyes only.
    pub fn sentence(&self, language: Language) -> &str {
        self.sentence.reveal().get(language)
    }
}

impl<'a> Scene<'a> {
    fn new(
        controller: &ControllerId,
        offer: &'a Offer,
        context: &'a Context,
        now: Timestamp,
    ) -> Self {
        Self { offer, context, retailer: context.retailers.get(controller), now }
    }

    /// Where the offer stands and why, if every clause is known to hold.
    fn matched(&self) -> Option<(Rank, Vec<Reason<'a>>)> {
        let offer = self.offer;
        if !offer.validity().holds(self.now) {
            return None;
        }
        let clauses = offer.conditions().clauses();
        // Most offers end here.
        if !clauses.iter().all(|clause| self.holding(clause).is_some()) {
            return None;
        }
        let mut reasons = Vec::with_capacity(clauses.len());
        let mut wish = WishRank::None;
        for (number, clause) in clauses.iter().enumerate() {
            let (position, literal) = self.holding(clause)?;
            wish = wish.min(wish_rank(literal));
            reasons.push(Reason { clause: number, position, literal, scene: *self });
        }
        let rank = Rank {
            wish,
            price_drop_percent: Reverse(offer.price_drop_percent().unwrap_or(0)),
            metres: self.metres_to_shop(),
            not_after: offer.validity().not_after,
            offer: offer.id(),
        };
        Some((rank, reasons))
    }

    /// The first literal of a clause that is known to hold.
    fn holding(&self, clause: &'a Clause) -> Option<(usize, &'a Literal)> {
        let mut literals = clause.literals().iter().enumerate();
        literals.find(|(_, literal)| self.literal(literal) == Truth::True)
    }

    fn obstacle(&self, clause: usize, literals: &'a [Literal], truth: Truth) -> Obstacle {
        let mut uses: Vec<Uses> = Vec::new();
        let mut sentence = Localized { en: String::new(), fr: String::new() };
        let add = |text: &mut String, more: &str| {
            // Two unknown literals of one kind say the same.
            if !text.contains(more) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(more);
            }
        };
        for literal in literals {
            let predicate = literal.predicate();
            let said = explain(self, predicate, &self.find(predicate), false);
            add(&mut sentence.en, &said.en);
            add(&mut sentence.fr, &said.fr);
            uses.push(predicate.uses());
        }
        uses.sort_unstable();
        uses.dedup();
        let kind = ObstacleKind::Clause { clause, truth, uses };
        Obstacle { kind, sentence: Private::new(sentence) }
    }

    fn metres_to_shop(&self) -> u32 {
        let shops = self.retailer.map(|retailer| retailer.shops.iter()).into_iter().flatten();
        shops
            .filter(|(code, _)| self.offer.is_valid_in(**code))
            .filter_map(|(_, facts)| facts.metres)
            .min()
            .unwrap_or(u32::MAX)
    }
}

const fn wish_rank(literal: &Literal) -> WishRank {
    match literal {
        Literal::Holds(Predicate::WishGtin { .. }) => WishRank::Article,
        Literal::Holds(Predicate::WishCategory { .. } | Predicate::WishPrice) => WishRank::Category,
        _ => WishRank::None,
    }
}
