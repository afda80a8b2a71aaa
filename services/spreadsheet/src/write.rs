//! Tables as workbooks: text stays text, whatever it begins with, so that no name or number becomes a formula in somebody's spreadsheet.

use hefu_domain::Date;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::template::{heading, new_book, printed};

/// What the writer found wrong.
#[derive(Debug, thiserror::Error)]
pub enum Written {
    /// The workbook cannot be made.
    #[error("the workbook cannot be written: {0}")]
    Workbook(#[from] XlsxError),
    /// What it is copied from cannot be read any more.
    #[error("the sheet cannot be read again: {0}")]
    Source(String),
}

/// A cell to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text; it is written as text even where it looks like a number or a formula.
    Text(String),
    /// A number.
    Number(f64),
    /// An amount in fen, shown in yuan.
    Fen(i64),
    /// A day.
    Day(Date),
    /// True or false.
    Bool(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Cell {
        Cell::Number(number.into())
    }
}

/// With what a spreadsheet takes text for a formula, when it is typed or comes from a CSV file.
fn is_suspicious(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// Writes a cell in that format, and what its own kind adds to it.
pub(crate) fn cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    format: &Format,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => sheet.write_blank(row, column, format)?,
        Cell::Text(text) => {
            let mut format = format.clone().set_num_format("@");
            if is_suspicious(text) {
                format = format.set_quote_prefix();
            }
            sheet.write_string_with_format(row, column, text, &format)?
        }
        Cell::Number(number) => sheet.write_number_with_format(row, column, *number, format)?,
        Cell::Fen(fen) => {
            let format = format.clone().set_num_format("0.00");
            // Exact: no amount of the office's comes near 2^53 fen.
            sheet.write_number_with_format(row, column, *fen as f64 / 100.0, &format)?
        }
        Cell::Day(day) => {
            let format = format.clone().set_num_format("yyyy-mm-dd");
            let year = u16::try_from(day.year()).unwrap_or_default();
            let (month, date) = (day.month().unsigned_abs(), day.day().unsigned_abs());
            match ExcelDateTime::from_ymd(year, month, date) {
                Ok(day) => sheet.write_datetime_with_format(row, column, &day, &format)?,
                // Before 1900 a spreadsheet knows no days.
                Err(_) => sheet.write_string_with_format(row, column, day.to_string(), &format)?,
            }
        }
        Cell::Bool(is) => sheet.write_boolean_with_format(row, column, *is, format)?,
    };
    Ok(())
}

/// A table: a title, headings with their widths, rows.
///
/// # Errors
/// What the writer finds wrong.
pub fn table(
    title: &str,
    headings: &[(&str, f64)],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, Written> {
    let mut book: Workbook = new_book();
    let sheet = book.add_worksheet();
    sheet.set_name(title)?;
    for (at, (heading_text, width)) in (0u16..).zip(headings) {
        sheet.set_column_width(at, *width)?;
        sheet.write_string_with_format(0, at, *heading_text, &heading())?;
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?;
    printed(sheet);
    for (number, row) in (1u32..).zip(rows) {
        for (at, one) in (0u16..).zip(&row) {
            cell(sheet, number, at, one, &Format::new())?;
        }
    }
    Ok(book.save_to_buffer()?)
}

/// A column's letters: 0 is `A`, 26 is `AA`.
pub fn column_letter(column: u16) -> String {
    let mut letters = String::new();
    let mut rest = u32::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_by_letters() {
        for (column, letters) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_letter(column), letters);
        }
    }
}
