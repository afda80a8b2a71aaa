//! Samples held against the log: a plan's population is all that there was, and a draw starts from the log's own root at a size that covers
//! the plan. That the draw follows from both, the rule itself says, which decides it again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hefu_domain::event::{SampleDrawn, SamplePlanned};
use hefu_domain::state::{About, Frame, LogPlace, VoucherState};
use hefu_domain::{ClassId, Date, Event, Instant, Region, SampleId, SheetId, World};
use hefu_log::{Frontier, Hash};

use super::finding::{Finding, Kind};
use crate::replay::Entry;

/// What came in so shortly before a plan may be missing in it: its population is looked up before it is written.
const JUST_NOW_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A planned sample that is not drawn yet.
struct Planned {
    place: LogPlace,
    at: Instant,
    request: String,
    draw_days: u16,
}

/// Classes that are approved or running, with their days and since when they are there.
#[derive(Default)]
struct Frames {
    filed: HashMap<ClassId, BTreeSet<Date>>,
    taught: HashMap<ClassId, Instant>,
    submitted: HashMap<SheetId, Instant>,
    payouts: Vec<(LogPlace, SheetId)>,
}

/// One region's samples under audit.
pub(super) struct Samples {
    region: Region,
    epoch: u64,
    tree: Frontier,
    planned: BTreeMap<SampleId, Planned>,
    /// Roots by epoch and size, since the first plan that is not drawn.
    roots: BTreeMap<(u64, u64), Hash>,
    frames: Frames,
    last_at: Instant,
}

impl Samples {
    pub(super) fn new(region: Region) -> Samples {
        Samples {
            region,
            epoch: 0,
            tree: Frontier::default(),
            planned: BTreeMap::new(),
            roots: BTreeMap::new(),
            frames: Frames::default(),
            last_at: Instant(0),
        }
    }

    /// Sees the next event, on the facts just before it.
    pub(super) fn see(&mut self, world: &World, entry: &Entry, epoch: u64) -> Option<Finding> {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.tree = Frontier::default();
        }
        self.last_at = entry.at;
        let place = LogPlace {
            epoch,
            index: entry.index,
        };
        let wrong = match &entry.event {
            Event::SamplePlanned(e) => self.plan(world, e, entry, place),
            Event::SampleDrawn(e) => self.draw(e),
            _ => None,
        };
        self.frames.follow(&entry.event, entry.at, place);
        self.tree.push(entry.leaf());
        if !self.planned.is_empty() {
            let size = self.tree.size();
            self.roots.insert((epoch, size), self.tree.root());
        }
        wrong.map(|detail| self.finding(place, &entry.request, detail))
    }

    fn plan(
        &mut self,
        world: &World,
        e: &SamplePlanned,
        entry: &Entry,
        place: LogPlace,
    ) -> Option<String> {
        self.planned.insert(
            e.sample,
            Planned {
                place,
                at: entry.at,
                request: entry.request.clone(),
                draw_days: draw_days(world, entry.at),
            },
        );
        let there = self.frames.population(world, &e.plan.frame, entry.at)?;
        let members = e.plan.strata.values().flat_map(|stratum| &stratum.members);
        let planned: BTreeSet<&About> = members.collect();
        let left_out = there
            .iter()
            .filter(|thing| !planned.contains(thing))
            .count();
        (left_out > 0).then(|| {
            format!("its plan leaves out {left_out} of the things of which it takes a sample")
        })
    }

    fn draw(&mut self, e: &SampleDrawn) -> Option<String> {
        let planned = self.planned.remove(&e.sample)?;
        let (draw, tree) = (&e.draw, &e.draw.tree);
        let root = self.roots.get(&(tree.epoch, tree.size)).copied();
        if self.planned.is_empty() {
            self.roots.clear();
        }
        if draw.planned != planned.place {
            return Some("its plan stands elsewhere in the log".to_owned());
        }
        match root {
            Some(root) if root.0 == tree.root.0 => None,
            Some(_) => Some(format!("the log has another root at size {}", tree.size)),
            None => Some(format!("no tree of size {} covers its plan", tree.size)),
        }
    }

    fn finding(&self, place: LogPlace, request: &str, detail: String) -> Finding {
        Finding {
            region: self.region.clone(),
            epoch: place.epoch,
            index: place.index,
            request: request.to_owned(),
            kind: Kind::Rule,
            codes: Vec::new(),
            detail,
        }
    }

    /// The log is over: samples whose draw was never published, though it should be by now. Whoever saw what a plan draws could drop it.
    pub(super) fn end(self) -> Vec<Finding> {
        let late = |planned: &&Planned| {
            let days = i64::from(planned.draw_days);
            planned.at.0 + days * DAY_MS < self.last_at.0
        };
        let late = self.planned.values().filter(late);
        late.map(|planned| {
            let days = planned.draw_days;
            let detail = format!("its draw was not published within {days} days");
            let mut finding = self.finding(planned.place, &planned.request, detail);
            finding.kind = Kind::Deadline;
            finding
        })
        .collect()
    }
}

