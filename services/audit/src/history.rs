//! One voucher's life, event by event, with the proof of each.
//!
//! The invariant: what is told is what the log says and nothing else. Every event that moved the voucher stands in it: its own, its
//! sheet's, the sessions that its seat sat through; each with its inclusion proof (RFC 6962) in the tree that was published.

use hefu_domain::event::AssessmentResult;
use hefu_domain::state::{Voucher, VoucherState};
use hefu_domain::subsidy::TrailLine;
use hefu_domain::{
    ClassId, Event, Fen, Instant, Key, PersonId, PlanYear, Programme, Region, SheetId, VoucherId,
};
use hefu_log::{Hash, LogError, Node, View, inclusion_proof, node_hash, verify_inclusion};
use serde::{Serialize, Serializer};

use crate::replay::{Check, Entry, Replay};
use crate::verify::Follow;

/// A voucher's life.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// Its region.
    pub region: Region,
    /// The region's name.
    pub name: String,
    /// Which voucher.
    pub voucher: VoucherId,
    /// Whose, as that region knows them.
    pub person: PersonId,
    /// Of which programme.
    pub programme: Programme,
    /// Of which plan year.
    pub year: PlanYear,
    /// Where it stands at the log's end.
    pub state: &'static str,
    /// The trees that the proofs lead to, by epoch.
    pub trees: Vec<Tree>,
    /// What happened, in the log's order.
    pub steps: Vec<Step>,
}

/// The tree of one epoch's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// Which epoch.
    pub epoch: u64,
    /// Events.
    pub size: u64,
    /// Merkle root over them.
    pub root: Hash,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who says how large a log is, and its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SaidBy {
    /// A checkpoint.
    Checkpoint,
    /// The fork that ended the epoch.
    Fork,
}

/// One event of a voucher's life.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// In which epoch.
    pub epoch: u64,
    /// Its number there.
    pub index: u64,
    /// When.
    #[serde(serialize_with = "as_text")]
    pub at: Instant,
    /// What happened.
    pub kind: &'static str,
    /// On whose behalf.
    pub caller: String,
    /// The caller's request id.
    pub request: String,
    /// Where the voucher stands after it.
    pub state: &'static str,
    /// What it claims from here on, or what is set aside, owed or paid for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// The rules that led to the amount.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<TrailLine>,
    /// Lessons that its holder attended, or is said to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lessons: Option<u16>,
    /// What else is to be said: a reason, an outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256(0x00 ‖ bytes).
    pub leaf: Hash,
    /// Sibling hashes from the leaf up.
    pub proof: Vec<Hash>,
    /// Whether leaf and proof lead to the tree's root.
    pub proven: bool,
}

impl History {
    /// The events that stand behind the last checkpoint, in a database: nobody has signed them yet, and they have no proof.
    pub fn unsigned(&self) -> impl Iterator<Item = &Step> {
        let behind = |step: &&Step| {
            let covers = |tree: &Tree| tree.epoch == step.epoch && step.index < tree.size;
            !self.trees.iter().any(covers)
        };
        self.steps.iter().filter(behind)
    }
}

/// Whoever writes a voucher's history, reading its region's log.
pub struct Historian {
    replay: Replay,
    voucher: VoucherId,
    steps: Vec<Step>,
    trees: Vec<Tree>,
    /// The leaves of the epoch at hand.
    leaves: Vec<Hash>,
}

