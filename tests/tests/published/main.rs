//! What anybody may read of the signed logs, and nothing beyond: files over a store, and what an export makes of them.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod export;
mod files;
mod secure;
mod verify;
