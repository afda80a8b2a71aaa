//! The events of a region as a table of typed columns: `events.parquet` (Apache Parquet), made of `events.jsonl` when that is finished.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use hefu_domain::Instant;
use hefu_log::{Opened, leaf_hash};
use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::folder::Folder;

/// Rows that are held until they are written: some tens of megabytes, however long the log.
const GROUP: usize = 16_384;

const SCHEMA: &str = "message events {
    REQUIRED INT64 epoch;
    REQUIRED INT64 index;
    REQUIRED INT64 at (TIMESTAMP(MILLIS, true));
    REQUIRED BYTE_ARRAY kind (STRING);
    REQUIRED BYTE_ARRAY stream (STRING);
    REQUIRED INT64 version;
    REQUIRED BYTE_ARRAY caller (STRING);
    REQUIRED BYTE_ARRAY request (STRING);
    OPTIONAL INT64 policy;
    REQUIRED FIXED_LEN_BYTE_ARRAY (32) leaf;
    REQUIRED BYTE_ARRAY event (STRING);
}";

/// Writes a region's table. `logs` are its epochs and how many events of each stand in `events.jsonl`, in this order.
pub(super) fn write(folder: &Folder, region: &str, logs: &[(u64, u64)]) -> anyhow::Result<()> {
    let lines = folder.at(&format!("{region}/events.jsonl"));
    let mut table = folder.begin(&format!("{region}/{}", super::tables::PARQUET))?;
    let read = File::open(&lines).with_context(|| format!("cannot read {}", lines.display()))?;
    fill(&mut table.out, BufReader::new(read), logs, GROUP)
        .with_context(|| format!("cannot write {}", table.at().display()))?;
    table.finish(true)
}

fn fill(
    out: impl Write + Send,
    mut lines: BufReader<File>,
    logs: &[(u64, u64)],
    group: usize,
) -> anyhow::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
    let mut rows = Rows::default();
    for (epoch, size) in logs {
        for index in 0..*size {
            let mut line = Vec::new();
            lines.read_until(b'\n', &mut line)?;
            ensure!(
                line.pop() == Some(b'\n'),
                "events.jsonl ends before event {index} of epoch {epoch}"
            );
            rows.add(*epoch, line)?;
            if rows.event.len() == group {
                std::mem::take(&mut rows).write(file.next_row_group()?)?;
            }
        }
    }
    if !rows.event.is_empty() {
        rows.write(file.next_row_group()?)?;
    }
    file.close()?;
    Ok(())
}

/// Rows, column by column.
#[derive(Default)]
struct Rows {
    epoch: Vec<i64>,
    index: Vec<i64>,
    at: Vec<i64>,
    kind: Vec<ByteArray>,
    stream: Vec<ByteArray>,
    version: Vec<i64>,
    caller: Vec<ByteArray>,
    request: Vec<ByteArray>,
    /// Those that there are.
    policy: Vec<i64>,
    /// For every row 1 if it has a policy, or 0.
    has_policy: Vec<i16>,
    leaf: Vec<FixedLenByteArray>,
    event: Vec<ByteArray>,
}

impl Rows {
    fn add(&mut self, epoch: u64, bytes: Vec<u8>) -> anyhow::Result<()> {
        let event: Opened = Opened::decode(&bytes)?;
        let at: Instant = event.at.parse()?;
        self.epoch.push(i64::try_from(epoch)?);
        self.index.push(i64::try_from(event.index)?);
        self.at.push(at.0);
        self.kind.push(event.kind.into_bytes().into());
        self.stream.push(event.stream.into_bytes().into());
        self.version.push(i64::try_from(event.version)?);
        self.caller.push(event.caller.into_bytes().into());
        self.request.push(event.request.into_bytes().into());
        self.policy.extend(event.policy.map(i64::from));
        self.has_policy.push(i16::from(event.policy.is_some()));
        self.leaf.push(leaf_hash(&bytes).0.to_vec().into());
        self.event.push(bytes.into());
        Ok(())
    }

