//! Why something does not hold, or could not be checked.

use alloc::boxed::Box;

use serde::{Serialize, Serializer};

use super::OpeningLineError;
use crate::{
    consent::{
        ErasureMismatch, GrantMismatch, NoticeError, NoticeMismatch, ParseRecordError,
        RenewalMismatch, RevocationMismatch, WithdrawalMismatch,
    },
    crypto::Digest,
    document::ParseDocumentError,
    id::{GrantId, MandateId, RequestId},
    jws::VerifyJwsError,
    log::{
        OpeningError, Origin, ParseBundleError, ParseCheckpointError, QuorumError,
        VerifyCheckpointError, WitnessName,
    },
    mandate::{Beyond, VerifyDelegateCallError},
    time::Day,
};

/// Why an assertion does not hold.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says in its message what it means")]
pub enum Fault {
    #[error("a file of this name does not belong into a bundle")]
    UnknownFile,
    #[error("the file is missing")]
    Missing,
    #[error("the tree of this head has no such file")]
    NotOfThisTree,
    #[error("the bytes are not those that the file name says")]
    OtherBytes,
    #[error("nothing in the bundle names this document")]
    UnnamedDocument,
    #[error("the manifest is not the retailer's, or has other keys than the pinned ones")]
    Manifest,
    #[error("not a head")]
    ParseCheckpoint(#[source] ParseCheckpointError),
    #[error("the head does not hold")]
    Checkpoint(#[source] VerifyCheckpointError),
    #[error("does not count by the policy of witnesses")]
    Quorum(#[source] QuorumError),
    #[error(
        "{witness} saw this head, by its own clock, {seconds} s out of its order with one that was seen before"
    )]
    SeenBackwards { witness: WitnessName, seconds: u64 },
    #[error("a proposal to somebody who objects to direct marketing, by this log")]
    ProposedToObjector,
    #[error("the file name says another size")]
    OtherSize,
    #[error("the log is shorter than the head of {seen} entries that was seen")]
    Shorter { seen: u64 },
    #[error("the log does not begin with the head of {seen} entries that was seen")]
    Rewritten { seen: u64 },
    #[error("another root was signed for the same size")]
    Forked,
    #[error("the tile is malformed")]
    ParseTile(#[source] ParseBundleError),
    #[error("the entry is not the one in its tile")]
    Entry,
    #[error("the hash is not the one that the entries give")]
    TileHash,
    #[error("the tiles give another root than the head")]
    Root,
    #[error("does not open this entry")]
    OpeningLine(#[source] OpeningLineError),
    #[error("the log has no such entry")]
    NoSuchEntry,
    #[error("does not open this entry")]
    Opening(#[source] OpeningError),
    #[error("not a record")]
    ParseRecord(#[source] ParseRecordError),
    #[error("not a document of its type")]
    ParseDocument(#[source] ParseDocumentError),
    #[error("a document that does not belong into this log")]
    ForeignDocument,
    #[error("names another key for a log than the one that its head is signed with")]
    OtherLogKey,
    #[error("begins where no pseudonym of this log stood")]
    NoPseudonym,
    #[error("the log was left before: it goes on in two others")]
    LeftTwice,
    #[error("leaves out what had been shown, though nothing was lost")]
    LeftOut,
    #[error("no retailer's log here says that this log goes on from another")]
    NoContinuation,
    #[error("the log does not begin with the anchor that its continuation names")]
    NoAnchor,
    #[error("the log that it goes on from is not in the bundle")]
    NoOldLog,
    #[error("the log that it goes on from was written on after it had been left")]
    WrittenOn,
    #[error("the log does not begin with the restoration that says why it was begun")]
    NoRestoration,
    #[error("a restoration does not stand here: it is the first entry of the log that it begins")]
    RestorationElsewhere,
    #[error("another restoration begins the same log")]
    RestoredTwice,
    #[error("does not follow the restoration before it")]
    RestorationOrder,
    #[error("no key is pinned for its controller")]
    NoPinnedKey,
    #[error("the signatures do not hold")]
    Signature(#[source] VerifyJwsError),
    #[error("the moment lies {seconds} s before that of an earlier entry")]
    Backwards { seconds: u64 },
    #[error("witnesses had seen this entry {seconds} s before the moment that it tells")]
    SeenBefore { seconds: u64 },
    #[error("{grant} was given before, with other words")]
    GrantTwice { grant: GrantId },
    #[error("{grant} does not answer the request it names")]
    NotTheRequest {
        grant: GrantId,
        #[source]
        source: GrantMismatch,
    },
    #[error("the proposal that {grant} takes does not go on from what had been said before it")]
    Spliced { grant: GrantId },
    #[error("not a complete notice")]
    Notice(#[source] NoticeError),
    #[error("not the notice of {request}")]
    NotItsNotice {
        request: RequestId,
        #[source]
        source: NoticeMismatch,
    },
    #[error("{grant} is given for other terms than its notice tells")]
    NotAsTold { grant: GrantId },
    #[error("{grant} is valid for {days} days; the policy allows {allowed}")]
    TooLong { grant: GrantId, days: u16, allowed: u16 },
    #[error("the pseudonym of {grant} is known to another retailer too")]
    KnownElsewhere { grant: GrantId },
    #[error("does not belong to {grant}")]
    NotTheGrant {
        grant: GrantId,
        #[source]
        source: WithdrawalMismatch,
    },
    #[error("not the erasure that is owed under {grant}")]
    NotTheErasure {
        grant: GrantId,
        #[source]
        source: ErasureMismatch,
    },
    #[error("not a revocation of {grant}")]
    NotTheRevocation {
        grant: GrantId,
        #[source]
        source: RevocationMismatch,
    },
    #[error("no such grant stands before this entry: {grant}")]
    NoGrant { grant: GrantId },
    #[error("{grant} had not been given at that moment")]
    BeforeGiven { grant: GrantId },
    #[error("{grant} had expired at that moment")]
    Expired { grant: GrantId },
    #[error("{grant} was withdrawn at entry {withdrawn}")]
    AfterWithdrawal { grant: GrantId, withdrawn: u64 },
    #[error("its retailer ended {grant} at entry {revoked}")]
    AfterRevocation { grant: GrantId, revoked: u64 },
    #[error("{grant} had ended with all others, by the restoration at entry {restored}")]
    AfterRestoration { grant: GrantId, restored: u64 },
    #[error("another grant took the place of {grant} at entry {renewed}")]
    AfterRenewal { grant: GrantId, renewed: u64 },
    #[error("what {grant} took the place of was withdrawn at entry {withdrawn}")]
    RenewsWithdrawn { grant: GrantId, withdrawn: u64 },
    #[error("two grants take the place of {grant}")]
    RenewedTwice { grant: GrantId },
    #[error("{grant} cannot take the place of the grant it names")]
    NotARenewal {
        grant: GrantId,
        #[source]
        source: RenewalMismatch,
    },
    #[error("the withdrawal of {grant} had been answered {seconds} s before")]
    AfterAnswer { grant: GrantId, seconds: u64 },
    #[error("not a call of the delegate under this mandate")]
    DelegateCall(#[source] VerifyDelegateCallError),
    #[error("does not end {mandate} as she signed it")]
    NotTheMandate { mandate: MandateId },
    #[error("no such mandate stands before this entry: {mandate}")]
    NoMandate { mandate: MandateId },
    #[error("{mandate} was taken back at entry {withdrawn}")]
    MandateWithdrawn { mandate: MandateId, withdrawn: u64 },
    #[error("{mandate} was not in force at that moment")]
    MandateOver { mandate: MandateId },
    #[error("{mandate} does not allow this")]
    BeyondMandate {
        mandate: MandateId,
        #[source]
        source: Beyond,
    },
    #[error("the same call was acted upon before under {mandate}")]
    ActTwice { mandate: MandateId },
    #[error("{grant} does not name this shop")]
    Shop { grant: GrantId },
    #[error("{grant} allows {allowed} uses a day in a shop; this is one more")]
    Frequency { grant: GrantId, allowed: u16 },
    #[error("{grant} does not name this category")]
    Category { grant: GrantId },
    #[error("{grant} releases no keys of that day at that moment")]
    ReleasedDay { grant: GrantId },
    #[error("{grant} is for another purpose")]
    Purpose { grant: GrantId },
    #[error("uses {first} to {last} of {grant} are not shown")]
    Hidden { grant: GrantId, first: u64, last: u64 },
    #[error("{grant} has had a use of this number before")]
    CountedTwice { grant: GrantId },
    #[error("does not follow the use before it of {grant}")]
    Chain { grant: GrantId },
    #[error("the retailer signed {stated} uses of {grant}; {shown} are shown")]
    Stated { grant: GrantId, stated: u64, shown: u64 },
    #[error("the retailer signed another head of the uses of {grant}")]
    StatedHead { grant: GrantId },
    #[error("the other log does not say that this was sent")]
    NeverSent,
    #[error("arrived {seconds} s before it was logged as sent")]
    ArrivedFirst { seconds: u64 },
    #[error("acknowledged {seconds} s after the withdrawal of {grant}")]
    AcknowledgedLate { grant: GrantId, seconds: u64 },
    #[error("no acknowledgement of the withdrawal of {grant} is shown")]
    NeverAcknowledged { grant: GrantId },
    #[error("what was held under {grant} was erased {seconds} s after it was due")]
    ErasedLate { grant: GrantId, seconds: u64 },
    #[error("what was held under {grant} is said to be erased {seconds} s before it ended")]
    ErasedBefore { grant: GrantId, seconds: u64 },
    #[error("no signature is shown that what was held under {grant} is erased")]
    NeverErased { grant: GrantId },
    #[error("the acknowledgement leaves out day {} of {grant}", day.as_number())]
    NotDeleted { grant: GrantId, day: Day },
    #[error("day {} of {grant} was deleted {seconds} s after its end", day.as_number())]
    DeletedLate { grant: GrantId, day: Day, seconds: u64 },
    #[error("what arrived under {grant} was deleted {seconds} s after its retention was over")]
    HeldTooLong { grant: GrantId, seconds: u64 },
}

/// Something that could not be checked, and so proves nothing either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says in its message what it means")]
pub enum Gap {
    #[error("{origin}: no key for this log is pinned, and no grant here names one; not read")]
    UnknownLogKey { origin: Origin },
    #[error("{origin}: a head is remembered, but the log is not in the bundle")]
    RememberedLogAbsent { origin: Origin },
    #[error("{origin}: {count} of {size} entries are not opened; what they hold is not known")]
    Unopened { origin: Origin, count: u64, size: u64 },
    #[error(
        "{origin}: no earlier head is known, so what was removed before the first look does not show"
    )]
    NoMemory { origin: Origin },
    #[error(
        "{count} documents were not read: what names them may stand in a log that was not read"
    )]
    UnreadDocuments { count: u64 },
    #[error("conduct was not judged, because evidence was refused")]
    ConductNotJudged,
    #[error("{grant}: the request it answers is not opened")]
    NoRequest { grant: GrantId },
    #[error("{grant}: what was said before its proposal is not opened")]
    NoTranscript { grant: GrantId },
    #[error("{grant}: the notice with digest {notice} is not in the bundle")]
    NoNotice { grant: GrantId, notice: Digest },
    #[error("{grant}: no signed count of uses is in the bundle")]
    NoStatement { grant: GrantId },
    #[error("{grant}: the retailer's log is not in the bundle, so its uses are not known")]
    OneSided { grant: GrantId },
    #[error("{grant}: ended when the retailer lost its store; what its log had of it is not here")]
    BeforeRestoration { grant: GrantId },
    #[error("{origin}: the retailer lost entries {first} to {last}; what they held is not known")]
    LostByRetailer { origin: Origin, first: u64, last: u64 },
    #[error("{origin}: the restoration that it begins with is not opened")]
    RestorationNotShown { origin: Origin },
    #[error("{grant}: her log is not in the bundle, so what she sent is not known")]
    HersAbsent { grant: GrantId },
    #[error("{grant}: {count} things she logged as sent are not shown as received")]
    NotShownReceived { grant: GrantId, count: u64 },
    #[error(
        "{origin}: entries were lost with the file that was restored; what they held is not known"
    )]
    LostEntries { origin: Origin },
    #[error("{grant}: that {count} things were sent may have stood in what was lost")]
    SentLost { grant: GrantId, count: u64 },
    #[error(
        "{grant}: to {count} debits at a till her log shows no answer; a backup may lack it, or nothing was logged"
    )]
    DebitsNotAnswered { grant: GrantId, count: u64 },
    #[error("{grant}: {count} counted uses are not shown; only she can open them")]
    UsesNotShown { grant: GrantId, count: u64 },
    #[error("{grant}: withdrawn, not yet acknowledged; the time for it is not over")]
    AcknowledgementPending { grant: GrantId },
    #[error("{grant}: withdrawn; nothing here shows that the retailer heard of it")]
    NotHeard { grant: GrantId },
    #[error("{grant}: what was due after its end may be newer than this bundle")]
    NotShownYet { grant: GrantId },
    #[error("{grant}: over, not yet erased; the time for it is not over")]
    ErasurePending { grant: GrantId },
    #[error("{grant}: deletion of the keys of {count} days is not shown")]
    DeletionNotShown { grant: GrantId, count: u64 },
    #[error("{grant}: its retention is over; that what arrived under it was deleted is not shown")]
    RetentionNotShown { grant: GrantId },
    #[error("{count} more like this one: {like}")]
    More { count: u64, like: Box<Self> },
    #[error("no witnesses are named: two people who never compare heads could be shown two logs")]
    Witnesses,
    #[error(
        "{origin}: cosigned by {count} whom the policy does not name; nothing is held against their lines"
    )]
    OtherWitnesses { origin: Origin, count: u64 },
    #[error(
        "{origin}: no head that witnesses cosigned is in the bundle; whoever wrote it may have left it out"
    )]
    NotCosigned { origin: Origin },
    #[error("{origin}: cosigned {seconds} s ago; what came since is not known")]
    CosignedLongAgo { origin: Origin, seconds: u64 },
    #[error("{origin}: the last {count} entries are not cosigned")]
    NotYetCosigned { origin: Origin, count: u64 },
}

impl Gap {
    /// Whether something that the policy asks for stayed unread or is lacking: then "holds" may not be said.
    pub const fn is_blocking(&self) -> bool {
        matches!(
            self,
            Self::UnknownLogKey { .. }
                | Self::RememberedLogAbsent { .. }
                | Self::UnreadDocuments { .. }
                | Self::ConductNotJudged
                | Self::NotCosigned { .. }
        )
    }
}

impl Serialize for Gap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
