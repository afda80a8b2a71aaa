//! A report as bytes: the same report gives the same bytes, since nothing of the moment goes into them.

mod plain;
mod svg;

pub use plain::{csv, json, text};
pub use svg::svg;