impl Historian {
    /// From the region's first event on.
    pub fn new(region: Region, voucher: VoucherId) -> Historian {
        Historian {
            replay: Replay::new(region),
            voucher,
            steps: Vec::new(),
            trees: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Takes the next event, which was checked by itself.
    fn take(&mut self, entry: &Entry) -> Result<(), Check> {
        let before = self.place();
        self.replay.apply(entry)?;
        self.leaves.push(entry.leaf());
        let after = self.place();
        if before.concerns(self.voucher, &entry.event) || after.concerns(self.voucher, &entry.event)
        {
            let lessons = before.lessons(&entry.event);
            self.tell(entry.clone(), lessons);
        }
        Ok(())
    }

    /// The epoch's log is over, and that later one's begins: its tree is what the fork carries on.
    fn enter(&mut self, epoch: u64) {
        let (size, root) = self.replay.head();
        if size > 0 {
            self.prove(Tree {
                epoch: self.replay.epoch(),
                size,
                root,
                said_by: SaidBy::Fork,
            });
        }
        self.replay.enter(epoch);
    }

    /// Whether the log knows the voucher by now.
    pub fn knows(&self) -> bool {
        self.voucher().is_some()
    }

    /// The end of the log, with the tree that was published of it; `None` if it knows no such voucher.
    pub fn end(mut self, size: u64, root: Hash) -> Option<History> {
        self.prove(Tree {
            epoch: self.replay.epoch(),
            size,
            root,
            said_by: SaidBy::Checkpoint,
        });
        let world = self.replay.world();
        let voucher = world.voucher(&self.voucher).ok()?;
        let opened = world.state_of_region().ok()?;
        Some(History {
            region: self.replay.region().clone(),
            name: opened.name.clone(),
            voucher: self.voucher,
            person: voucher.person,
            programme: voucher.programme,
            year: voucher.year,
            state: voucher.state.code(),
            trees: self.trees,
            steps: self.steps,
        })
    }

    fn voucher(&self) -> Option<&Voucher> {
        self.replay.world().voucher(&self.voucher).ok()
    }

    /// Where the voucher stands.
    fn place(&self) -> Place {
        let Some(voucher) = self.voucher() else {
            return Place::default();
        };
        let (seat, sheet) = match &voucher.state {
            VoucherState::Applied | VoucherState::Issued | VoucherState::Completed { .. } => {
                (None, None)
            }
            VoucherState::Enrolled { class, seat } => (Some((*class, *seat)), None),
            VoucherState::Claimed { sheet, .. }
            | VoucherState::Approved { sheet, .. }
            | VoucherState::Paid { sheet, .. }
            | VoucherState::WrittenOff { sheet } => (None, Some(*sheet)),
            VoucherState::Ended { claim, .. } => (None, claim.as_ref().map(|claim| claim.sheet)),
        };
        let late = seat.map_or(Vec::new(), |(class, seat)| self.late(class, seat));
        Place { seat, sheet, late }
    }

    /// The sessions for which a late entry with that seat waits.
    fn late(&self, class: ClassId, seat: u16) -> Vec<(ClassId, u16)> {
        let waiting = self.replay.world().attendance(&class);
        let waiting = waiting.into_iter().flat_map(|sat| &sat.late_requests);
        let own = waiting.filter(|(_, late)| late.entries.iter().any(|entry| entry.seat == seat));
        own.map(|(slot, _)| (class, *slot)).collect()
    }

    fn tell(&mut self, entry: Entry, lessons: Option<u16>) {
        let Some(voucher) = self.voucher() else {
            return;
        };
        let (amount_fen, trail) = match &entry.event {
            Event::Redeemed(e) => (Some(e.amount), e.trail.clone()),
            _ => (voucher.money.as_ref().map(|money| money.amount), Vec::new()),
        };
        let note = note(&entry.event);
        self.steps.push(Step {
            epoch: self.replay.epoch(),
            index: entry.index,
            at: entry.at,
            kind: entry.event.kind(),
            leaf: entry.leaf(),
            caller: entry.caller,
            request: entry.request,
            state: voucher.state.code(),
            amount_fen,
            trail,
            lessons,
            note,
            proof: Vec::new(),
            proven: false,
        });
    }

    /// Proves the steps of the epoch at hand, as far as its tree covers them.
    fn prove(&mut self, tree: Tree) {
        let leaves = std::mem::take(&mut self.leaves);
        let size = tree.size.min(leaves.len() as u64);
        let nodes = subtrees(leaves);
        let at = |node: Node| {
            let hashes = nodes.get(usize::from(node.level));
            let hash = hashes.and_then(|hashes| hashes.get(usize::try_from(node.index).ok()?));
            hash.copied().ok_or(LogError::Missing(node))
        };
        let steps = self.steps.iter_mut();
        for step in steps.filter(|step| step.epoch == tree.epoch && step.index < size) {
            step.proof = inclusion_proof(step.index, size, &at).unwrap_or_default();
            let (index, root) = (step.index, &tree.root);
            step.proven = verify_inclusion(&step.leaf, index, tree.size, &step.proof, root).is_ok();
        }
        self.trees.push(tree);
    }
}

/// A history is told while the log is verified: no history is told from a log that does not hold.
impl Follow for Historian {
    type Ready = Entry;

    fn ready(event: &View<'_>, leaf: Hash) -> Result<Entry, Check> {
        Entry::of(event, leaf)
    }

    fn follow(&mut self, epoch: u64, entry: &Entry) -> Result<(), Check> {
        if self.replay.epoch() < epoch {
            self.enter(epoch);
        }
        self.take(entry)?;
        // What could not be read back looks as if it were not there.
        match self.replay.lost() {
            Some(failure) => Err(failure.check),
            None => Ok(()),
        }
    }
}

/// The hashes of all complete subtrees over these leaves, by level.
fn subtrees(leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![leaves];
    while let Some(last) = levels.last().filter(|last| last.len() > 1) {
        let (pairs, _) = last.as_chunks();
        levels.push(
            pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect(),
        );
    }
    levels
}

/// Where a voucher stands, as far as events about other things concern it.
#[derive(Debug, Default)]
struct Place {
    seat: Option<(ClassId, u16)>,
    sheet: Option<SheetId>,
    /// Sessions of its class for which a late entry with its seat waits.
    late: Vec<(ClassId, u16)>,
}

impl Place {
    /// Whether an event is part of the voucher's life.
    fn concerns(&self, voucher: VoucherId, event: &Event) -> bool {
        match event {
            Event::AttendanceRecorded(_) | Event::LateEntryRequested(_) => {
                self.lessons(event).is_some()
            }
            Event::LateEntryApproved(e) => self.late.contains(&(e.class, e.slot)),
            Event::StruckOut(e) => e.voucher == voucher,
            _ => match event.stream() {
                Key::Voucher(id) => id == voucher,
                Key::Sheet(id) => self.sheet == Some(id),
                _ => false,
            },
        }
    }

    /// The lessons that an event says of the voucher's own seat.
    fn lessons(&self, event: &Event) -> Option<u16> {
        let (class, entries) = match event {
            Event::AttendanceRecorded(e) => (e.class, &e.entries),
            Event::LateEntryRequested(e) => (e.class, &e.entries),
            _ => return None,
        };
        let (own, seat) = self.seat?;
        let entry = entries.iter().find(|entry| entry.seat == seat)?;
        (own == class).then_some(entry.lessons)
    }
}

/// The one form in which instants are shown.
fn as_text<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn note(event: &Event) -> Option<String> {
    match event {
        Event::Enrolled(e) => Some(format!("class {}", e.class)),
        Event::Completed(e) => Some(format!("{} days", e.days.0)),
        Event::Assessed(e) => Some(match e.result {
            AssessmentResult::Pass => "pass".to_owned(),
            AssessmentResult::Fail => "fail".to_owned(),
            AssessmentResult::Absent => "absent".to_owned(),
        }),
        Event::ClaimApproved(e) => Some(match e.notice_until {
            Some(day) => format!("public notice until {day}"),
            None => "without a public notice: a classified unit's".to_owned(),
        }),
        Event::PayoutRecorded(e) => Some(format!("bank reference {}", e.reference)),
        Event::ClawBackProposed(e) => Some(e.claw_back.reason.to_string()),
        Event::ClawBackReceived(e) => Some(format!("{} yuan came back", e.amount)),
        _ => reason(event),
    }
}

/// The reason that an event gives.
fn reason(event: &Event) -> Option<String> {
    let body = serde_json::to_value(event).ok()?;
    Some(body.get("reason")?.as_str()?.to_owned())
}
