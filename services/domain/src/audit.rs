//! What the log says of logs: an accepted fork, the checkpoints that a city recorded, a log key that followed another.
//!
//! Roots and signatures are recorded results here: the log's own tools check them, the rules only keep them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::command::RecordCheckpoints;
use crate::decide::Ask;
use crate::event::Event;
use crate::ids::{Digest, Reason, Region};
use crate::refusal::{Checks, Code, Stop};
use crate::world::World;

/// The most checkpoints of one event, which must stay below 65,535 bytes.
pub(crate) const MOST_CHECKPOINTS: usize = 400;

/// A tree of one log: how many events, and the Merkle root over them (RFC 6962).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTree {
    /// The log's epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// Body of the event `ForkAccepted`, the first of every epoch but the first: the log before it no longer extends what
/// was signed of it (a restored backup, a rewritten row), and the operator goes on from what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkAccepted {
    /// Why, in the operator's code.
    pub reason: Reason,
    /// The last tree of the old log that was signed; absent where the signer's memory of it is lost as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<LogTree>,
    /// The tree of the old log that stood in the database: what the new epoch carries on.
    pub kept: LogTree,
}

/// Body of the event `CheckpointsRecorded`: the trees of other regions' logs, as their signed checkpoints had them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointsRecorded {
    /// By region, each once.
    pub checkpoints: Vec<RegionTree>,
}

/// One region's signed tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTree {
    /// Whose log.
    pub region: Region,
    /// The log's epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
}

/// Body of the event `LogKeyRotated`: from the checkpoint that covers it on, the new key signs this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKeyRotated {
    /// The verifier key so far (C2SP signed-note), named like the log's origin.
    pub old: String,
    /// The one from now on.
    pub new: String,
    /// The last tree that the old key signed: what the new one has to go on from.
    pub signed: LogTree,
    /// The old key's signature over [`LogKeyRotated::statement`], base64.
    pub by_old: String,
    /// The new key's.
    pub by_new: String,
}

impl LogKeyRotated {
    /// The text that both keys sign. It names the tree, so that whoever holds one of the two keys cannot put the change
    /// into another history.
    pub fn statement(old: &str, new: &str, signed: &LogTree) -> String {
        let LogTree { size, root, .. } = signed;
        format!("hefu log key rotation\n{old}\n{new}\n{size}\n{root}\n")
    }
}

/// Records the signed trees of the logs of regions below this one: whoever then holds this log's root holds theirs. A log only grows,
/// except that an accepted fork begins it anew.
pub(crate) fn record_checkpoints(ask: &Ask, act: &RecordCheckpoints) -> Result<Vec<Event>, Stop> {
    let own = ask.world.state_of_region()?;
    let mut checks = Checks::new();
    let mut named = BTreeSet::new();
    for tree in &act.checkpoints {
        let about = tree.region.as_str();
        checks.require_of(named.insert(&tree.region), Code::DuplicateEntry, about);
        checks.require_of(
            ask.world.region().contains(&tree.region),
            Code::NotBelow,
            about,
        );
        let newer = own
            .recorded
            .get(&tree.region)
            .is_none_or(|last| (last.epoch, last.size) < (tree.epoch, tree.size));
        checks.require_of(newer && tree.size > 0, Code::CheckpointNotNewer, about);
    }
    checks.require(
        (1..=MOST_CHECKPOINTS).contains(&act.checkpoints.len()),
        Code::TooMany,
    );
    checks.done()?;
    Ok(vec![Event::CheckpointsRecorded(CheckpointsRecorded {
        checkpoints: act.checkpoints.clone(),
    })])
}

pub(crate) fn apply_checkpoints_recorded(
    world: &mut World,
    e: &CheckpointsRecorded,
) -> Result<(), Stop> {
    let recorded = &mut world.edit_region()?.recorded;
    for tree in &e.checkpoints {
        let last = LogTree {
            epoch: tree.epoch,
            size: tree.size,
            root: tree.root,
        };
        recorded.insert(tree.region.clone(), last);
    }
    Ok(())
}

/// It changes nothing that a rule reads: the region's stream moves on, and that is all.
pub(crate) fn apply_noted(world: &mut World) -> Result<(), Stop> {
    world.edit_region().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::*;
    use crate::state::{Fact, Key, RegionState, Role};

    fn city() -> County {
        let mut world = World::new(code("140700"));
        let state = RegionState {
            parent: None,
            name: "晋中市".to_owned(),
            name_en: "Jinzhong".to_owned(),
            deployment: "hefu.example.org".to_owned(),
            simulated: true,
            recorded: Default::default(),
            next_place: Default::default(),
        };
        world.bring(Key::Region, Some(Fact::Region(state)));
        County { world }
    }

    fn tree(region: &str, epoch: u64, size: u64) -> RegionTree {
        RegionTree {
            region: code(region),
            epoch,
            size,
            root: Digest([size as u8; 32]),
        }
    }

    fn record(city: &mut County, trees: &[RegionTree]) -> Result<Vec<&'static str>, Vec<Code>> {
        let act = RecordCheckpoints {
            checkpoints: trees.to_vec(),
        };
        city.play(&staff("operator", Role::Operator), at("06-01"), |ask| {
            record_checkpoints(ask, &act)
        })
    }

    #[test]
    fn a_city_records_its_counties_logs_as_they_grow_and_never_as_they_shrink() {
        let mut city = city();
        let both = [tree("140725", 0, 5), tree("140727", 0, 3)];
        assert_eq!(record(&mut city, &both), Ok(vec!["CheckpointsRecorded"]));
        let stale = Err(vec![Code::CheckpointNotNewer]);
        assert_eq!(record(&mut city, &[tree("140725", 0, 5)]), stale);
        assert_eq!(record(&mut city, &[tree("140725", 0, 4)]), stale);
        assert!(record(&mut city, &[tree("140725", 0, 6)]).is_ok());
        assert!(record(&mut city, &[tree("140725", 1, 1)]).is_ok(), "a fork");
        assert_eq!(record(&mut city, &[tree("140725", 0, 9)]), stale);
        let recorded = &city.world.state_of_region().unwrap().recorded;
        assert_eq!(recorded.len(), 2);
        assert_eq!(recorded[&code("140725")].epoch, 1);
    }

    #[test]
    fn a_city_records_neither_its_own_log_nor_its_neighbours_nor_one_twice() {
        let mut city = city();
        let not_below = Err(vec![Code::NotBelow]);
        assert_eq!(record(&mut city, &[tree("140700", 0, 5)]), not_below);
        assert_eq!(record(&mut city, &[tree("140925", 0, 5)]), not_below);
        let twice = [tree("140725", 0, 5), tree("140725", 0, 6)];
        assert_eq!(record(&mut city, &twice), Err(vec![Code::DuplicateEntry]));
        assert_eq!(record(&mut city, &[]), Err(vec![Code::TooMany]));
    }
}
