//! The bureau's reports as of the end of a day, from the log alone.
//!
//! Two halves meet in a few counters. [`Book`] folds the events of a region's log, in order, into deltas of counters by day and what it has
//! to remember of single vouchers and sheets to do so; [`build`] makes a [`Report`] of the counters up to a day. Both are pure: the same log
//! gives the same counters whoever folds it (the server's worker, or an auditor from an export), and the same day the same report to the byte.
//! Nothing here reads a clock: no report says when it was made, but each says as of which index of which log it counts.

mod book;
mod build;
mod fact;
mod figures;
mod fold;
mod render;
mod reports;
mod table;
mod words;

pub use book::{Book, Changes, Count, FoldError};
pub use build::{Ask, AskError, RegionFigures, WHOLE_LOG, Wanted, build};
pub use fact::{Fact, fact_of_region};
pub use figures::{Figures, MonthSum};
pub use render::{csv, json, svg, text};
pub use table::{AsOf, Cell, Chart, ChartKind, Column, Mark, Report, Row, Series, Unit};
pub use words::{Lang, Name, Subject};

/// Of the fold: whatever another version left behind is wiped and built anew from the log.
pub const FOLD_VERSION: u64 = 3;
