//! The domain from outside: commands in, events or refusals out, on a county that was built by deciding and applying alone.

#![allow(
    clippy::unwrap_used,
    reason = "a failed expectation is a test's answer"
)]

mod application;
mod assessment;
mod audit;
mod classified;
mod employment;
mod funds;
mod hostile;
mod issuance;
mod matrix;
mod plan_year;
mod redemption;
mod settlement;
mod supervision;
mod support;
mod training;
