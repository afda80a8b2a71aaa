//! Facts that a replay put aside: most of a long log's vouchers, people and classes are over, and memory should hold what is under way.
//!
//! The invariant: what was put aside last of a fact is what is read back, to the byte, with its stream's head. The file has no name and
//! is gone with the process; of each fact memory keeps its id and its place, 25 bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;
use hefu_domain::{
    Aside, ClassId, Fact, FindingId, FlagId, ImportId, InspectionId, Key, Lost, PersonId, SampleId,
    SessionId, SheetId, VoucherId,
};
use hefu_log::Hash;
use uuid::Uuid;

use crate::replay::StreamHead;

/// A key's kind and its UUID.
type Id = [u8; 17];

/// Bytes of records that are written at once.
const WRITE: usize = 256 << 10;

/// Where a record stands: its offset in 5 bytes, its length in 3.
type Place = [u8; 8];

/// The facts that were put aside.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: HashMap<Id, Place>,
    file: Option<File>,
    end: u64,
    /// A fact could not be read back: nothing that was decided since counts.
    lost: bool,
}

/// A fact as it was put aside, and its stream's head where it has a stream of its own.
type Record = (Fact, Option<StreamHead>);

impl Shelf {
    /// Whether facts of this kind are put aside: of all others a region has few.
    pub(crate) fn takes(key: &Key) -> bool {
        id(key).is_some()
    }

    /// Puts facts aside. `head` gives the head of a fact's stream if an event of it came by since the fact was put aside before.
    pub(crate) fn put<F: AsRef<Fact>>(
        &self,
        facts: impl IntoIterator<Item = (Key, F)>,
        mut head: impl FnMut(&Key) -> Option<StreamHead>,
    ) -> io::Result<()> {
        let mut inner = self.inner();
        let mut records = Vec::with_capacity(2 * WRITE);
        for (key, fact) in facts {
            let Some(id) = id(&key) else {
                continue;
            };
            let head = match head(&key) {
                Some(head) => Some(head),
                None => inner.read(&id)?.and_then(|record| split(&record).0),
            };
            let from = records.len();
            let (version, leaf) = head.unwrap_or((0, Hash::EMPTY));
            records.extend(version.to_be_bytes());
            records.extend(leaf.0);
            serde_json::to_writer(&mut records, fact.as_ref())?;
            let place = place(inner.end + from as u64, records.len() - from)?;
            inner.places.insert(id, place);
            if records.len() >= WRITE {
                inner.append(&mut records)?;
            }
        }
        inner.append(&mut records)
    }

    /// The head of a stream as it was when its fact was put aside.
    pub(crate) fn head(&self, key: &Key) -> io::Result<Option<StreamHead>> {
        let Some(id) = id(key) else {
            return Ok(None);
        };
        let record = self.inner().read(&id)?;
        Ok(record.and_then(|record| split(&record).0))
    }

    /// What was put aside under a key.
    pub(crate) fn get(&self, key: &Key) -> io::Result<Option<Record>> {
        let Some(id) = id(key) else {
            return Ok(None);
        };
        let Some(record) = self.inner().read(&id)? else {
            return Ok(None);
        };
        let (head, json) = split(&record);
        Ok(Some((Fact::read(key, json)?, head)))
    }

    /// Forgets what was put aside under a key.
    pub(crate) fn forget(&self, key: &Key) {
        if let Some(id) = id(key) {
            self.inner().places.remove(&id);
        }
    }

    /// Whether a fact that was asked for could not be read back.
    pub(crate) fn has_lost(&self) -> bool {
        self.inner().lost
    }

    /// The keys under which something was put aside, in no particular order.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.inner().places.keys().map(key).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Aside for Shelf {
    fn fact(&self, key: &Key) -> Result<Option<Fact>, Lost> {
        let record = self.get(key).map_err(|_| {
            self.inner().lost = true;
            Lost
        })?;
        Ok(record.map(|(fact, _)| fact))
    }
}

impl Inner {
    /// Writes records behind those that are there.
    fn append(&mut self, records: &mut Vec<u8>) -> io::Result<()> {
        let end = self.end;
        let file = self.file()?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(records)?;
        self.end += records.len() as u64;
        records.clear();
        Ok(())
    }

    /// The file, made when the first fact goes into it.
    fn file(&mut self) -> io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(tempfile::tempfile()?)),
        }
    }

    fn read(&mut self, id: &Id) -> io::Result<Option<Vec<u8>>> {
        let Some(place) = self.places.get(id) else {
            return Ok(None);
        };
        let place = u64::from_be_bytes(*place);
        let mut record = vec![0; (place & 0xff_ffff) as usize];
        let file = self.file()?;
        file.seek(SeekFrom::Start(place >> 24))?;
        file.read_exact(&mut record)?;
        Ok(Some(record))
    }
}

