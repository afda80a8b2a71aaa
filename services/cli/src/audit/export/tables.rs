//! The events of a region as other programs take them: `events.jsonl` with the stored bytes, a line each, and `events.csv` (RFC 4180)
//! with what stands in their envelopes.

use std::io::{Seek as _, Write as _};

use anyhow::{Context as _, ensure};
use hefu_log::{Hash, Opened};

use super::folder::{Folder, Unfinished};

/// The third table, which is made only where it is asked for.
pub(super) const PARQUET: &str = "events.parquet";

const HEADER: &str = "epoch,index,time,kind,stream,version,caller,request,leaf\r\n";

/// Both files of one region, being written.
pub(super) struct Tables {
    jsonl: Unfinished,
    csv: Unfinished,
}

/// How far both files were.
#[derive(Clone, Copy)]
pub(super) struct Mark(u64, u64);

impl Tables {
    /// Begins both files of a region.
    pub(super) fn begin(folder: &Folder, region: &str) -> anyhow::Result<Tables> {
        let mut tables = Tables {
            jsonl: folder.begin(&format!("{region}/events.jsonl"))?,
            csv: folder.begin(&format!("{region}/events.csv"))?,
        };
        put(&mut tables.csv, &[HEADER.as_bytes()])?;
        Ok(tables)
    }

    /// Adds an event.
    pub(super) fn add(
        &mut self,
        epoch: u64,
        index: u64,
        bytes: &[u8],
        leaf: &Hash,
    ) -> anyhow::Result<()> {
        let event: Opened = Opened::decode(bytes)
            .with_context(|| format!("entry {index} of epoch {epoch} is no event"))?;
        ensure!(
            !bytes.contains(&b'\n'),
            "entry {index} of epoch {epoch} holds a line break, which no canonical event does"
        );
        put(&mut self.jsonl, &[bytes, b"\n"])?;
        let fields = [
            epoch.to_string(),
            index.to_string(),
            event.at,
            event.kind,
            event.stream,
            event.version.to_string(),
            event.caller,
            event.request,
            leaf.to_string(),
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        put(&mut self.csv, &[fields.join(",").as_bytes(), b"\r\n"])
    }

    /// How far both files are.
    pub(super) fn mark(&mut self) -> anyhow::Result<Mark> {
        let jsonl = self.jsonl.out.stream_position();
        let csv = self.csv.out.stream_position();
        Ok(Mark(
            jsonl.with_context(|| cannot(&self.jsonl))?,
            csv.with_context(|| cannot(&self.csv))?,
        ))
    }

    /// Drops what was added since.
    pub(super) fn back_to(&mut self, mark: Mark) -> anyhow::Result<()> {
        cut(&mut self.jsonl, mark.0)?;
        cut(&mut self.csv, mark.1)
    }

    /// Gives both files their names.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.jsonl.finish(true)?;
        self.csv.finish(true)
    }
}

fn put(file: &mut Unfinished, parts: &[&[u8]]) -> anyhow::Result<()> {
    for part in parts {
        file.out.write_all(part).with_context(|| cannot(file))?;
    }
    Ok(())
}

fn cut(file: &mut Unfinished, length: u64) -> anyhow::Result<()> {
    let cut = file
        .out
        .seek(std::io::SeekFrom::Start(length))
        .and_then(|_| file.out.get_ref().set_len(length));
    cut.with_context(|| cannot(file))
}

fn cannot(file: &Unfinished) -> String {
    format!("cannot write {}", file.at().display())
}

/// A field of RFC 4180: between quotes where it holds what divides fields and lines.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
