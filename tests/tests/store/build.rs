//! Rows and commits for these tests, by their few interesting fields.

use hefu_store::{
    Commit, EventRow, FactKey, Head, Nullifier, Outcome, PersonSecret, RegionCommit, Row, Store,
    Table, Tag,
};

pub(crate) const SHOUYANG: &str = "140725";
pub(crate) const QIXIAN: &str = "140727";
pub(crate) const PINGYAO: &str = "140728";

pub(crate) fn head(region: &str, size: u64) -> Head {
    Head {
        region: region.to_owned(),
        epoch: 0,
        size,
        root: [size as u8; 32],
        frontier: vec![size as u8; 32],
        at_ms: 1_700_000_000_000 + size as i64,
        fence: 1,
        alarm: None,
    }
}

pub(crate) fn event(region: &str, idx: u64, request: &str) -> EventRow {
    EventRow {
        region: region.to_owned(),
        epoch: 0,
        idx,
        kind: "Issued".to_owned(),
        stream: format!("voucher/{}", idx % 3),
        version: idx / 3 + 1,
        caller: Some("clerk".to_owned()),
        request: request.to_owned(),
        ordinal: 0,
        digest: vec![7; 32],
        at_ms: 1_700_000_000_000,
        leaf: [idx as u8; 32],
        bytes: format!("{{\"index\":{idx}}}").into_bytes(),
    }
}

pub(crate) fn row(table: Table, region: &str, id: &str, body: &str) -> Row {
    Row {
        region: region.to_owned(),
        table,
        id: id.to_owned(),
        version: 1,
        leaf: Some([3; 32]),
        columns: vec![None; table.spec().columns.len()],
        links: Some(vec![None; table.spec().links.len()]).filter(|links| !links.is_empty()),
        body: body.to_owned(),
    }
}

/// A row as it is read for deciding: without links.
pub(crate) fn unlinked(row: Row) -> Row {
    Row { links: None, ..row }
}

/// A voucher row with its state and, perhaps, when it is due.
pub(crate) fn voucher(region: &str, id: &str, state: &str, due: Option<&str>) -> Row {
    let mut row = row(Table::Voucher, region, id, "{}");
    let mut set = |column: &str, value: &str| {
        let at = Table::Voucher.spec().position(column).unwrap();
        row.columns[at] = Some(value.to_owned());
    };
    set("state", state);
    set("year", "2023");
    if let Some(due) = due {
        set("due", due);
    }
    row
}

pub(crate) fn fact(table: Table, region: &str, id: &str) -> FactKey {
    FactKey {
        region: region.to_owned(),
        table,
        id: id.to_owned(),
    }
}

pub(crate) fn nullifier(tag: u8, region: &str, voucher: &str) -> Nullifier {
    Nullifier {
        tag: tagged(tag),
        region: region.to_owned(),
        voucher: voucher.to_owned(),
    }
}

pub(crate) fn tagged(tag: u8) -> Tag {
    [tag; 16]
}

pub(crate) fn secret(region: &str, person: &str, tag: &[u8], sealed: &[u8]) -> PersonSecret {
    PersonSecret {
        region: region.to_owned(),
        person: person.to_owned(),
        tag: tag.to_vec(),
        sealed: sealed.to_vec(),
    }
}

/// The move of a head from one size to the next by these events.
pub(crate) fn step(read: &Head, requests: &[&str]) -> RegionCommit {
    let size = read.size + requests.len() as u64;
    let events = (read.size..)
        .zip(requests)
        .map(|(idx, request)| event(&read.region, idx, request));
    RegionCommit {
        read: Some(read.clone()),
        next: Head {
            epoch: read.epoch,
            fence: read.fence,
            alarm: read.alarm.clone(),
            ..head(&read.region, size)
        },
        events: events.collect(),
        rows: Vec::new(),
    }
}

pub(crate) fn one(part: RegionCommit) -> Commit {
    Commit {
        regions: vec![part],
        ..Commit::default()
    }
}

/// Opens regions with one event each and gives their heads.
pub(crate) async fn opened(store: &Store, regions: &[&str]) -> Vec<Head> {
    let parts = regions.iter().map(|region| RegionCommit {
        read: None,
        next: head(region, 1),
        events: vec![EventRow {
            caller: None,
            ..event(region, 0, "open")
        }],
        rows: Vec::new(),
    });
    let commit = Commit {
        regions: parts.collect(),
        ..Commit::default()
    };
    assert_eq!(store.commit(commit).await, Ok(Outcome::Committed));
    regions.iter().map(|region| head(region, 1)).collect()
}

/// Opens one region.
pub(crate) async fn open_one(store: &Store) -> Head {
    opened(store, &[SHOUYANG]).await.remove(0)
}

/// The head of one region, as it stands.
pub(crate) async fn head_of(store: &Store, region: &str) -> Head {
    store.heads(&[region.to_owned()]).await.unwrap().remove(0)
}

/// Commits these rows in one region, with no event.
pub(crate) async fn put(store: &Store, read: &Head, rows: Vec<Row>) {
    let part = RegionCommit {
        read: Some(read.clone()),
        next: read.clone(),
        events: Vec::new(),
        rows,
    };
    assert_eq!(store.commit(one(part)).await, Ok(Outcome::Committed));
}
