//! Tills without a network: the bridge, its keys, and what it has to upload.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use besace_protocol::{encoding::from_json, money::Money, wire::UploadRedemptions};
use besace_retailer::offline::{Ceiling, OfflineTill, TillKeys};
use clap::{Args, Subcommand};

use super::output;
use crate::{
    bridge::{Bridge, Coupons},
    clock::SystemClock,
    config::read_bytes,
    entropy::{Rng, SystemEntropy},
};

/// Longest upload that is read, in bytes: 256 redemptions of some 700.
const UPLOAD_LEN_MAX: usize = 512 << 10;

#[derive(Debug, Args)]
pub(super) struct BridgeArguments {
    /// Keys of the weeks, as `besace-gateway till-keys` writes them.
    #[arg(long)]
    keys: PathBuf,
    /// The shop's own EAN-13 of each class, in JSON.
    #[arg(long)]
    coupons: PathBuf,
    /// Where the vouchers that were taken are written down.
    #[arg(long)]
    spent: PathBuf,
    /// How many vouchers are taken at most before an upload.
    #[arg(long, default_value_t = 50)]
    vouchers_max: usize,
    /// How many euro cents they take off at most, as far as that is known.
    #[arg(long, default_value_t = 25_000)]
    cents_max: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum Spent {
    /// Print what is to be uploaded first, as `/v1/redemptions/offline` takes it.
    Pending {
        /// The file of the bridge.
        spent: PathBuf,
    },
    /// Note that an upload was answered.
    Uploaded {
        /// The file of the bridge.
        spent: PathBuf,
        /// What was uploaded, as `pending` printed it.
        upload: PathBuf,
    },
}

/// Serves the standard input until it ends.
pub(super) fn bridge(arguments: BridgeArguments) -> anyhow::Result<()> {
    let BridgeArguments { keys, coupons, spent, vouchers_max, cents_max } = arguments;
    let named = |path: &Path| format!("read {}", path.display());
    let till_keys = TillKeys::parse(&read_bytes(&keys)?).with_context(|| named(&keys))?;
    let coupons = Coupons::parse(&read_bytes(&coupons)?).with_context(|| named(&coupons))?;
    let ceiling = Ceiling { vouchers: vouchers_max, amount: Money::euro_cents(cents_max) };
    let till = OfflineTill::open(&spent, till_keys, ceiling).with_context(|| named(&spent))?;
    let rng = Rng::new(Arc::new(SystemEntropy));
    let mut bridge = Bridge { till, coupons, keys, rng };
    bridge.run(io::stdin().lock(), io::stdout().lock(), io::stderr().lock(), &SystemClock)?;
    Ok(())
}

pub(super) fn spent(command: Spent) -> anyhow::Result<()> {
    match command {
        Spent::Pending { spent } => {
            let pending = OfflineTill::pending(&spent)?;
            output::line(&serde_json::to_string(&pending)?);
        }
        Spent::Uploaded { spent, upload } => {
            let bytes = read_bytes(&upload)?;
            let upload: UploadRedemptions = from_json(&bytes, UPLOAD_LEN_MAX)?;
            OfflineTill::mark_uploaded(&spent, &upload)?;
            output::line(&format!("{} redemptions", upload.redemptions.len()));
        }
    }
    Ok(())
}
