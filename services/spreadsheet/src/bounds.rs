//! What a workbook may be at the most, looked at before anything is made of it; and where it has formulas and merged cells, which the
//! reader of values does not tell.

use std::collections::HashSet;
use std::io::{BufReader, Read, Seek};

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
    /// Files in it.
    pub files: usize,
    /// Rows below the headings.
    pub rows: u32,
    /// Cells.
    pub cells: u32,
    /// Columns.
    pub columns: u16,
    /// Errors that are told.
    pub faults: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 16 << 20,
            unpacked: 192 << 20,
            files: 200,
            rows: 100_000,
            cells: 2_000_000,
            columns: 64,
            faults: 1_000,
        }
    }
}

/// Where a sheet has formulas and merged cells: row and column, from 0.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) formulas: HashSet<(u32, u32)>,
    pub(crate) merged: Vec<Area>,
}

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    first: (u32, u32),
    last: (u32, u32),
}

impl Area {
    pub(crate) fn holds(&self, row: u32, column: u32) -> bool {
        (self.first.0..=self.last.0).contains(&row)
            && (self.first.1..=self.last.1).contains(&column)
    }
}

/// How many formulas or merged areas are kept: a sheet with more has no use for their number.
const MOST_ODD: usize = 10_000;

/// Unpacks everything once to see how much it is, and scans the sheet that is filled in, which is the first.
pub(crate) fn scan(file: impl Read + Seek, limits: &Limits) -> Result<Scan, Unreadable> {
    let mut zip = ZipArchive::new(file).map_err(|_| Unreadable::NotAWorkbook)?;
    if zip.len() > limits.files {
        return Err(Unreadable::TooLarge);
    }
    let mut left = limits.unpacked;
    for at in 0..zip.len() {
        let part = zip.by_index(at).map_err(|_| Unreadable::NotAWorkbook)?;
        // What a header says of a size is anybody's word: it is counted as it is unpacked.
        let mut bounded = part.take(left + 1);
        let size = std::io::copy(&mut bounded, &mut std::io::sink());
        let size = size.map_err(|_| Unreadable::NotAWorkbook)?;
        left = left.checked_sub(size).ok_or(Unreadable::TooLarge)?;
    }
    let Some(sheet) = first_sheet(&mut zip) else {
        return Err(Unreadable::NotAWorkbook);
    };
    let part = zip.by_name(&sheet).map_err(|_| Unreadable::NotAWorkbook)?;
    sheet_scan(BufReader::new(part), limits)
}

/// The path of the first sheet, as the workbook and its relations say.
fn first_sheet<R: Read + Seek>(zip: &mut ZipArchive<R>) -> Option<String> {
    let of = |wanted: &'static str, attribute: &'static str| {
        move |tag: &BytesStart| -> Option<String> {
            (tag.local_name().as_ref() == wanted).then(|| value(tag, attribute))?
        }
    };
    let id = find(zip, "xl/workbook.xml", of("sheet", "id"))?;
    let target = find(zip, "xl/_rels/workbook.xml.rels", move |tag| {
        let own = tag.local_name().as_ref() == "Relationship" && value(tag, "Id")? == id;
        own.then(|| value(tag, "Target"))?
    })?;
    Some(match target.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("xl/{target}"),
    })
}

/// The first tag of a part from which something is read.
fn find<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    part: &str,
    pick: impl Fn(&BytesStart) -> Option<String>,
) -> Option<String> {
    let part = zip.by_name(part).ok()?;
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                if let Some(found) = pick(&tag) {
                    return Some(found);
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// An attribute's value, by its name without prefix.
fn value(tag: &BytesStart, name: &str) -> Option<String> {
    let attributes = tag.attributes().flatten();
    let mut found = attributes.filter(|a| a.key.local_name().as_ref() == name);
    Some(found.next()?.value.into_owned())
}

fn sheet_scan(part: impl std::io::BufRead, limits: &Limits) -> Result<Scan, Unreadable> {
    let mut xml = quick_xml::Reader::from_reader(part);
    let mut scan = Scan::default();
    let mut buffer = Vec::new();
    let (mut cells, mut at) = (0u32, None);
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer);
        match event.map_err(|_| Unreadable::NotAWorkbook)? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "c" => {
                    cells += 1;
                    if cells > limits.cells {
                        return Err(Unreadable::TooLarge);
                    }
                    at = value(&tag, "r").and_then(|place| cell_at(&place));
                }
                "f" if scan.formulas.len() < MOST_ODD => scan.formulas.extend(at),
                "mergeCell" if scan.merged.len() < MOST_ODD => {
                    scan.merged
                        .extend(value(&tag, "ref").and_then(|place| area(&place)));
                }
                _ => {}
            },
            Event::Eof => return Ok(scan),
            _ => {}
        }
    }
}

/// `B3` is row 2, column 1.
fn cell_at(place: &str) -> Option<(u32, u32)> {
    let digits = place.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = place.split_at(digits);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().try_fold(0u32, |sum, b| {
        let b = b.to_ascii_uppercase();
        b.is_ascii_uppercase()
            .then(|| sum * 26 + u32::from(b - b'A') + 1)
    })?;
    Some((
        row.parse::<u32>().ok()?.checked_sub(1)?,
        column.checked_sub(1)?,
    ))
}

fn area(place: &str) -> Option<Area> {
    let (first, last) = place.split_once(':')?;
    Some(Area {
        first: cell_at(first)?,
        last: cell_at(last)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_areas_go_by_their_letters() {
        assert_eq!(cell_at("A1"), Some((0, 0)));
        assert_eq!(cell_at("AB12"), Some((11, 27)));
        for wrong in ["", "A", "1", "A0", "AAAA1", "一1"] {
            assert_eq!(cell_at(wrong), None, "{wrong}");
        }
        let area = area("B3:C4").unwrap();
        assert!(area.holds(2, 1) && area.holds(3, 2) && !area.holds(4, 1) && !area.holds(2, 0));
    }
}