/// A record's head and its fact's JSON.
fn split(record: &[u8]) -> (Option<StreamHead>, &[u8]) {
    let parts = record
        .split_first_chunk()
        .and_then(|(version, rest)| Some((version, rest.split_first_chunk()?)));
    match parts {
        Some((version, (leaf, json))) => {
            let version = u64::from_be_bytes(*version);
            ((version > 0).then_some((version, Hash(*leaf))), json)
        }
        None => (None, &[]),
    }
}

fn place(offset: u64, length: usize) -> io::Result<Place> {
    if offset >> 40 != 0 || length >> 24 != 0 {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok((offset << 24 | length as u64).to_be_bytes())
}

fn id(key: &Key) -> Option<Id> {
    let (kind, uuid) = match key {
        Key::Person(id) => (0, id.0),
        Key::Class(id) => (1, id.0),
        Key::Attendance(id) => (2, id.0),
        Key::Employment(id) => (3, id.0),
        Key::Session(id) => (4, id.0),
        Key::Sheet(id) => (5, id.0),
        Key::Voucher(id) => (6, id.0),
        Key::Sample(id) => (7, id.0),
        Key::Inspection(id) => (8, id.0),
        Key::Finding(id) => (9, id.0),
        Key::Flag(id) => (10, id.0),
        Key::Import(id) => (11, id.0),
        Key::Region
        | Key::Policy(_)
        | Key::Calendar(_)
        | Key::Year(_)
        | Key::Account(..)
        | Key::TopUp(_)
        | Key::Credential(_)
        | Key::Institution(_)
        | Key::CatalogueEntry(_)
        | Key::Booking(_)
        | Key::Credit(_) => return None,
    };
    let mut bytes = [kind; 17];
    bytes[1..].copy_from_slice(uuid.as_bytes());
    Some(bytes)
}

fn key([kind, uuid @ ..]: &Id) -> Key {
    let id = Uuid::from_bytes(*uuid);
    match kind {
        0 => Key::Person(PersonId(id)),
        1 => Key::Class(ClassId(id)),
        2 => Key::Attendance(ClassId(id)),
        3 => Key::Employment(ClassId(id)),
        4 => Key::Session(SessionId(id)),
        5 => Key::Sheet(SheetId(id)),
        6 => Key::Voucher(VoucherId(id)),
        7 => Key::Sample(SampleId(id)),
        8 => Key::Inspection(InspectionId(id)),
        9 => Key::Finding(FindingId(id)),
        10 => Key::Flag(FlagId(id)),
        _ => Key::Import(ImportId(id)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hefu_domain::state::Employment;
    use hefu_domain::{Need, Stop, World};

    use super::*;

    fn statement(n: u8) -> (Key, Arc<Fact>) {
        let class = ClassId(Uuid::from_bytes([n; 16]));
        let fact = Fact::Employment(Employment::default());
        (Key::Employment(class), Arc::new(fact))
    }

    #[test]
    fn what_was_put_aside_comes_back_with_the_last_head_of_its_stream() {
        let shelf = Shelf::default();
        let (key, fact) = statement(1);
        let other = Key::Attendance(ClassId(Uuid::from_bytes([1; 16])));
        assert_eq!(shelf.get(&key).unwrap(), None);
        shelf.put([statement(1), statement(2)], |_| None).unwrap();
        assert_eq!(shelf.get(&key).unwrap(), Some(((*fact).clone(), None)));
        assert_eq!(shelf.get(&other).unwrap(), None);
        let head = Some((3, Hash([7; 32])));
        shelf.put([statement(1)], |_| head).unwrap();
        assert_eq!(shelf.head(&key).unwrap(), head);
        // No event of its stream came by since.
        shelf.put([statement(1)], |_| None).unwrap();
        assert_eq!(shelf.get(&key).unwrap(), Some(((*fact).clone(), head)));
        shelf.forget(&key);
        assert_eq!(shelf.get(&key).unwrap(), None);
        assert_eq!(shelf.keys(), [statement(2).0]);
    }

    #[test]
    fn a_fact_that_cannot_be_read_back_is_missing_and_never_absent() {
        let shelf = Arc::new(Shelf::default());
        let (key, _) = statement(1);
        shelf.put([statement(1)], |_| None).unwrap();
        shelf.inner().file().unwrap().set_len(10).unwrap();
        let region = "140725".parse().unwrap();
        let world = World::complete_but(region, shelf.clone());
        assert_eq!(world.get(&statement(2).0), Ok(None));
        assert!(!shelf.has_lost());
        let missing = Err(Stop::Missing(Need::Fact(key.clone())));
        assert_eq!(world.get(&key), missing);
        assert!(shelf.has_lost());
    }
}
