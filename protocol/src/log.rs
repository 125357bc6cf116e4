//! The consent log: an append-only Merkle tree (RFC 6962) of salted commitments, in C2SP formats.
//! `spec/log.md`.
//!
//! | part | document |
//! |---|---|
//! | [`Salt`], [`Commitment`], [`Opening`] | `spec/log.md#leaf` |
//! | [`Frontier`], [`NodeId`], [`inclusion_proof`], [`consistency_proof`] | RFC 6962, section 2.1 |
//! | [`SignedNote`], [`LogKey`] | C2SP signed-note |
//! | [`Checkpoint`] | C2SP tlog-checkpoint |
//! | [`TilePath`], [`tiles_of`], [`serve_tile`] | C2SP tlog-tiles |
//! | [`UnverifiedProof`], [`InclusionProof`] | C2SP tlog-proof |
//! | [`compare`], [`HashTiles`] | `spec/log.md#comparing-heads` |
//! | [`WitnessKey`], [`Cosignature`] | C2SP tlog-cosignature, `spec/witness.md#cosignature` |
//! | [`WitnessPolicy`], [`WitnessedCheckpoint`] | C2SP tlog-policy, `spec/witness.md#policy` |
//! | [`add_checkpoint`], [`UnverifiedAddCheckpoint`] | C2SP tlog-witness, `spec/witness.md#asking` |
//!
//! Pure: nodes and entries are read through closures with the caller's error. It does not do:
//! ML-DSA cosignatures, extension lines of checkpoints, pruning, other hash functions.
//!
//! **A store keeps three tables**: entries by index, complete nodes by [`NodeId`], and the last
//! signed checkpoint. Append in one transaction: [`Frontier::from_nodes`] at the current size,
//! [`Frontier::append`], insert the entry and the nodes it returns, sign, replace the checkpoint if
//! it still is the one that was read. Serve with [`serve_tile`].

mod checkpoint;
mod compare;
mod cosignature;
mod key;
mod leaf;
mod note;
mod policy;
mod proof;
mod proof_file;
mod tile;
mod tree;
mod witness;

pub use checkpoint::{
    Checkpoint, ParseCheckpointError, SignedCheckpoint, TREE_SIZE_MAX, UnverifiedCheckpoint,
    VerifyCheckpointError,
};
pub use compare::{COMPARE_TILES_MAX, Comparison, HashTiles, compare};
pub use cosignature::{
    Cosignature, ParseCosignatureError, ParseWitnessKeyError, ParseWitnessNameError,
    UnverifiedCosignature, VerifyCosignatureError, WitnessKey, WitnessName,
};
pub use key::{LogKey, LogNumber, Origin, ParseLogKeyError, ParseOriginError};
pub use leaf::{
    Commitment, OPENING_LEN_MAX, Opening, OpeningError, ParseOpeningError, Salt, commitment,
};
pub use note::{NOTE_LEN_MAX, ParseNoteError, SignedNote, VerifyNoteError};
pub use policy::{
    COSIGNATURE_AHEAD_MAX, ParseWitnessPolicyError, QuorumError, WITNESS_POLICY_LEN_MAX, Witness,
    WitnessPolicy, WitnessedCheckpoint,
};
pub use proof::{
    ProveError, VerifyProofError, consistency_proof, inclusion_proof, verify_consistency,
    verify_inclusion,
};
pub use proof_file::{
    InclusionProof, PROOF_LEN_MAX, ParseProofError, UnverifiedProof, VerifyProofFileError,
};
pub use tile::{
    ParseBundleError, ParseTilePathError, ServeTileError, TILE_WIDTH, TilePath, TileRow, bundle_of,
    parse_bundle, parse_tile, serve_tile, tiles_of,
};
pub use tree::{Frontier, NodeId, empty_root, leaf_hash, node_hash};
pub use witness::{
    ADD_CHECKPOINT_LEN_MAX, ADD_CHECKPOINT_PATH, ParseAddCheckpointError, TREE_SIZE_MEDIA_TYPE,
    UnverifiedAddCheckpoint, WITNESS_ANSWER_LEN_MAX, WitnessRefusal, add_checkpoint,
    cosignature_in, parse_tree_size, tree_size,
};
