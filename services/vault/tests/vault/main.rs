//! The vault from outside.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is the test's answer"
)]

mod common;
mod rotation;
mod secrets;
mod wrapped_keys;
