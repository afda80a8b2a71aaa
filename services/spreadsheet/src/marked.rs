//! A copy of a sheet in which every error stands beside its cell: the cell is coloured and has a note, and the last column says all that
//! is wrong with the row. The values stay as they were, so that the copy can be corrected and imported.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use rust_xlsxwriter::{Color, Format, Note, Workbook, Worksheet};

use crate::bounds::Limits;
use crate::check::Raw;
use crate::columns::Column;
use crate::fault::CellFault;
use crate::read::{self, Unreadable};
use crate::template::{self, HEADINGS, Template};
use crate::write::{self, Cell, Written};

/// The heading of the last column.
const ERRORS: &str = "错误说明";

/// Writes the copy.
///
/// # Errors
/// The sheet cannot be read, or the copy not written.
pub fn mark<R: Read + Seek, W: Write + Seek + Send>(
    mut file: R,
    template: Template,
    context: &str,
    faults: &[CellFault],
    limits: &Limits,
    out: W,
) -> Result<(), Written> {
    let unreadable = |error: Unreadable| Written::Source(error.to_string());
    let mut by_row: BTreeMap<u32, Vec<&CellFault>> = BTreeMap::new();
    for fault in faults {
        by_row.entry(fault.row).or_default().push(fault);
    }
    let mut book: Workbook = template::new_book();
    let sheet = book.add_worksheet();
    sheet.set_name(template.title())?;
    let mut source = read::open(&mut file, limits).map_err(unreadable)?;
    let mut last = 0;
    let mut failed = None;
    let walked = read::rows(&mut source, limits, |number, cells, _| {
        if number == 0 {
            last = errors_column(cells);
            let dressed = places(template, cells, last)
                .map(|positions| template::dress(sheet, &positions))
                .map_err(|error| failed = Some(Written::Source(error.to_string())));
            if let Ok(Err(error)) = dressed {
                failed = Some(error.into());
            }
        }
        let wrong = by_row.remove(&(number + 1)).unwrap_or_default();
        if let Err(error) = row(sheet, number, cells, last, &wrong) {
            failed = Some(error);
        }
        match failed {
            None => Ok(()),
            Some(_) => Err(Unreadable::NotAWorkbook),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    walked.map_err(unreadable)?;
    template.hidden(book.add_worksheet(), context)?;
    book.save_to_writer(out)?;
    Ok(())
}

/// Where the errors are told: in the column of an earlier copy, or behind the last one.
fn errors_column(headings: &[Raw]) -> u16 {
    let earlier = |cell: &Raw| matches!(cell, Raw::Text(text) if text == ERRORS);
    let at = headings.iter().position(earlier).unwrap_or(headings.len());
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// Which column of the template stands where, and the one of errors last.
fn places(
    template: Template,
    headings: &[Raw],
    last: u16,
) -> Result<Vec<Option<Column>>, Unreadable> {
    let places = read::headings(template, headings)?;
    let columns = template.columns();
    let mut columns: Vec<Option<Column>> = places
        .into_iter()
        .map(|place| place.map(|at| columns[at]))
        .collect();
    columns.resize(usize::from(last), None);
    columns.push(Some(Column {
        key: "",
        zh: ERRORS,
        en: "Errors",
        kind: crate::columns::Kind::Shown,
        required: false,
        prefilled: true,
        width: 60.0,
        example: "",
    }));
    Ok(columns)
}

fn row(
    sheet: &mut Worksheet,
    number: u32,
    cells: &[Raw],
    last: u16,
    wrong: &[&CellFault],
) -> Result<(), Written> {
    let plain = if number < HEADINGS {
        template::heading()
    } else {
        Format::new()
    };
    let red = Format::new().set_background_color(Color::RGB(0xFF_C7CE));
    let faulty = |at: u16| wrong.iter().any(|fault| fault.column == Some(at));
    let width = u16::try_from(cells.len()).unwrap_or(u16::MAX).max(last);
    for at in 0..width {
        if at == last {
            continue;
        }
        let empty = Raw::Empty;
        let cell = cells.get(usize::from(at)).unwrap_or(&empty);
        let format = if faulty(at) { &red } else { &plain };
        if faulty(at) || *cell != Raw::Empty {
            write::cell(sheet, number, at, &kept(cell), format)?;
        }
    }
    match number {
        0 => {
            sheet.write_string_with_format(0, last, ERRORS, &plain)?;
        }
        1 => {
            sheet.write_string_with_format(1, last, "Errors", &plain)?;
        }
        _ if !wrong.is_empty() => {
            let said: Vec<String> = wrong.iter().map(|fault| said(fault)).collect();
            sheet.write_string_with_format(number, last, said.join(";"), &red)?;
        }
        _ => {}
    }
    for fault in wrong {
        if let Some(at) = fault.column {
            let text = format!("{}\n{}", fault.fault.zh, fault.fault.en);
            sheet.insert_note(
                number,
                at,
                &Note::new(text).set_author("hefu").add_author_prefix(false),
            )?;
        }
    }
    Ok(())
}

fn said(fault: &CellFault) -> String {
    match fault.heading {
        "" => fault.fault.zh.clone(),
        heading => format!("{heading}:{}", fault.fault.zh),
    }
}

/// The longest text that a cell holds; a file may say more.
const LONGEST: usize = 32_767;

/// A cell as it was.
fn kept(raw: &Raw) -> Cell {
    match raw {
        Raw::Empty | Raw::Day(None) => Cell::Empty,
        Raw::Text(text) => Cell::Text(text.chars().take(LONGEST).collect()),
        Raw::Number(number) => Cell::Number(*number),
        Raw::Day(Some(day)) => Cell::Day(*day),
        Raw::Bool(is) => Cell::Bool(*is),
        Raw::Error => Cell::Text("#错误".to_owned()),
    }
}
