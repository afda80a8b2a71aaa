//! What the system itself writes into a log while nothing serves: an accepted fork, a log key that follows another. No rule
//! decides it and nobody's request asks for it; it is one event under the region's lock, applied like every other.

use hefu_domain::{Digest, Event, Instant, Key, Region};
use hefu_log::{Frontier, Hash};
use hefu_store::{Commit, Head, Locked, Outcome, Store, StoreError};

use crate::cell::{Asked, Cell};
use crate::error::EngineError;
use crate::rows;

/// On whose behalf, as the envelope says.
const CALLER: &str = "system";

/// An event of the system's own.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// In whose log.
    pub region: &'a Region,
    /// When; never before the log's last event.
    pub at: Instant,
    /// What it is called, as a request would be.
    pub request: &'a str,
    /// Keyed digest of what it says.
    pub digest: Digest,
    /// What happened.
    pub event: Event,
}

/// Appends the event to the region's log. Returns the head after it.
///
/// # Errors
/// The store's; `Busy` where somebody else wrote meanwhile; `Unstorable` for an event that the region cannot take.
pub async fn append(store: &Store, notice: &Notice<'_>) -> Result<Head, EngineError> {
    let mut locked = hold(store, notice.region).await?;
    let head = head_of(&mut locked, notice.region).await?;
    write(locked, notice, head.clone(), head).await
}

/// Begins an epoch of the region's log with the event, behind the head that the event speaks of. State, stream chains and
/// nullifiers carry on; indexes start at 0, the fence is raised so that whoever writes now stops, and the alarm is taken off.
/// Returns the head after it.
///
/// # Errors
/// Those of [`append`]; `Busy` too where the head is another one by now.
pub async fn begin_epoch(
    store: &Store,
    notice: &Notice<'_>,
    read: Head,
    epoch: u64,
) -> Result<Head, EngineError> {
    let mut locked = hold(store, notice.region).await?;
    if head_of(&mut locked, notice.region).await? != read {
        return Err(EngineError::Busy("somebody else wrote to the region"));
    }
    let empty = Head {
        epoch,
        size: 0,
        root: Hash::EMPTY.0,
        frontier: Frontier::new().to_bytes(),
        fence: read.fence + 1,
        alarm: None,
        ..read.clone()
    };
    write(locked, notice, read, empty).await
}

async fn hold(store: &Store, region: &Region) -> Result<Locked, EngineError> {
    Ok(store.locked(&[region.to_string()]).await?)
}

async fn head_of(locked: &mut Locked, region: &Region) -> Result<Head, EngineError> {
    let heads = locked.heads(&[region.to_string()]).await?;
    heads
        .into_iter()
        .next()
        .ok_or_else(|| EngineError::Unstorable(format!("region {region} is not open")))
}

/// Writes the event behind `from`, where the head stood at `read`.
async fn write(
    mut locked: Locked,
    notice: &Notice<'_>,
    read: Head,
    from: Head,
) -> Result<Head, EngineError> {
    let mut cell = Cell::new(notice.region.clone(), from.fence);
    cell.take_head(Some(from))?;
    bring(&mut locked, &mut cell, Key::Region).await?;
    bring(&mut locked, &mut cell, notice.event.stream()).await?;
    let at = cell.instant(notice.at);
    let events = std::slice::from_ref(&notice.event);
    let unfit = |stop| EngineError::Unstorable(format!("the event cannot be applied: {stop:?}"));
    cell.world.apply(events, at).map_err(unfit)?;
    let asked = Asked {
        caller: CALLER,
        numbered: false,
        request: notice.request,
        digest: &notice.digest,
    };
    cell.append(events, &asked, at, 0)?;
    let mut part = cell.commit()?;
    part.read = Some(read);
    let next = part.next.clone();
    let commit = Commit {
        regions: vec![part],
        ..Commit::default()
    };
    match locked.commit(commit).await? {
        Outcome::Committed => Ok(next),
        Outcome::GuardLost(_)
        | Outcome::NullifierTaken(_)
        | Outcome::RequestExists(_)
        | Outcome::TagTaken(_) => Err(EngineError::Busy("somebody else wrote to the region")),
    }
}

/// All that the system's events touch: the region itself, and the person whom one is about.
async fn bring(locked: &mut Locked, cell: &mut Cell, key: Key) -> Result<(), EngineError> {
    let place = rows::fact_key(cell.region.as_str(), &key);
    let row = locked
        .load(std::slice::from_ref(&place))
        .await?
        .into_iter()
        .next();
    let row = row.ok_or_else(|| StoreError::Corrupt {
        table: place.table.spec().name,
        column: "id",
        key: format!("{}/{}", cell.region, place.id),
    })?;
    cell.bring(key, Some(rows::fact(&row)?), (row.version, row.leaf));
    Ok(())
}
