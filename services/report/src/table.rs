//! A report as data: columns, rows, notes and charts, in one language.

use hefu_domain::{Date, PlanYear, Region};

/// A report as of the end of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which: `progress`.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// The region that it is of, with the regions below it.
    pub region: Region,
    /// What that is called.
    pub region_name: String,
    /// The plan year.
    pub year: PlanYear,
    /// The last day that counts.
    pub as_of: Date,
    /// As of which index of which log.
    pub logs: Vec<AsOf>,
    /// Headings, in order.
    pub columns: Vec<Column>,
    /// In order.
    pub rows: Vec<Row>,
    /// What must be said beside the figures.
    pub notes: Vec<String>,
    /// What can be drawn of it.
    pub charts: Vec<Chart>,
}

/// How many events of a region's log a report counts: all up to the end of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// The region.
    pub region: Region,
    /// Which log of it; a fork accepted begins the next.
    pub epoch: u64,
    /// Events of that log.
    pub size: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Stable, for programs.
    pub key: String,
    /// For people.
    pub heading: String,
    /// What its cells are.
    pub unit: Unit,
}

/// What a column's or chart's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Words.
    Text,
    /// People, classes, sheets.
    Count,
    /// Money, in fen; shown in yuan.
    Fen,
    /// Tenths of a percent.
    Percent,
}

/// A cell; a number is in its column's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// There is nothing to say.
    Empty,
    /// Words.
    Text(String),
    /// A number.
    Number(i64),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// One for each column.
    pub cells: Vec<Cell>,
    /// What is special about it.
    pub mark: Mark,
}

/// What is special about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Nothing.
    #[default]
    Plain,
    /// It sums others up.
    Sum,
    /// It is to be followed up.
    Slow,
}

/// Something to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// How.
    pub kind: ChartKind,
    /// What it is called.
    pub title: String,
    /// What its numbers are.
    pub unit: Unit,
    /// Along the axis.
    pub categories: Vec<String>,
    /// A number for each category.
    pub series: Vec<Series>,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// A bar for each category.
    Bars,
    /// A line over time.
    Lines,
}

/// A row of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// In the chart's unit.
    pub values: Vec<i64>,
}

/// A share in tenths of a percent, rounded half up; nothing of nothing.
pub(crate) fn share(part: i64, of: i64) -> Option<i64> {
    (of > 0).then(|| (part * 2_000 + of).div_euclid(of * 2))
}

/// A share as a cell.
pub(crate) fn percent(part: i64, of: i64) -> Cell {
    share(part, of).map_or(Cell::Empty, Cell::Number)
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }
}

impl Unit {
    /// A number of this unit as people read it.
    pub fn show(self, number: i64) -> String {
        let sign = if number < 0 { "-" } else { "" };
        let by = match self {
            Unit::Text | Unit::Count => 1,
            Unit::Fen => 100,
            Unit::Percent => 10,
        };
        let (whole, rest) = (number.unsigned_abs() / by, number.unsigned_abs() % by);
        match self {
            Unit::Text | Unit::Count => number.to_string(),
            Unit::Fen => format!("{sign}{whole}.{rest:02}"),
            Unit::Percent => format!("{sign}{whole}.{rest}%"),
        }
    }

    /// A cell of this unit as people read it.
    pub fn cell(self, cell: &Cell) -> String {
        match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => self.show(*number),
        }
    }

    /// As programs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Text => "text",
            Unit::Count => "count",
            Unit::Fen => "fen",
            Unit::Percent => "percent",
        }
    }
}

impl Mark {
    /// As programs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Plain => "plain",
            Mark::Sum => "sum",
            Mark::Slow => "slow",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_half_up_in_tenths_of_a_percent() {
        assert_eq!(share(1, 3), Some(333));
        assert_eq!(share(2, 3), Some(667));
        assert_eq!(share(1, 2_000), Some(1), "0.05 percent is 0.1");
        assert_eq!(share(0, 3), Some(0));
        assert_eq!(share(3, 0), None);
        assert_eq!(Unit::Percent.show(1_083), "108.3%");
        assert_eq!(Unit::Fen.show(-5), "-0.05");
        assert_eq!(Unit::Fen.show(150_000), "1500.00");
    }
}
