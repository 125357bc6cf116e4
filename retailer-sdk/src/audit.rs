//! What the retailer hands to an auditor. `spec/audit.md`.

use besace_protocol::{
    audit::Bundle,
    encoding::Bytes,
    log::{Commitment, Opening},
};

use crate::{Retailer, store::StoreError};

impl Retailer {
    /// The whole log, what opens its entries, and the documents that its records name by digest.
    ///
    /// Uses are not opened: what opens them went home to the shoppers, and an auditor gets it from them;
    /// until then the report says that they are not shown.
    pub fn audit_bundle(&self) -> Result<Bundle, StoreError> {
        let session = self.store.read();
        let head = self.own.ledger.head(session)?;
        let leaves = 0..head.size();
        let entries = leaves.map(|leaf| session.log_entry(leaf));
        let entries = entries.collect::<Result<Vec<Commitment>, _>>()?;
        let mut bundle = Bundle::new();
        bundle.add_log(&head, &entries).map_err(|_| StoreError::Corrupt)?;
        if let Some(cosigned) = self.cosigned()? {
            bundle.add_cosigned(&cosigned);
        }
        let openings = session.openings()?.into_iter().map(|opened| Opening {
            index: opened.leaf,
            record: Bytes(opened.record),
            salt: opened.salt,
        });
        bundle
            .add_openings(self.own.ledger.key().origin(), openings)
            .map_err(|_| StoreError::Corrupt)?;
        for document in session.long_documents()? {
            bundle.add_document(document);
        }
        for notice in session.notices()? {
            bundle.add_document(notice.into_bytes());
        }
        Ok(bundle)
    }
}
