//! Ending grants. `spec/revocation.md`.

use std::path::Path;

use besace_protocol::{
    consent::RevocationReason,
    id::{GrantId, RequestId},
    purpose::Purpose,
    time::Timestamp,
};
use besace_retailer::GrantsToEnd;
use clap::{Args, Subcommand};

use super::{open_in_time, open_to_read, output, parse_grant};
use crate::entropy::Rng;

#[derive(Debug, Subcommand)]
pub(super) enum Grant {
    /// End grants that shoppers gave: what was earned stays theirs, and each of them is told. Without --yes it only
    /// says how many.
    End {
        #[command(flatten)]
        which: Which,
        /// Why: `programme_over`, `purpose_over`, `security` or `shop_closed`.
        #[arg(long, value_parser = parse_reason)]
        reason: RevocationReason,
        /// End them. There is no way back.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// This one; if another took its place, that one.
    #[arg(long, value_parser = parse_grant)]
    grant: Option<GrantId>,
    /// All that answer this request.
    #[arg(long, value_parser = parse_request)]
    request: Option<RequestId>,
    /// All for this purpose.
    #[arg(long, value_parser = parse_purpose)]
    purpose: Option<Purpose>,
}

fn parse_request(text: &str) -> Result<RequestId, String> {
    RequestId::parse(text).map_err(|error| error.to_string())
}

fn parse_purpose(text: &str) -> Result<Purpose, String> {
    let purpose = Purpose::ALL.iter().find(|purpose| purpose.as_str() == text);
    purpose.copied().ok_or_else(|| {
        let all: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        format!("not one of {}", all.join(", "))
    })
}

fn parse_reason(text: &str) -> Result<RevocationReason, String> {
    RevocationReason::named(text).ok_or_else(|| {
        let all = RevocationReason::ALL.map(RevocationReason::as_str);
        format!("not one of {}", all.join(", "))
    })
}

pub(super) fn grant(
    folder: &Path,
    marks: Option<&Path>,
    Grant::End { which: Which { grant, request, purpose }, reason, yes }: Grant,
    now: Timestamp,
    rng: &mut Rng,
) -> anyhow::Result<()> {
    let which = [
        grant.map(GrantsToEnd::Grant),
        request.map(GrantsToEnd::Request),
        purpose.map(GrantsToEnd::Purpose),
    ];
    let which = which.into_iter().flatten().next();
    let which = which.ok_or_else(|| anyhow::anyhow!("say which grants"))?;
    if !yes {
        let count = open_to_read(folder, marks)?.grants_to_end(which, now)?.len();
        output::line(&format!("{count} to end; --yes ends them"));
        return Ok(());
    }
    let mut retailer = open_in_time(folder, marks, now)?;
    let mut ended: usize = 0;
    // Each by itself: an interruption leaves the others as they were, and the same command goes on.
    for grant in retailer.grants_to_end(which, now)? {
        let done = retailer.revoke_grant(grant, reason, now, rng)?;
        ended = ended.saturating_add(usize::from(done));
    }
    output::line(&format!("{ended} ended"));
    Ok(())
}
