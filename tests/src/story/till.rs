//! At the till: a voucher that says what it gives and nothing else, and counts once.

use anyhow::{Context as _, Result};
use besace_protocol::{
    encoding::from_base45, lang::Language, money::Money, problem::ProblemType,
    voucher::UnverifiedPresentation, wire::Redeemed,
};
use memchr::memmem;

use super::{Story, hold};
use crate::world::Answer;

/// What her basket comes to.
const BASKET: Money = Money::euro_cents(6_490);

impl Story {
    pub(super) async fn vouchers_issued_blind(&mut self) -> Result<String> {
        let domain = self.world.lumen.domain.clone();
        let engine = self.world.engine().clone();
        let early = self.world.exchange.fetch_vouchers(&domain).await?;
        hold!(early == 0, "vouchers came before the moment that was drawn");
        hold!(engine.vouchers()?.is_empty(), "there are vouchers that nobody issued");
        // She has just met the retailer: within the hour.
        let now = self.world.clock.now();
        self.world.clock.reach(now.plus(3_600));
        let came = self.world.exchange.fetch_vouchers(&domain).await?;
        let views = engine.vouchers()?;
        let view = views.first().context("no vouchers are here")?;
        let left: usize = view.classes.iter().map(|class| class.left).sum();
        // Next week's batch comes some time until Sunday, perhaps within this hour; it is not shown yet.
        hold!(left == 12, "{left} vouchers of this week are here");
        hold!(came == left || came == 2 * left, "{came} vouchers came, {left} are here");
        let other = self.world.exchange.fetch_vouchers(&self.world.pont.domain).await?;
        hold!(other == 0, "{other} vouchers of a retailer that gives none");
        Ok(format!(
            "{left} vouchers of {} kinds, the same batch as everybody's, before any offer was looked at",
            view.classes.len()
        ))
    }

    pub(super) async fn voucher_redeemed(&mut self) -> Result<String> {
        let domain = self.world.lumen.domain.clone();
        let engine = self.world.engine().clone();
        let offers = engine.offers(Language::Fr)?.offers;
        let mut held = None;
        for offer in offers.iter().filter(|offer| offer.domain == domain) {
            held = held.or(engine.vouchers_for(&domain, offer.offer.benefit())?);
        }
        let held = held.context("no offer that matches can be redeemed")?;
        let shown = engine.show_voucher(&domain, held.class, false)?;
        let redeemed: Redeemed = match self.world.lumen.redeem(BASKET, &shown.text).await? {
            Answer::Given(redeemed) => redeemed,
            Answer::Refused(problem) => anyhow::bail!("refused: {}", problem.key.key()),
        };
        hold!(redeemed.benefit == held.benefit, "the till gives something else");
        hold!(redeemed.discount.minor > 0, "nothing was taken off");
        engine.mark_voucher(shown.nullifier, true)?;
        // The retailer signed it without seeing it, and keeps nothing of it but that it is spent.
        let bytes = from_base45(&shown.text)?;
        UnverifiedPresentation::parse(&bytes)?;
        let nonce = bytes.get(3..35).context("a nonce")?;
        let files = self.world.lumen.files()?;
        let wire = self.world.lumen.tap.bytes();
        for place in [&files, &wire] {
            hold!(memmem::find(place, nonce).is_none(), "the voucher's nonce was kept or sent");
        }
        let spent = memmem::find(&files, shown.nullifier.as_bytes()).is_some();
        hold!(spent, "the retailer does not remember that it is spent");
        self.redeemed = Some(shown.text);
        Ok(format!(
            "{} off a basket of {}; the shop learns {} of {} bits, and not who",
            Language::En.money(redeemed.discount),
            Language::En.money(BASKET),
            tenths(held.millibits.into()),
            besace_agent::engine::BITS_A_YEAR,
        ))
    }

    pub(super) async fn voucher_refused_again(&mut self) -> Result<String> {
        let text = self.redeemed.take().context("a voucher was redeemed")?;
        match self.world.lumen.redeem(BASKET, &text).await? {
            Answer::Refused(problem) if problem.key == ProblemType::AlreadyRedeemed => {}
            other => anyhow::bail!("the second time got {other:?}"),
        }
        Ok("the same code, scanned again: already_redeemed".into())
    }
}

/// Thousandths of a bit as tenths, rounded up.
fn tenths(millibits: u64) -> String {
    let tenths = millibits.div_ceil(100);
    format!("{}.{}", tenths / 10, tenths % 10)
}
