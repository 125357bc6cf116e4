//! Giving, and renewing: a grant is told to its retailer until that signs it or refuses it for good.

use besace_protocol::{
    consent::Indication,
    id::{GrantId, RequestId},
    party::ControllerId,
    problem::ProblemType,
};

use super::{Exchange, ExchangeError};
use crate::{
    engine::{Engine, PreparedCall, StepError},
    net::NetError,
};

impl Exchange {
    /// Says yes to a request, and delivers what the grant allows from now on.
    pub async fn give(
        &self,
        request: RequestId,
        indication: Indication,
    ) -> Result<GrantId, ExchangeError> {
        let domain = self.step(move |engine| engine.asking(request)).await?;
        // Before it is written on, her log is compared. A retailer that is away hears of the grant later.
        let stands = self.stand(&domain).await;
        let (id, call) = self.step(move |engine| engine.give(request, indication)).await?;
        stands??;
        self.tell_given(&domain, id, call).await
    }

    /// Says yes again, in the place of a grant that she has, and delivers what the new one allows from now on.
    pub async fn renew(
        &self,
        grant: GrantId,
        indication: Indication,
    ) -> Result<GrantId, ExchangeError> {
        let request = self.step(move |engine| engine.renewable_by(grant)).await?;
        let request = request.ok_or(StepError::RequestClosed)?;
        let domain = self.step(move |engine| engine.asking(request)).await?;
        let stands = self.stand(&domain).await;
        let (id, call) = self.step(move |engine| engine.renew(grant, indication)).await?;
        stands??;
        self.tell_given(&domain, id, call).await
    }

    async fn tell_given(
        &self,
        domain: &ControllerId,
        id: GrantId,
        call: PreparedCall,
    ) -> Result<GrantId, ExchangeError> {
        // Somebody else may be telling it; else she took it back meanwhile.
        let told = self.tell_grant(id, call).await?;
        if !told && self.step(move |engine| engine.is_withdrawn(id)).await? {
            return Err(StepError::GrantOver.into());
        }
        self.deliver_due(domain).await?;
        Ok(id)
    }

    /// Tells a retailer of a grant, and takes its signature. False if she took it back first, or it
    /// is being told.
    pub(super) async fn tell_grant(
        &self,
        id: GrantId,
        call: PreparedCall,
    ) -> Result<bool, ExchangeError> {
        let domain = call.domain.clone();
        let taken = move |engine: &Engine| {
            engine.turn_to_tell(id, &call).map(|turn| turn.map(|turn| (turn, call)))
        };
        let Some((turn, call)) = self.step(taken).await? else { return Ok(false) };
        let answer = match self.send(&turn, call, "grant").await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(false),
            Err(error) => {
                drop(turn);
                if matches!(&error, ExchangeError::Net(NetError::Refused(no)) if ends_grant(*no)) {
                    self.end_refused(id).await?;
                }
                return Err(error);
            }
        };
        self.take_in_turn(&domain, turn, move |engine| engine.accept_grant(id, &answer)).await?;
        Ok(true)
    }

    /// A grant that its retailer will never sign is told no more, and stands in nobody's way.
    async fn end_refused(&self, id: GrantId) -> Result<(), ExchangeError> {
        if let Some(call) = self.step(move |engine| engine.end_refused(id)).await? {
            let _told_again = self.tell_withdrawn(id, call).await?;
        }
        Ok(())
    }
}

/// Whether a retailer that says this of a grant never signs it.
const fn ends_grant(problem: ProblemType) -> bool {
    matches!(
        problem,
        ProblemType::GrantConflict
            | ProblemType::GrantExpired
            | ProblemType::GrantWithdrawn
            | ProblemType::RequestUnknown
    )
}
