//! A filled-in template, read row by row: memory holds the sheet's shared strings and one row, however many there are.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

use calamine::{DataRef, Reader as _, Xlsx};
use hefu_domain::Date;
use sha2::{Digest, Sha256};

use crate::bounds::{self, Limits, Merged};
use crate::check::{self, Raw, Value};
use crate::columns::{Column, Kind};
use crate::fault::{self, CellFault, Fault};
use crate::template::{HEADINGS, HIDDEN, MADE_BY, Template};

/// A sheet of which no row can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no XLSX workbook, or a damaged one.
    #[error(
        "不是 XLSX 工作簿或文件已损坏 / not an XLSX workbook, or a damaged one: save it as .xlsx"
    )]
    NotAWorkbook,
    /// It is larger than any office's list.
    #[error("文件过大 / the workbook is larger than is taken: split the list")]
    TooLarge,
    /// It was made from nothing of ours.
    #[error(
        "不是本系统的模板 / not made from a template of this system: get one with `hefu template {0}` and copy the values into it"
    )]
    NoTemplate(&'static str),
    /// It was made from another template.
    #[error("模板不符 / made from the template {found:.40}, not {wanted}")]
    OtherTemplate {
        /// Which one.
        found: String,
        /// Which one was asked for.
        wanted: &'static str,
    },
    /// It was made from another edition of the template.
    #[error(
        "模板版本已更新 / made from edition {found:.10} of the template; the one in force is {wanted}: get a new one and copy the values into it"
    )]
    OldTemplate {
        /// Which one.
        found: String,
        /// The one in force.
        wanted: u32,
    },
    /// Headings are missing.
    #[error("缺少列 / columns are missing from row 1: {0}")]
    NoColumn(String),
    /// A heading stands twice.
    #[error("列重复 / the column stands twice in row 1: {0}")]
    ColumnTwice(&'static str),
    /// Nothing is filled in.
    #[error("没有填写任何行 / no row is filled in")]
    Empty,
}

/// A row that is filled in, every cell of it good.
pub struct Row {
    /// As the spreadsheet numbers it, from 1.
    pub number: u32,
    columns: &'static [Column],
    values: Vec<Option<Value>>,
}

impl Row {
    fn value(&self, key: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|column| column.key == key)?;
        self.values.get(at)?.as_ref()
    }

    /// The text in that column, or nothing.
    pub fn text(&self, key: &str) -> &str {
        match self.value(key) {
            Some(Value::Text(text)) => text,
            Some(Value::Code(code)) => code,
            _ => "",
        }
    }

    /// The day in that column.
    pub fn day(&self, key: &str) -> Option<Date> {
        match self.value(key) {
            Some(Value::Day(day)) => Some(*day),
            _ => None,
        }
    }

    /// The number in that column: a whole one, a level's ordinal.
    pub fn number(&self, key: &str) -> Option<u32> {
        match self.value(key) {
            Some(Value::Whole(number)) => Some(*number),
            Some(Value::Level(level)) => Some(u32::from(level.ordinal())),
            _ => None,
        }
    }

    /// The amount in that column, in fen.
    pub fn fen(&self, key: &str) -> Option<i64> {
        match self.value(key) {
            Some(Value::Fen(fen)) => Some(*fen),
            _ => None,
        }
    }
}

/// What came of reading a sheet.
#[derive(Debug)]
pub struct Filled {
    /// Rows that are filled in.
    pub rows: u32,
    /// How many of them are wrong.
    pub wrong_rows: u32,
    /// The first errors, by row.
    pub faults: Vec<CellFault>,
    /// What the workbook belongs to.
    pub context: String,
    /// SHA-256 of what it says: the same values give the same hash, whoever saved the file, and how.
    pub hash: [u8; 32],
    /// Where each column of the template stands in the sheet.
    positions: Vec<u16>,
    most: usize,
    last_wrong: Option<u32>,
}

impl Filled {
    /// Adds an error that the sheet alone does not show; `key` names the column, nothing the whole row.
    pub fn add(&mut self, template: Template, row: u32, key: &str, fault: Fault) {
        let columns = template.columns();
        let at = columns.iter().position(|column| column.key == key);
        self.wrong_rows += u32::from(row > 0 && self.last_wrong.replace(row) != Some(row));
        if self.faults.len() < self.most {
            self.faults.push(CellFault {
                row,
                column: at.and_then(|at| self.positions.get(at).copied()),
                heading: at.map_or("", |at| columns[at].zh),
                fault,
            });
            self.faults.sort_by_key(|fault| (fault.row, fault.column));
        }
    }
}

