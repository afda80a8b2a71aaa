//! Conformance of the store: every call on both engines, with the same outcome on each.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

mod build;
mod commits;
mod failures;
mod guards;
mod locks;
mod partitions;
mod plans;
mod published;
mod reads;
mod rights;
mod secrets;
mod setup;
mod uniqueness;
