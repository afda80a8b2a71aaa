//! What a workbook may be at the most, looked at before anything is made of it; and where its first sheet has merged cells. What is looked
//! for is looked for by the reader of values itself, so that no two readers disagree about which sheet or cell is meant.

use std::io::{BufReader, Read, Seek};

use calamine::{Dimensions, Xlsx};
use quick_xml::events::Event;
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
            files: 200,
            rows: 100_000,
            cells: 2_000_000,
            columns: 64,
            merged: 10_000,
            faults: 1_000,
        }
    }
}

/// The texts that cells name by number, wherever the workbook keeps them.
const STRINGS: &str = "sharedstrings.xml";

/// Unpacks everything once to see how much it is, and that no part of it claims to hold more than it does: a reader makes room for what
/// it is told, and a process that cannot have that room ends.
pub(crate) fn within(file: impl Read + Seek, limits: &Limits) -> Result<(), Unreadable> {
    let mut zip = ZipArchive::new(file).map_err(|_| Unreadable::NotAWorkbook)?;
    if zip.len() > limits.files {
        return Err(Unreadable::TooLarge);
    }
    let mut left = limits.unpacked;
    let mut strings = Vec::new();
    for at in 0..zip.len() {
        let part = zip.by_index(at).map_err(|_| Unreadable::NotAWorkbook)?;
        let name = part.name().map_err(|_| Unreadable::NotAWorkbook)?;
        if name.to_ascii_lowercase().ends_with(STRINGS) {
            strings.push(at);
        }
        // What a header says of a size is anybody's word: it is counted as it is unpacked.
        let mut bounded = part.take(left + 1);
        let size = std::io::copy(&mut bounded, &mut std::io::sink());
        let size = size.map_err(|_| Unreadable::NotAWorkbook)?;
        left = left.checked_sub(size).ok_or(Unreadable::TooLarge)?;
    }
    for at in strings {
        let part = zip.by_index(at).map_err(|_| Unreadable::NotAWorkbook)?;
        bounded_strings(BufReader::new(part), limits)?;
    }
    Ok(())
}

/// How many texts a part says that it holds is no more than there can be cells.
fn bounded_strings(part: impl std::io::BufRead, limits: &Limits) -> Result<(), Unreadable> {
    let mut xml = quick_xml::Reader::from_reader(part);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer);
        match event.map_err(|_| Unreadable::NotAWorkbook)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "sst" => {
                let said = tag.attributes().flatten();
                let mut said = said.filter(|one| one.key.local_name().as_ref() == "uniqueCount");
                let fits = |text: &str| text.parse().is_ok_and(|count: u32| count <= limits.cells);
                return match said.all(|one| fits(&one.value)) {
                    true => Ok(()),
                    false => Err(Unreadable::NotAWorkbook),
                };
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
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