/// Reads a sheet that was made from a template; `each` is handed every good row, in order, and says what is wrong with it besides: the
/// column's key, and what. Where any row is wrong, the caller writes nothing.
///
/// # Errors
/// [`Unreadable`], where no row can be read.
pub fn read<R: Read + Seek>(
    mut file: R,
    template: Template,
    limits: &Limits,
    mut each: impl FnMut(Row) -> Vec<(&'static str, Fault)>,
) -> Result<Filled, Unreadable> {
    let mut book = open(&mut file, limits)?;
    let context = made_from(&mut book, template)?;
    let mut seen = HashMap::new();
    let mut filled = Filled {
        rows: 0,
        wrong_rows: 0,
        faults: Vec::new(),
        hash: [0; 32],
        positions: Vec::new(),
        most: limits.faults,
        last_wrong: None,
        context: context.clone(),
    };
    let mut hash = Sha256::new();
    hash.update(format!(
        "{}\n{}\n{context}\n",
        template.name(),
        template.version()
    ));
    let merged = Merged::of(&mut book, limits)?;
    let mut places: Vec<Option<usize>> = Vec::new();
    rows(&mut book, limits, |number, cells, formulas| {
        if number == 0 {
            places = headings(template, cells)?;
            filled.positions = positions(template, &places);
            return Ok(());
        }
        if number < HEADINGS {
            return Ok(());
        }
        let is_odd = |at: usize| match formulas.contains(&at) {
            true => Some(fault::formula()),
            false => merged.holds(number, at).then(fault::merged),
        };
        let values = values(template, &places, cells, is_odd);
        if !is_filled(template, &values) {
            return Ok(());
        }
        filled.rows += 1;
        if filled.rows > limits.rows {
            return Err(Unreadable::TooLarge);
        }
        let mut wrong = Vec::new();
        let mut good = Vec::with_capacity(values.len());
        for (column, value) in template.columns().iter().zip(values) {
            match value {
                Ok(None) if column.required => wrong.push((column.key, fault::missing())),
                Ok(value) => good.push(value),
                Err(fault) => wrong.push((column.key, fault)),
            }
        }
        if wrong.is_empty() {
            let row = Row {
                number: number + 1,
                columns: template.columns(),
                values: good,
            };
            note(&mut hash, &row);
            match seen.insert(told_apart(template, &row), row.number) {
                Some(before) => wrong.push(("", fault::twice(before))),
                None => wrong.extend(each(row)),
            }
        }
        for (key, fault) in wrong {
            filled.add(template, number + 1, key, fault);
        }
        Ok(())
    })?;
    match filled.rows {
        0 => Err(Unreadable::Empty),
        _ => {
            filled.hash = hash.finalize().into();
            Ok(filled)
        }
    }
}

/// A workbook within its bounds.
pub(crate) fn open<'f, R: Read + Seek>(
    file: &'f mut R,
    limits: &Limits,
) -> Result<Xlsx<&'f mut R>, Unreadable> {
    let size = file.seek(SeekFrom::End(0));
    if size.map_err(|_| Unreadable::NotAWorkbook)? > limits.bytes {
        return Err(Unreadable::TooLarge);
    }
    file.rewind().map_err(|_| Unreadable::NotAWorkbook)?;
    bounds::within(&mut *file, limits)?;
    file.rewind().map_err(|_| Unreadable::NotAWorkbook)?;
    Xlsx::new(file).map_err(|_| Unreadable::NotAWorkbook)
}

