//! Counters up to a day, by item and month.

use std::collections::BTreeMap;

/// By how much a counter changed in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSum {
    /// Which counter.
    pub item: String,
    /// `YYYY-MM`.
    pub month: String,
    /// By how much.
    pub value: i64,
}

/// Counters of one region and subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures(BTreeMap<String, BTreeMap<String, i64>>);

impl Figures {
    /// Of these.
    pub fn of(sums: impl IntoIterator<Item = MonthSum>) -> Figures {
        let mut figures = Figures::default();
        for MonthSum { item, month, value } in sums {
            *figures.0.entry(item).or_default().entry(month).or_default() += value;
        }
        figures
    }

    /// A counter.
    pub(crate) fn total(&self, item: &str) -> i64 {
        self.0.get(item).map_or(0, |months| months.values().sum())
    }

    /// A counter as it was at the end of a month.
    pub(crate) fn at_end_of(&self, item: &str, month: &str) -> i64 {
        let months = self.0.get(item).into_iter().flatten();
        let until = months.filter(|(of, _)| of.as_str() <= month);
        until.map(|(_, value)| value).sum()
    }

    /// Every counter, as the parts of its name and its total.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Vec<&str>, i64)> {
        self.0
            .iter()
            .map(|(item, months)| (item.split('/').collect(), months.values().sum()))
    }

    /// The months in which anything changed.
    pub(crate) fn months(&self) -> impl Iterator<Item = &str> {
        self.0
            .values()
            .flat_map(|months| months.keys().map(String::as_str))
    }
}
