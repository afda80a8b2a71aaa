//! The region log: what is stored, hashed, signed and shown.
//!
//! The invariant of the crate: the bytes that [`Envelope::encode`] makes are the only form of an event. They are
//! hashed into an RFC 6962 Merkle tree and never encoded again; checkpoints, notes, tiles, entry bundles and
//! cosignatures follow C2SP (tlog-checkpoint, signed-note, tlog-tiles, tlog-cosignature), so that tools which we did not
//! write can verify them.
//!
//! Pure: no IO, no clock, no randomness, and nothing of ours is imported but the signature suites. [`bytes`] makes canonical JSON,
//! [`envelope`] wraps an event, [`merkle`] is the tree and its [`proof`]s, [`tile`] its public files, [`note`] and
//! [`checkpoint`] what the log's key signs, [`growth`] what it may sign, [`cosignature`] what witnesses add, [`second`]
//! a second signature in another suite, [`series`] all that was published.

pub mod bytes;
pub mod checkpoint;
pub mod cosignature;
pub mod envelope;
mod error;
pub mod growth;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod second;
pub mod series;
pub mod tile;

pub use bytes::{MAX_BYTES, MAX_INTEGER, canonical, is_canonical};
pub use checkpoint::{Checkpoint, Origin};
pub use cosignature::{Cosigned, Cosigner, WitnessKey, cosignatures};
pub use envelope::{Encoded, Envelope, FORMAT, Opened, View};
pub use error::LogError;
pub use growth::{Claim, Doubt, Growth, Stored};
pub use merkle::{Frontier, Hash, leaf_hash, node_hash};
pub use note::{Note, NoteSigner, Signature, Vkey};
pub use proof::{
    Node, Nodes, consistency_proof, inclusion_proof, root_at, verify_consistency, verify_inclusion,
};
pub use receipt::Receipt;
pub use second::{SecondKey, SecondSigner, VerifierKeys};
pub use tile::{Tile, TileBuilder, TileKind, TilePath, TileSet};