/// Which template the workbook was made from, and what it belongs to: the first row of the hidden sheet. No more of that is read, and no
/// room made for it: what stands where there is the file's to say.
fn made_from<R: Read + Seek>(book: &mut Xlsx<R>, template: Template) -> Result<String, Unreadable> {
    let none = || Unreadable::NoTemplate(template.name());
    let mut cells = book.worksheet_cells_reader(HIDDEN).map_err(|_| none())?;
    let mut said: [String; 4] = Default::default();
    while let Some(cell) = cells.next_cell().map_err(|_| none())? {
        let (row, column) = cell.get_position();
        if row > 0 {
            break;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if let (Some(said), Raw::Text(text)) = (said.get_mut(column), raw(cell.get_value())) {
            *said = text;
        }
    }
    let [made_by, name, version, context] = said;
    if made_by != MADE_BY {
        return Err(none());
    }
    if name != template.name() {
        return Err(Unreadable::OtherTemplate {
            found: name,
            wanted: template.name(),
        });
    }
    if version != template.version().to_string() {
        return Err(Unreadable::OldTemplate {
            found: version,
            wanted: template.version(),
        });
    }
    Ok(context)
}

/// A sheet ends there; what stands behind it no spreadsheet wrote.
const LAST_ROW: u32 = 1 << 20;

/// Walks over the first sheet's rows that have any cell, with their cells by column and the columns of those that are formulas; row numbers
/// from 0.
pub(crate) fn rows<R: Read + Seek>(
    book: &mut Xlsx<R>,
    limits: &Limits,
    mut each: impl FnMut(u32, &[Raw], &[usize]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let names = book.sheet_names();
    let name = names.first().ok_or(Unreadable::NotAWorkbook)?.clone();
    let reader = book.worksheet_cells_reader(&name);
    let mut reader = reader.map_err(|_| Unreadable::NotAWorkbook)?;
    let (mut row, mut formulas): (Vec<Raw>, Vec<usize>) = Default::default();
    let mut at: Option<u32> = None;
    let mut cells = 0u32;
    loop {
        let cell = reader.next_cell_with_formula_metadata();
        let Some(cell) = cell.map_err(|_| Unreadable::NotAWorkbook)? else {
            break;
        };
        cells += 1;
        if cells > limits.cells {
            return Err(Unreadable::TooLarge);
        }
        let (number, column) = cell.pos;
        match at {
            _ if number >= LAST_ROW => return Err(Unreadable::NotAWorkbook),
            Some(before) if before == number => {}
            Some(before) if before > number => return Err(Unreadable::NotAWorkbook),
            Some(before) => {
                each(before, &row, &formulas)?;
                row.clear();
                formulas.clear();
            }
            None => {}
        }
        at = Some(number);
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= usize::from(limits.columns) {
            continue;
        }
        if row.len() <= column {
            row.resize(column + 1, Raw::Empty);
        }
        row[column] = raw(&cell.value);
        if cell.formula.is_some() {
            formulas.push(column);
        }
    }
    match at {
        Some(last) => each(last, &row, &formulas),
        None => Ok(()),
    }
}

fn raw(value: &DataRef<'_>) -> Raw {
    match value {
        DataRef::Empty => Raw::Empty,
        DataRef::String(text) => Raw::Text(text.clone()),
        DataRef::SharedString(text) => Raw::Text((*text).to_owned()),
        DataRef::Int(number) => Raw::Number(*number as f64),
        DataRef::Float(number) => Raw::Number(*number),
        DataRef::Bool(is) => Raw::Bool(*is),
        DataRef::DateTime(at) => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            let small = |n: u8| i8::try_from(n).unwrap_or_default();
            let year = i16::try_from(year).unwrap_or_default();
            Raw::Day(
                Date::new(year, small(month), small(day))
                    .ok()
                    .filter(|_| at.is_datetime()),
            )
        }
        DataRef::DateTimeIso(text) => {
            let day = text.get(..10).and_then(|day| day.parse().ok());
            Raw::Day(day)
        }
        DataRef::DurationIso(_) => Raw::Day(None),
        DataRef::Error(_) => Raw::Error,
    }
}

/// Which column of the template stands where, by the headings of the first row.
pub(crate) fn headings(
    template: Template,
    cells: &[Raw],
) -> Result<Vec<Option<usize>>, Unreadable> {
    let columns = template.columns();
    let mut places = Vec::with_capacity(cells.len());
    for cell in cells {
        let place = match cell {
            Raw::Text(text) => {
                let text = text.trim().trim_end_matches(['*', '＊']).trim();
                columns.iter().position(|column| column.zh == text)
            }
            Raw::Empty | Raw::Number(_) | Raw::Day(_) | Raw::Bool(_) | Raw::Error => None,
        };
        if let Some(column) = place.filter(|_| places.contains(&place)) {
            return Err(Unreadable::ColumnTwice(columns[column].zh));
        }
        places.push(place);
    }
    let missing: Vec<&str> = (0..columns.len())
        .filter(|at| !places.contains(&Some(*at)))
        .map(|at| columns[at].zh)
        .collect();
    match missing.is_empty() {
        true => Ok(places),
        false => Err(Unreadable::NoColumn(missing.join("、"))),
    }
}

fn positions(template: Template, places: &[Option<usize>]) -> Vec<u16> {
    let of = |column| places.iter().position(|place| *place == Some(column));
    (0..template.columns().len())
        .map(|column| {
            of(column)
                .and_then(|at| u16::try_from(at).ok())
                .unwrap_or_default()
        })
        .collect()
}

/// A row's cells in the order of the template, each checked; `is_odd` says what is wrong with a column's cell, whatever stands in it.
fn values(
    template: Template,
    places: &[Option<usize>],
    cells: &[Raw],
    is_odd: impl Fn(usize) -> Option<Fault>,
) -> Vec<Result<Option<Value>, Fault>> {
    let mut values: Vec<_> = template.columns().iter().map(|_| Ok(None)).collect();
    for (at, place) in places.iter().enumerate() {
        let Some(place) = *place else { continue };
        let kind = template.columns()[place].kind;
        values[place] = match is_odd(at).filter(|_| kind != Kind::Shown) {
            Some(fault) => Err(fault),
            None => check::read(kind, cells.get(at).unwrap_or(&Raw::Empty)),
        };
    }
    values
}

/// Whether anything stands in a row but what the system filled in.
fn is_filled(template: Template, values: &[Result<Option<Value>, Fault>]) -> bool {
    let mut own = template.columns().iter().zip(values);
    own.any(|(column, value)| !column.prefilled && !matches!(value, Ok(None)))
}

/// Adds a row to the hash of what the sheet says.
fn note(hash: &mut Sha256, row: &Row) {
    for value in &row.values {
        hash.update(value.as_ref().map(Value::canonical).unwrap_or_default());
        hash.update("\u{1f}");
    }
    hash.update("\u{1e}");
}

/// By what a row is told from another, hashed so that no number is kept.
fn told_apart(template: Template, row: &Row) -> [u8; 16] {
    let mut hash = Sha256::new();
    for key in template.unique() {
        hash.update(row.value(key).map(Value::canonical).unwrap_or_default());
        hash.update("\u{1f}");
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}
