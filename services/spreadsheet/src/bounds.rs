//! What a workbook may be at the most, looked at before anything is made of it; and where its first sheet has merged cells. What is looked
//! for is looked for by the reader of values itself, so that no two readers disagree about which sheet or cell is meant.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufReader, Read, Seek};

use calamine::{Dimensions, Xlsx};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::read::Unreadable;

/// The most that is taken of a workbook.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Its file, in bytes.
    pub bytes: u64,
    /// All that it unpacks to, in bytes.
    pub unpacked: u64,
    /// Each of its parts but the sheets and their texts.
    pub part: u64,
    /// Files in it.
    pub files: usize,
    /// Rows below the headings.
    pub rows: u32,
    /// Cells.
    pub cells: u32,
    /// Columns.
    pub columns: u16,
    /// Merged areas.
    pub merged: usize,
    /// Errors that are told.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 16 << 20,
            unpacked: 192 << 20,
            part: 8 << 20,
            files: 200,
            rows: 100_000,
            cells: 2_000_000,
            columns: 64,
            merged: 10_000,
            faults: 1_000,
        }
    }
}

/// Where the workbook stands in every file that a spreadsheet writes, and so everything that is read with it.
const WORKBOOK: &str = "xl/workbook.xml";
/// What says so.
const RELATIONS: &str = "_rels/.rels";
/// The texts that cells name by number.
const STRINGS: &str = "xl/sharedstrings.xml";
/// The sheets.
const SHEETS: &str = "xl/worksheets/";

/// Unpacks everything once to see how much it is, and that no part of it claims to hold more than it does or is taken apart into more than
/// there is memory for: a reader makes room for what it is told, and a process that cannot have that room ends.
pub(crate) fn within(file: impl Read + Seek, limits: &Limits) -> Result<(), Unreadable> {
    let mut zip = ZipArchive::new(file).map_err(|_| Unreadable::NotAWorkbook)?;
    if zip.len() > limits.files {
        return Err(Unreadable::TooLarge);
    }
    let mut names = HashSet::new();
    let mut left = limits.unpacked;
    for at in 0..zip.len() {
        let part = zip.by_index(at).map_err(|_| Unreadable::NotAWorkbook)?;
        let name = part.name().map_err(|_| Unreadable::NotAWorkbook)?;
        let name = name.replace('\\', "/").to_ascii_lowercase();
        // Sheets are read cell by cell, their texts are counted below; whatever else there is is read whole.
        let large = name == STRINGS || name.starts_with(SHEETS);
        // Two parts of one name would be one to us and the other to the reader.
        if !names.insert(name) {
            return Err(Unreadable::NotAWorkbook);
        }
        let most = if large { left } else { left.min(limits.part) };
        // What a header says of a size is anybody's word: it is counted as it is unpacked.
        let mut bounded = part.take(most + 1);
        let size = std::io::copy(&mut bounded, &mut std::io::sink());
        let size = size.map_err(|_| Unreadable::NotAWorkbook)?;
        if size > most {
            return Err(Unreadable::TooLarge);
        }
        left -= size;
    }
    each_tag(&mut zip, RELATIONS, stands_where_it_does)?;
    let mut texts = 0;
    each_tag(&mut zip, STRINGS, |tag| {
        bounded_texts(tag, limits, &mut texts)
    })
}

/// Walks over a part's opening tags; a part that is not there has none.
fn each_tag<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    name: &str,
    mut see: impl FnMut(&BytesStart) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let is_it = |other: &str| other.replace('\\', "/").eq_ignore_ascii_case(name);
    let at = zip.file_names().flatten().position(|other| is_it(&other));
    let Some(at) = at else { return Ok(()) };
    let part = zip.by_index(at).map_err(|_| Unreadable::NotAWorkbook)?;
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer);
        match event.map_err(|_| Unreadable::NotAWorkbook)? {
            Event::Start(tag) | Event::Empty(tag) => see(&tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// An attribute's values, by its name without prefix.
fn values<'a>(tag: &'a BytesStart, name: &'static str) -> impl Iterator<Item = Cow<'a, str>> {
    let attributes = tag.attributes().flatten();
    let named = attributes.filter(move |one| one.key.local_name().as_ref() == name);
    named.map(|one| one.value)
}

/// The workbook is the part that everybody calls so, and not one that another bound holds for.
fn stands_where_it_does(tag: &BytesStart) -> Result<(), Unreadable> {
    let document = values(tag, "Type").any(|kind| kind.ends_with("/relationships/officeDocument"));
    let elsewhere = |target: &str| target.strip_prefix('/').unwrap_or(target) != WORKBOOK;
    match document && values(tag, "Target").any(|target| elsewhere(&target)) {
        true => Err(Unreadable::NotAWorkbook),
        false => Ok(()),
    }
}

/// There are no more texts than there can be cells, and no more are said to be there.
fn bounded_texts(tag: &BytesStart, limits: &Limits, texts: &mut u32) -> Result<(), Unreadable> {
    match tag.local_name().as_ref() {
        "sst" => {
            let fits = |count: &str| count.parse().is_ok_and(|count: u32| count <= limits.cells);
            match values(tag, "uniqueCount").all(|count| fits(&count)) {
                true => Ok(()),
                false => Err(Unreadable::NotAWorkbook),
            }
        }
        "si" => {
            *texts += 1;
            match *texts <= limits.cells {
                true => Ok(()),
                false => Err(Unreadable::TooLarge),
            }
        }
        _ => Ok(()),
    }
}

/// Which rows of each column lie in merged areas.
#[derive(Debug, Default)]
pub(crate) struct Merged(Vec<Vec<(u32, u32)>>);

impl Merged {
    /// Those of the sheet that is filled in, which is the first.
    pub(crate) fn of<R: Read + Seek>(
        book: &mut Xlsx<R>,
        limits: &Limits,
    ) -> Result<Merged, Unreadable> {
        let areas = book.merge_cells_by_sheet_id(0);
        let areas = areas.map_err(|_| Unreadable::NotAWorkbook)?;
        if areas.len() > limits.merged {
            return Err(Unreadable::TooLarge);
        }
        let mut columns = vec![Vec::new(); usize::from(limits.columns)];
        for Dimensions { start, end } in areas {
            let from = usize::try_from(start.1).unwrap_or(usize::MAX);
            let width = (end.1.saturating_sub(start.1) as usize).saturating_add(1);
            for column in columns.iter_mut().skip(from).take(width) {
                column.push((start.0, end.0));
            }
        }
        Ok(Merged(columns.into_iter().map(joined).collect()))
    }

    /// Whether a cell lies in one.
    pub(crate) fn holds(&self, row: u32, column: usize) -> bool {
        let Some(spans) = self.0.get(column) else {
            return false;
        };
        let after = spans.partition_point(|(first, _)| *first <= row);
        after > 0 && row <= spans[after - 1].1
    }
}

/// Spans of rows in order, none of which touches another.
fn joined(mut spans: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    spans.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match joined.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            Some(_) | None => joined.push((first, last)),
        }
    }
    joined
}
