//! The API: generated types, and their conversion to and from the domain, once, at the edge.
//!
//! A handler reads a request with [`Move::read`], hands the act to the engine, and answers with [`Reply::of`], which is made from
//! the command's own events only, so that a repeated request gets the same answer again.

pub mod blame;
pub mod errors;
mod moves;
pub mod names;
mod read;
mod replies;
pub mod show;
pub mod states;

/// The generated messages, clients and servers of package `voucher.v1`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    clippy::unwrap_used
)]
pub mod v1 {
    tonic::include_proto!("voucher.v1");
}

/// Every file of `proto/` as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub use moves::{Batch, Move};
pub use read::{BadField, BadFields, Edge, Reader};
pub use replies::{Outcome, Place, Reply, Shown, Unmasked};
