//! Negotiating: what the engine says leaves, and what comes back is heard, until nothing more is due.

use besace_protocol::{
    consent::Indication,
    id::{GrantId, NegotiationId},
    party::ControllerId,
    problem::ProblemType,
};

use super::{Exchange, ExchangeError, standing::said_after_all};
use crate::{
    engine::{StepError, Talk},
    net::NetError,
};

/// Most messages that are said in a row: three proposals, a grant, a refusal.
const SAYINGS_MAX: usize = 5;

impl Exchange {
    /// Goes on with every negotiation with `domain`. One that is refused holds up no other; the first refusal is said at
    /// the end.
    pub(super) async fn negotiate(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let mut refused = Ok(());
        let name = domain.clone();
        for id in self.step(move |engine| engine.due_negotiations(&name)).await? {
            let talked = match self.step(move |engine| engine.negotiate(id)).await {
                Ok(first) => self.converse(domain, first).await,
                Err(error) => Err(error),
            };
            refused = refused.and(said_after_all(talked)?);
        }
        self.withdraw_orphans(domain).await?;
        refused
    }

    /// Says yes to what stands in a negotiation, and delivers what the grant allows from now on.
    pub async fn give_counter(
        &self,
        id: NegotiationId,
        indication: Indication,
    ) -> Result<GrantId, ExchangeError> {
        let domain = self.step(move |engine| engine.negotiating(id)).await?;
        let stands = self.stand(&domain).await;
        let first = self.step(move |engine| engine.give_counter(id, indication)).await?;
        stands??;
        let grant = first.as_ref().and_then(|talk| talk.grant).ok_or(StepError::RequestClosed)?;
        self.converse(&domain, first).await?;
        self.withdraw_orphans(&domain).await?;
        // The shop said no after all, and it was taken back with that.
        if self.step(move |engine| engine.is_withdrawn(grant)).await? {
            return Err(StepError::GrantOver.into());
        }
        self.deliver_due(&domain).await?;
        Ok(grant)
    }

    /// Says no to what stands in a negotiation. On her side it is done when this returns; the retailer hears it now or
    /// later.
    pub async fn refuse_counter(&self, id: NegotiationId) -> Result<(), ExchangeError> {
        let domain = self.step(move |engine| engine.negotiating(id)).await?;
        let first = self.step(move |engine| engine.refuse_counter(id)).await?;
        match self.converse(&domain, first).await {
            Err(ExchangeError::Step(StepError::Engine(error))) => {
                Err(StepError::Engine(error).into())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn converse(
        &self,
        domain: &ControllerId,
        first: Option<Talk>,
    ) -> Result<(), ExchangeError> {
        let mut next = first;
        for _ in 0..SAYINGS_MAX {
            let Some(talk) = next else { break };
            next = self.say(domain, talk).await?;
        }
        Ok(())
    }

    /// Says one thing, and hears the answer: what is to be said next.
    async fn say(&self, domain: &ControllerId, talk: Talk) -> Result<Option<Talk>, ExchangeError> {
        let Talk { negotiation: id, grant, call } = talk;
        let heard = match grant {
            Some(grant) => self.say_grant(domain, id, grant, call).await,
            None => match self.call(call, "negotiation").await {
                Ok(answer) => {
                    self.take(domain, move |engine| engine.accept_negotiated(id, &answer)).await
                }
                Err(error) => Err(error),
            },
        };
        match heard {
            // It is over there: forgotten, out of time, or taken back.
            Err(ExchangeError::Net(NetError::Refused(
                ProblemType::NegotiationMissing
                | ProblemType::RequestUnknown
                | ProblemType::GrantExpired
                | ProblemType::GrantWithdrawn
                | ProblemType::Superseded,
            ))) => {
                self.step(move |engine| engine.accept_no_negotiation(id)).await?;
                Ok(None)
            }
            // A gateway of before there were negotiations: its request is asked as it stands.
            Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => {
                self.step(move |engine| engine.accept_no_negotiation(id)).await?;
                Ok(None)
            }
            heard => heard,
        }
    }

    /// As any grant, in a turn that a withdrawal takes too.
    async fn say_grant(
        &self,
        domain: &ControllerId,
        id: NegotiationId,
        grant: GrantId,
        call: crate::engine::PreparedCall,
    ) -> Result<Option<Talk>, ExchangeError> {
        let taken = self
            .step(move |engine| {
                engine.turn_to_tell(grant, &call).map(|turn| turn.map(|turn| (turn, call)))
            })
            .await?;
        let Some((turn, call)) = taken else { return Ok(None) };
        let Some(answer) = self.send(&turn, call, "grant").await? else { return Ok(None) };
        self.take_in_turn(domain, turn, move |engine| engine.accept_negotiated(id, &answer)).await
    }

    /// What she signed and the other side's end contradicts is withdrawn; it is told at once, and again until signed for.
    async fn withdraw_orphans(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let name = domain.clone();
        for grant in self.step(move |engine| engine.orphans(&name)).await? {
            let call = self.step(move |engine| engine.withdraw_orphan(grant)).await?;
            let _told_again = self.tell_withdrawn(grant, call).await?;
        }
        Ok(())
    }
}