/// Days in which a draw is published, by the policy of the day.
fn draw_days(world: &World, at: Instant) -> u16 {
    let this = u16::try_from(at.date().year()).unwrap_or_default();
    let years = [this, this.saturating_sub(1)];
    let rules = years.into_iter().find_map(|year| {
        let (_, policy) = world.policy(year.try_into().ok()?, at).ok()?;
        policy.supervision.as_ref()
    });
    rules.map_or(u16::MAX, |rules| rules.draw_days)
}

impl Frames {
    fn follow(&mut self, event: &Event, at: Instant, place: LogPlace) {
        match event {
            Event::ClassFiled(e) => {
                let days = e.filing.dates().into_iter().collect();
                self.filed.insert(e.class, days);
            }
            Event::ClassChanged(e) => {
                let days = e.filing.dates().into_iter().collect();
                self.filed.insert(e.class, days);
                // It may be taught on other days since just now.
                if let Some(since) = self.taught.get_mut(&e.class) {
                    *since = at;
                }
            }
            Event::ClassApproved(e) => {
                self.taught.insert(e.class, at);
            }
            Event::ClassRejected(e) => self.class_over(&e.class),
            Event::ClassFinished(e) => self.class_over(&e.class),
            Event::ClassCancelled(e) => self.class_over(&e.class),
            Event::ClassClosed(e) => self.class_over(&e.class),
            Event::ClaimSubmitted(e) => {
                self.submitted.insert(e.sheet, at);
            }
            Event::ClaimReturned(e) => self.sheet_over(&e.sheet),
            Event::ClaimRefused(e) => self.sheet_over(&e.sheet),
            Event::ClaimApproved(e) => self.sheet_over(&e.sheet),
            Event::ClaimClosed(e) => self.sheet_over(&e.sheet),
            Event::PayoutRecorded(e) => self.payouts.push((place, e.sheet)),
            _ => {}
        }
    }

    fn class_over(&mut self, class: &ClassId) {
        self.filed.remove(class);
        self.taught.remove(class);
    }

    fn sheet_over(&mut self, sheet: &SheetId) {
        self.submitted.remove(sheet);
    }

    /// What a plan of that instant must not leave out; nothing where it names its things one by one.
    fn population(&self, world: &World, frame: &Frame, at: Instant) -> Option<Vec<About>> {
        let before = |since: &Instant| since.0 + JUST_NOW_MS <= at.0;
        Some(match frame {
            Frame::Classes { on } => {
                let there = self.taught.iter().filter(|(_, since)| before(since));
                there
                    .filter(|(id, _)| self.filed.get(id).is_some_and(|days| days.contains(on)))
                    .map(|(id, _)| About::Class(*id))
                    .collect()
            }
            Frame::Sheets => {
                let there = self.submitted.iter().filter(|(_, since)| before(since));
                there.map(|(id, _)| About::Sheet(*id)).collect()
            }
            Frame::Paid { epoch, from, until } => {
                let within = |place: &LogPlace| {
                    place.epoch == *epoch && (*from..*until).contains(&place.index)
                };
                let paid = self.payouts.iter().filter(|(place, _)| within(place));
                paid.flat_map(|(_, sheet)| still_paid(world, sheet))
                    .collect()
            }
            Frame::Named => return None,
        })
    }
}

/// A sheet's vouchers that are paid or written off.
fn still_paid(world: &World, sheet: &SheetId) -> Vec<About> {
    let Ok(sheet) = world.sheet(sheet) else {
        return Vec::new();
    };
    let paid = sheet.standing().filter(|line| {
        let voucher = world.voucher(&line.voucher);
        voucher.is_ok_and(|voucher| {
            matches!(
                voucher.state,
                VoucherState::Paid { .. } | VoucherState::WrittenOff { .. }
            )
        })
    });
    paid.map(|line| About::Voucher(line.voucher)).collect()
}
