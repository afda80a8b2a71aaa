//! Spreadsheets (XLSX) that offices fill in and take away: templates as data, every cell checked where it stands, and a copy in which
//! each error stands beside its cell. Pure of network and store: what a row asks for is the caller's business.
//!
//! The invariant: a cell is taken as what its column says or not at all. Nothing is guessed: a number where an identity number belongs
//! has lost digits, a formula says something else tomorrow, and both are refused with the reason.

mod bounds;
mod check;
mod columns;
mod fault;
mod forms;
mod marked;
mod read;
mod template;
#[cfg(test)]
mod tests;
mod write;

pub use bounds::Limits;
pub use check::Value;
pub use columns::{Column, Kind, Word};
pub use fault::{CellFault, Fault};
pub use marked::mark;
pub use read::{Filled, Row, Unreadable, read};
pub use template::{Prefilled, Template};
pub use write::{Cell, Written, column_letter, table};
