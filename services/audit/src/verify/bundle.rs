//! What can be checked of 256 events by themselves, on any thread. The invariant: nothing is said here of an event
//! behind the first that failed, and what needs the events before the bundle is left to [`super::walk`].

use hefu_domain::event::{CheckpointsRecorded, ForkAccepted, LogKeyRotated};
use hefu_domain::state::RegionState;
use hefu_log::{Hash, View, leaf_hash};
use serde::de::DeserializeOwned;

use super::check::{Check, Stop};
use super::follow::Follow;
use super::log::{Log, Piece, root_of, split_entry};
use super::streams::{Link, StreamId};
use crate::replay;

/// An instant as it is spelt; in this form instants sort as text.
pub(super) type At = [u8; 24];

/// A bundle's events as far as they hold.
pub(super) struct Bundle<R> {
    pub(super) events: Vec<Held<R>>,
    /// When the first and the last of them happened.
    pub(super) times: Option<(At, At)>,
    /// The root over them if they are 256.
    pub(super) root: Option<Hash>,
    /// Of a log that ended: the first event that is not the one in its tile.
    pub(super) unlike: Option<u64>,
    /// Why there are no more.
    pub(super) stop: Option<Stop>,
}

/// An event that holds by itself.
pub(super) struct Held<R> {
    pub(super) index: u64,
    pub(super) leaf: Hash,
    pub(super) link: Link,
    /// What it tells of logs, if it does.
    pub(super) told: Option<Box<Told>>,
    pub(super) ready: R,
}

impl<R> Bundle<R> {
    /// Reads a bundle and checks its events and its tile of level 0.
    pub(super) fn read<F: Follow<Ready = R>>(log: &Log<'_>, number: u64) -> Self {
        let mut bundle = Self {
            events: Vec::new(),
            times: None,
            root: None,
            unlike: None,
            stop: None,
        };
        let checked = log
            .bundle(number)
            .and_then(|piece| bundle.fill::<F>(log, number, &piece));
        // A tile tells which event was changed, even where a later one spoils the bundle.
        let leaves: Vec<Hash> = bundle.events.iter().map(|held| held.leaf).collect();
        let tiled = match leaves.is_empty() {
            true => Ok(()),
            false => log.check_tile(0, number, &leaves),
        };
        // What a log that ended shows as tiles is what was signed; what a fork kept of it may be something else.
        let tiled = match tiled {
            Err(Stop::Failed(index, Check::Leaf)) if !log.current => {
                bundle.unlike = Some(index);
                Ok(())
            }
            tiled => tiled,
        };
        if leaves.len() == 256 {
            bundle.root = Some(root_of(&leaves));
        }
        bundle.stop = first(checked.err(), tiled.err());
        if let Some(Stop::Failed(index, _)) = bundle.stop {
            bundle.events.retain(|held| held.index < index);
        }
        bundle
    }

    fn fill<F: Follow<Ready = R>>(
        &mut self,
        log: &Log<'_>,
        number: u64,
        piece: &Piece,
    ) -> Result<(), Stop> {
        self.events.reserve_exact(piece.width);
        let mut rest = piece.bytes.as_slice();
        let mut index = number * 256;
        for _ in 0..piece.width {
            let (entry, after) = split_entry(rest).ok_or(Stop::Failed(index, Check::Entries))?;
            self.take::<F>(log, index, entry)
                .map_err(|check| Stop::Failed(index, check))?;
            rest = after;
            index += 1;
        }
        if rest.is_empty() || piece.wider {
            Ok(())
        } else {
            Err(Stop::Failed(index, Check::Entries))
        }
    }

    fn take<F: Follow<Ready = R>>(
        &mut self,
        log: &Log<'_>,
        index: u64,
        entry: &[u8],
    ) -> Result<(), Check> {
        let event = View::read(entry).map_err(|_| replay::Check::Bytes)?;
        if event.region != log.region.as_str() {
            return Err(replay::Check::Region.into());
        }
        if event.index != index {
            return Err(replay::Check::Index.into());
        }
        let at = At::try_from(event.at.as_bytes()).map_err(|_| replay::Check::Time)?;
        self.times = match self.times {
            Some((_, last)) if at < last => return Err(replay::Check::Time.into()),
            Some((first, _)) => Some((first, at)),
            None => Some((at, at)),
        };
        let leaf = leaf_hash(entry);
        if log.is_back_dated(index, event.at)? {
            return Err(Check::BackDated);
        }
        self.events.push(Held {
            index,
            leaf,
            link: Link {
                stream: StreamId::of(event.stream),
                version: event.version,
                prev: event.prev,
            },
            told: Told::by(&event)?.map(Box::new),
            ready: F::ready(&event, leaf)?,
        });
        Ok(())
    }
}

/// What an event tells of logs.
pub(super) enum Told {
    /// Whose log this is.
    Opened(RegionState),
    /// Which log it goes on from.
    Forked(ForkAccepted),
    /// What other logs were.
    Recorded(CheckpointsRecorded),
    /// Who signs from now on.
    Rotated(LogKeyRotated),
}

impl Told {
    /// What this event tells of logs, if it does.
    pub(super) fn by(event: &View<'_>) -> Result<Option<Self>, Check> {
        fn body<T: DeserializeOwned>(event: &View<'_>) -> Result<T, Check> {
            serde_json::from_str(event.body).map_err(|_| replay::Check::Body.into())
        }
        Ok(Some(match event.kind {
            "RegionOpened" => Self::Opened(body(event)?),
            "ForkAccepted" => Self::Forked(body(event)?),
            "CheckpointsRecorded" => Self::Recorded(body(event)?),
            "LogKeyRotated" => Self::Rotated(body(event)?),
            _ => return Ok(None),
        }))
    }
}

/// Which of two came first: what could not be read hides everything behind it.
fn first(one: Option<Stop>, other: Option<Stop>) -> Option<Stop> {
    match (one, other) {
        (Some(Stop::Failed(a, check)), Some(Stop::Failed(b, other))) => Some(if a <= b {
            Stop::Failed(a, check)
        } else {
            Stop::Failed(b, other)
        }),
        (Some(Stop::Unread(error)), _) | (_, Some(Stop::Unread(error))) => {
            Some(Stop::Unread(error))
        }
        (stop, None) | (None, stop) => stop,
    }
}
