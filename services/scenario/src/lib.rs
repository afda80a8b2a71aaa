//! A made-up plan year of Jinzhong, played through the API: for the demo, the bench and the tests.
//!
//! A seed decides everything: people, plan, what goes wrong, keys, request ids. What is contended between regions runs alone, so a
//! seed's counts, refusals and fen do not depend on interleaving.

mod claims;
mod classes;
mod client;
mod desk;
mod inspections;
pub mod made_up;
mod office;
mod opening;
mod papers;
mod plan;
mod records;
mod region;
mod seats;
mod sessions;
mod year;

pub use client::{Client, PlayError, Tally, credential, key};
pub use desk::{Desk, Group, Opening, Trainee};
pub use year::{Progress, Script, Year, day, month, play};
