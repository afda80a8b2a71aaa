//! Statements over several tables at once: one round trip, however many there are.

use crate::tables::Table;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The texts of a statement, by the tables that it is about.
pub(super) struct Texts {
    make: fn(&[Table]) -> String,
    made: Mutex<BTreeMap<Vec<Table>, &'static str>>,
}

impl Texts {
    pub(super) const fn new(make: fn(&[Table]) -> String) -> Texts {
        Texts {
            make,
            made: Mutex::new(BTreeMap::new()),
        }
    }

    /// Made once and kept for the life of the process, as the driver wants statement text. Few sets of tables ever come together.
    pub(super) fn of(&self, tables: &[Table]) -> &'static str {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = made.get(tables) {
            return text;
        }
        let text = (self.make)(tables).leak();
        made.insert(tables.to_vec(), text);
        text
    }
}
