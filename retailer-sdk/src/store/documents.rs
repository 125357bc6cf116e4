//! What the retailer publishes.

use besace_protocol::{
    crypto::{Digest, sha256},
    time::Week,
};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, from_integer, to_integer};

/// Kinds of published documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    Manifest,
    Request,
    Catalogue,
    VoucherKeys,
}

impl DocumentKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Request => "request",
            Self::Catalogue => "catalogue",
            Self::VoucherKeys => "voucher_keys",
        }
    }
}

/// A published document.
#[derive(Clone, Debug)]
pub(crate) struct StoredDocument {
    pub(crate) jws: Vec<u8>,
    /// Of the leaf that opens to it, or to its digest.
    pub(crate) leaf: u64,
}

impl Session<'_> {
    pub(crate) fn set_document(
        self,
        kind: DocumentKind,
        name: &[u8],
        document: &StoredDocument,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO documents (kind, name, jws, leaf) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind, name) DO UPDATE SET jws = excluded.jws, leaf = excluded.leaf",
            params![kind.as_str(), name, document.jws, to_integer(document.leaf)?],
        )?;
        Ok(())
    }

    pub(crate) fn document(
        self,
        kind: DocumentKind,
        name: &[u8],
    ) -> Result<Option<StoredDocument>, StoreError> {
        let row = self
            .query_row(
                "SELECT jws, leaf FROM documents WHERE kind = ?1 AND name = ?2",
                params![kind.as_str(), name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        row.map(|(jws, leaf)| Ok(StoredDocument { jws, leaf: from_integer(leaf)? })).transpose()
    }

    /// All documents of a kind, in the order in which they were logged.
    pub(crate) fn documents(self, kind: DocumentKind) -> Result<Vec<StoredDocument>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT jws, leaf FROM documents WHERE kind = ?1 ORDER BY leaf")?;
        let mut rows = statement.query(params![kind.as_str()])?;
        let mut documents = Vec::new();
        while let Some(row) = rows.next()? {
            documents.push(StoredDocument { jws: row.get(0)?, leaf: from_integer(row.get(1)?)? });
        }
        Ok(documents)
    }

    /// Takes the voucher keys of the weeks before `week` from among the current ones.
    pub(crate) fn forget_voucher_keys(self, week: Week) -> Result<(), StoreError> {
        // Names are weeks in four bytes, high ones first: their order is that of the weeks.
        self.execute(
            "DELETE FROM documents WHERE kind = ?1 AND name < ?2",
            params![DocumentKind::VoucherKeys.as_str(), week.as_number().to_be_bytes()],
        )?;
        Ok(())
    }

    /// Keeps a document that the log names by digest, also after a later one replaced it.
    pub(crate) fn keep_long_document(self, digest: &Digest, jws: &[u8]) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO long_documents (digest, jws) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
            params![digest.as_bytes(), jws],
        )?;
        Ok(())
    }

    /// Every document that the log names by digest.
    pub(crate) fn long_documents(self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT jws FROM long_documents ORDER BY digest")?;
        let documents = statement.query_map([], |row| row.get(0))?;
        Ok(documents.collect::<Result<_, _>>()?)
    }

    /// Keeps a notice under its digest; the same text twice is one notice.
    pub(crate) fn add_notice(self, text: &str) -> Result<Digest, StoreError> {
        let digest = sha256(&[text.as_bytes()]);
        self.execute(
            "INSERT INTO notices (digest, text) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
            params![digest.as_bytes(), text],
        )?;
        Ok(digest)
    }

    pub(crate) fn notice(self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let row = self.query_row(
            "SELECT text FROM notices WHERE digest = ?1",
            params![digest.as_bytes()],
            |row| row.get(0),
        );
        Ok(row.optional()?)
    }

    /// Every notice there ever was.
    pub(crate) fn notices(self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT text FROM notices ORDER BY digest")?;
        let texts = statement.query_map([], |row| row.get(0))?;
        Ok(texts.collect::<Result<_, _>>()?)
    }
}