    /// Writes the columns, in the order of the schema.
    fn write(
        self,
        mut group: SerializedRowGroupWriter<'_, impl Write + Send>,
    ) -> anyhow::Result<()> {
        let into = &mut group;
        column::<Int64Type>(into, &self.epoch, None)?;
        column::<Int64Type>(into, &self.index, None)?;
        column::<Int64Type>(into, &self.at, None)?;
        column::<ByteArrayType>(into, &self.kind, None)?;
        column::<ByteArrayType>(into, &self.stream, None)?;
        column::<Int64Type>(into, &self.version, None)?;
        column::<ByteArrayType>(into, &self.caller, None)?;
        column::<ByteArrayType>(into, &self.request, None)?;
        column::<Int64Type>(into, &self.policy, Some(&self.has_policy))?;
        column::<FixedLenByteArrayType>(into, &self.leaf, None)?;
        column::<ByteArrayType>(into, &self.event, None)?;
        group.close()?;
        Ok(())
    }
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> anyhow::Result<()> {
    let mut column = group.next_column()?.context("a column too many")?;
    column.typed::<T>().write_batch(values, present, None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use hefu_log::Envelope;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    fn event(index: u64, policy: Option<u32>) -> Vec<u8> {
        let envelope = Envelope {
            region: "140725",
            index,
            at: "2023-05-10T02:00:00.123Z",
            kind: "Made, \"up\"",
            stream: "vouchers/合符",
            version: 1,
            prev: None,
            caller: "clerk",
            request: &format!("request-{index}"),
            digest: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            policy,
            body: index,
        };
        envelope.encode().unwrap().bytes
    }

    /// How many groups a table has, and its rows by their columns' names.
    fn read(table: &Path) -> (usize, Vec<BTreeMap<String, Field>>) {
        let reader = SerializedFileReader::new(File::open(table).unwrap()).unwrap();
        let rows = reader.get_row_iter(None).unwrap().map(|row| {
            let row = row.unwrap();
            let fields = row.get_column_iter();
            fields
                .map(|(name, field)| (name.clone(), field.clone()))
                .collect()
        });
        (reader.num_row_groups(), rows.collect())
    }

    #[test]
    fn every_event_is_a_row_of_typed_columns_in_the_order_of_the_log() {
        let at = |name| std::env::temp_dir().join(format!("hefu-{}-{name}", std::process::id()));
        let (jsonl, table) = (at("events.jsonl"), at("events.parquet"));
        let policy = |index: u64| index.is_multiple_of(3).then_some(2);
        let logs = [(0, 10), (2, 5)];
        let all = logs.map(|(epoch, size)| (0..size).map(move |index| (epoch, index)));
        let all: Vec<(u64, u64)> = all.into_iter().flatten().collect();
        let line = |(_, index): &(u64, u64)| event(*index, policy(*index));
        let lines: Vec<Vec<u8>> = all.iter().map(line).collect();
        std::fs::write(&jsonl, [lines.join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
        let made = |logs: &[(u64, u64)], group| {
            let lines = BufReader::new(File::open(&jsonl).unwrap());
            let out = File::create(&table).unwrap();
            fill(out, lines, logs, group).map(|()| read(&table))
        };
        for (group, groups) in [(4, 4), (5, 3), (100, 1)] {
            let (found, rows) = made(&logs, group).unwrap();
            assert_eq!((found, rows.len()), (groups, 15));
            for ((row, (epoch, index)), line) in rows.iter().zip(&all).zip(&lines) {
                let leaf = leaf_hash(line).0.to_vec();
                let wanted = [
                    ("epoch", Field::Long(*epoch as i64)),
                    ("index", Field::Long(*index as i64)),
                    ("at", Field::TimestampMillis(1_683_684_000_123)),
                    ("kind", Field::Str("Made, \"up\"".to_owned())),
                    ("stream", Field::Str("vouchers/合符".to_owned())),
                    ("version", Field::Long(1)),
                    ("caller", Field::Str("clerk".to_owned())),
                    ("request", Field::Str(format!("request-{index}"))),
                    (
                        "policy",
                        policy(*index).map_or(Field::Null, |policy| Field::Long(policy.into())),
                    ),
                    ("leaf", Field::Bytes(leaf.into())),
                    (
                        "event",
                        Field::Str(String::from_utf8(line.clone()).unwrap()),
                    ),
                ];
                let wanted: BTreeMap<String, Field> =
                    wanted.map(|(name, field)| (name.to_owned(), field)).into();
                assert_eq!(*row, wanted);
            }
        }
        assert_eq!(made(&[(0, 0)], 4).unwrap(), (0, Vec::new()));
        let short = made(&[(0, 10), (2, 6)], 4).unwrap_err();
        assert_eq!(
            short.to_string(),
            "events.jsonl ends before event 5 of epoch 2"
        );
        std::fs::remove_file(&jsonl).unwrap();
        std::fs::remove_file(&table).unwrap();
    }
}
