//! Identifiers: the body is the text, `kind` its prefix, `bytes` what it stands for.

use besace_protocol::id;

use super::{Case, same};

pub(crate) fn check(case: &Case) -> Result<(), String> {
    let text = str::from_utf8(&case.body).map_err(|e| e.to_string())?;
    macro_rules! read {
        ($($name:ident)*) => {
            match case.text("kind") {
                $(id::$name::PREFIX => {
                    let id = id::$name::parse(text).map_err(|e| e.to_string())?;
                    same("text", &id.to_string(), text)?;
                    same("bytes", &hex::encode(id.as_bytes()), case.text("bytes"))
                })*
                other => panic!("unknown kind {other}"),
            }
        };
    }
    read!(CardId Generation GrantId Handle ImportId IntentionId LogId MailId MessageId NegotiationId OfferId RequestId VaultId WishId WithdrawalId)
}
