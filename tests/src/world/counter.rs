//! What the screen of a shop does with wishes, and its till with vouchers.

use std::sync::atomic::Ordering;

use anyhow::{Result, bail};
use besace_protocol::{
    consent::Remark,
    id::IntentionId,
    money::Money,
    party::ShopCode,
    time::Timestamp,
    wire::{
        ANSWERS_PATH, AcceptWish, Counted, FEEDBACK_PATH, FindReceipt, QuestionCounted,
        REDEMPTIONS_PATH, ReceiptFound, Redeem, Redeemed, Said, TILL_RECEIPTS_PATH, VoucherText,
        WISHES_PATH, WishShown, Wishes,
    },
};

use super::{Answer, Device, House};
use crate::department_store;

impl House {
    /// Which wishes may be answered, in the order that the shop is shown them.
    pub async fn wishes(&self) -> Result<Vec<WishShown>> {
        match self.get::<Wishes>(Device::StaffScreen, WISHES_PATH).await? {
            Answer::Given(list) => Ok(list.wishes),
            Answer::Refused(problem) => bail!("the screen was refused: {}", problem.key.key()),
        }
    }

    /// How often which answer was given, as the shop is shown it.
    pub async fn answers(&self) -> Result<Vec<QuestionCounted>> {
        match self.get::<Counted>(Device::StaffScreen, ANSWERS_PATH).await? {
            Answer::Given(counted) => Ok(counted.questions),
            Answer::Refused(problem) => bail!("the screen was refused: {}", problem.key.key()),
        }
    }

    /// As [`find_receipt`](Self::find_receipt), as another device asks.
    pub async fn find_receipt_as(
        &self,
        device: Device,
        number: &str,
        shop: ShopCode,
    ) -> Result<Answer<ReceiptFound>> {
        let asked = FindReceipt { number: number.to_owned(), shop };
        let request = self
            .http
            .post(self.url(TILL_RECEIPTS_PATH))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&asked)?);
        self.send(device, request).await
    }

    /// Whose a till receipt is, as the shop hears it.
    pub async fn find_receipt(&self, number: &str, shop: ShopCode) -> Result<ReceiptFound> {
        match self.find_receipt_as(Device::StaffScreen, number, shop).await? {
            Answer::Given(found) => Ok(found),
            Answer::Refused(problem) => bail!("the screen was refused: {}", problem.key.key()),
        }
    }

    /// What was said of the shop, as it is shown it.
    pub async fn feedback(&self) -> Result<Vec<Remark>> {
        match self.get::<Said>(Device::StaffScreen, FEEDBACK_PATH).await? {
            Answer::Given(said) => Ok(said.remarks),
            Answer::Refused(problem) => bail!("the screen was refused: {}", problem.key.key()),
        }
    }

    /// Somebody of the shop accepts a wish.
    pub async fn accept_wish(&self, intention: IntentionId) -> Result<Answer<WishShown>> {
        let request = self
            .http
            .post(self.url(WISHES_PATH))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&AcceptWish { intention })?);
        self.send(Device::StaffScreen, request).await
    }

    /// The till scanned a voucher: a new intent each time.
    pub async fn redeem(&self, basket: Money, voucher: &str) -> Result<Answer<Redeemed>> {
        let body = Redeem {
            basket: Some(basket),
            hold: None,
            voucher: Some(VoucherText(voucher.to_owned())),
        };
        let intent = self.intents.fetch_add(1, Ordering::SeqCst);
        let request = self
            .http
            .post(self.url(REDEMPTIONS_PATH))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("basket-{intent}"))
            .body(serde_json::to_vec(&body)?);
        self.send(Device::Till, request).await
    }

    /// Gives vouchers from now on: what its offers give most often.
    pub fn give_vouchers(&self, now: Timestamp) -> Result<()> {
        let mut rng = self.rng.clone();
        self.lock().set_voucher_plan(Some(&department_store::vouchers()), now, &mut rng)?;
        Ok(())
    }
}
