//! The rules of the voucher loop, as one pure function: facts and a command in, events or refusals out.
//!
//! Nothing here reads a clock, draws a random number, logs or waits. Whatever the rules need to know is in the [`World`];
//! what they decide is an [`Event`]; and `World::apply` of the same events is the auditor's replay.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod calendar;
pub mod command;
mod deadline;
mod decide;
pub mod event;
mod ids;
mod money;
mod needs;
pub mod policy;
pub mod refusal;
pub mod state;
pub mod status;
pub mod subsidy;
mod text;
pub mod time;
mod world;

// One room per subject: what a move needs, and what its event changes.
mod access;
mod application;
mod assessment;
mod audit;
mod eligibility;
mod funds;
mod issuance;
mod people;
mod policies;
mod proposal;
mod records;
mod redemption;
mod registry;
#[cfg(test)]
mod sample;
mod settlement;
mod supervision;
mod training;
mod voucher;

pub use access::{Door, ROLES, Rpc, Scope, admitted};
pub use command::{Act, Command};
pub use deadline::{Around, Deadline};
pub use decide::{Caller, decide, decide_both, needs, needs_and_known, subject};
pub use event::Event;
pub use ids::*;
pub use issuance::handed_out;
pub use money::{Days, Fen};
pub use people::revealed;
pub use policy::{Policy, Programme, VoucherKind};
pub use records::{MOST_CERTIFICATES, MOST_PAYOUTS, Payout, RosterDays, exported, furthest_day};
pub use redemption::quote;
pub use refusal::{Checks, Class, Code, Refusal, Refusals, Stop};
pub use settlement::batch_digest;
pub use state::{Fact, Key, Role};
pub use status::{LIST_PLACES, Place, TokenStatus, token_status};
pub use supervision::{Raised, Watch, draw, flag_id, quota, seed};
pub use text::disguises;
pub use time::{Date, Instant, plus_days};
pub use world::{Aside, Holder, Lost, Need, Saved, Subject, World};
