//! What one region's log says that another's may contradict: nullifiers, from taking to freeing, and money that moved between two.
//!
//! No auditor can open a nullifier. But the same tag held in two regions at one time is the same person having twice what may be had
//! once, whoever they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hefu_domain::event::{FindingRechecked, FindingRecorded, FundsAllocatedIn, FundsAllocatedOut};
use hefu_domain::state::{self, Held, Once};
use hefu_domain::{Code, Event, Fen, FindingId, Instant, PlanYear, Region, Source, Tag, VoucherId};

use super::finding::{Finding, Kind};
use crate::replay::Entry;

/// By how much two regions' times may lie apart although one thing came after the other: a writer's clock is within 5 s of the
/// database's, and two of them within twice that.
const CLOCKS_APART_MS: i64 = 10_000;

/// Where something stands in a region's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Instant,
    epoch: u64,
    index: u64,
}

/// A nullifier from its taking to its freeing.
#[derive(Debug, Clone)]
struct Span {
    tag: Tag,
    taken: Place,
    freed: Option<Instant>,
    /// What says that it is taken.
    code: Code,
}

/// What moved between two regions, as both of their events must say it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Allocation {
    from: Region,
    to: Region,
    year: PlanYear,
    source: Source,
    amount: Fen,
    reference: String,
    request: String,
    at: Instant,
}

/// One region's share of what is held against the other regions' logs.
#[derive(Debug)]
pub struct Ledger {
    region: Region,
    spans: Vec<Span>,
    /// Where each open span stands.
    open: HashMap<Tag, usize>,
    sent: Vec<(Allocation, Place)>,
    received: Vec<(Allocation, Place)>,
    /// Grave findings that are not closed yet.
    graves: HashMap<FindingId, state::Finding>,
    /// Grave findings reported to this region's city, when recorded and when closed, and to this one by its counties.
    reports: Vec<(Report, Place)>,
    heard: Vec<(Report, Place)>,
    parent: Option<Region>,
    last_at: Instant,
}

/// A grave finding of a county, as both of the logs must have it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    county: Region,
    city: Region,
    finding: FindingId,
    record: state::Finding,
    request: String,
    at: Instant,
}

impl Ledger {
    pub(super) fn new(region: Region) -> Ledger {
        Ledger {
            region,
            spans: Vec::new(),
            open: HashMap::new(),
            sent: Vec::new(),
            received: Vec::new(),
            graves: HashMap::new(),
            reports: Vec::new(),
            heard: Vec::new(),
            parent: None,
            last_at: Instant(0),
        }
    }

    /// Notes what an event that stands in the log took, freed, sent or received.
    pub(super) fn note(&mut self, entry: &Entry, epoch: u64) {
        let place = Place {
            at: entry.at,
            epoch,
            index: entry.index,
        };
        self.last_at = entry.at;
        for tag in frees(&entry.event) {
            if let Some(span) = self.open.remove(tag).and_then(|at| self.spans.get_mut(at)) {
                span.freed = Some(entry.at);
            }
        }
        for held in takes(&entry.event).map_or(&[][..], |(_, takes)| takes) {
            self.open.insert(held.tag, self.spans.len());
            self.spans.push(Span {
                tag: held.tag,
                taken: place,
                freed: None,
                code: taken_code(&held.once),
            });
        }
        for (tag, code) in super::records::takes(&entry.event) {
            self.open.insert(tag, self.spans.len());
            self.spans.push(Span {
                tag,
                taken: place,
                freed: None,
                code,
            });
        }
        match &entry.event {
            Event::FundsAllocatedOut(e) => self.sent.push((self.sending(e, entry), place)),
            Event::FundsAllocatedIn(e) => self.received.push((self.receiving(e, entry), place)),
            Event::RegionOpened(e) => self.parent.clone_from(&e.parent),
            Event::FindingRecorded(e) => {
                let report = self.reporting(e, entry).map(|report| (report, place));
                self.reports.extend(report);
            }
            Event::FindingRechecked(e) => {
                let report = self.closing(e, entry).map(|report| (report, place));
                self.reports.extend(report);
            }
            Event::FindingReported(e) => {
                let heard = self.hearing(e.finding, &e.record, entry);
                self.heard.extend(heard.map(|report| (report, place)));
            }
            Event::FindingClosureReported(e) => {
                let heard = self.hearing(e.finding, &e.record, entry);
                self.heard.extend(heard.map(|report| (report, place)));
            }
            _ => {}
        }
    }

    fn sending(&self, e: &FundsAllocatedOut, entry: &Entry) -> Allocation {
        Allocation {
            from: self.region.clone(),
            to: e.to.clone(),
            year: e.year,
            source: e.source.clone(),
            amount: e.amount,
            reference: e.reference.to_string(),
            request: entry.request.clone(),
            at: entry.at,
        }
    }

    /// A grave finding of a county, as its city's log must have it.
    fn reporting(&mut self, e: &FindingRecorded, entry: &Entry) -> Option<Report> {
        if !e.record.grave {
            return None;
        }
        self.graves.insert(e.finding, e.record.clone());
        let state = state::FindingState::Reported;
        self.report(e.finding, &e.record, state, entry)
    }

    /// That it was closed, as the city's log must have that, too.
    fn closing(&mut self, e: &FindingRechecked, entry: &Entry) -> Option<Report> {
        if let Some(due) = e.due {
            self.graves.get_mut(&e.finding)?.due = due;
            return None;
        }
        let record = self.graves.remove(&e.finding)?;
        let state = state::FindingState::Closed {
            by: e.by.clone(),
            proof: e.evidence,
        };
        self.report(e.finding, &record, state, entry)
    }

    fn report(
        &self,
        finding: FindingId,
        record: &state::Finding,
        state: state::FindingState,
        entry: &Entry,
    ) -> Option<Report> {
        let city = self.parent.clone()?;
        city.contains(&self.region).then(|| Report {
            county: self.region.clone(),
            city,
            finding,
            record: state::Finding {
                county: Some(self.region.clone()),
                state,
                ..record.clone()
            },
            request: entry.request.clone(),
            at: entry.at,
        })
    }

    fn hearing(
        &self,
        finding: FindingId,
        record: &state::Finding,
        entry: &Entry,
    ) -> Option<Report> {
        Some(Report {
            county: record.county.clone()?,
            city: self.region.clone(),
            finding,
            record: record.clone(),
            request: entry.request.clone(),
            at: entry.at,
        })
    }

    fn receiving(&self, e: &FundsAllocatedIn, entry: &Entry) -> Allocation {
        Allocation {
            from: e.from.clone(),
            to: self.region.clone(),
            year: e.year,
            source: e.source.clone(),
            amount: e.amount,
            reference: e.reference.to_string(),
            request: entry.request.clone(),
            at: entry.at,
        }
    }
}

/// Holds the regions' logs against each other: what is held in two of them at one time, and money that one of them sent or received
/// and the other did not.
pub fn across(ledgers: &[Ledger]) -> Vec<Finding> {
    let mut findings = doubles(ledgers);
    for ledger in ledgers {
        let other = |region: &Region| ledgers.iter().find(|other| other.region == *region);
        for (sent, place) in &ledger.sent {
            // A log that ends before cannot say it yet.
            let Some(county) = other(&sent.to).filter(|county| county.last_at > sent.at) else {
                continue;
            };
            if !county.received.iter().any(|(received, _)| received == sent) {
                let detail = format!("{} of it did not arrive in region {}", sent.amount, sent.to);
                findings.push(money(ledger, sent, *place, detail));
            }
        }
        for (received, place) in &ledger.received {
            let Some(city) = other(&received.from) else {
                continue;
            };
            if city.last_at >= received.at && !city.sent.iter().any(|(sent, _)| sent == received) {
                let detail = format!("region {} sent no such {}", received.from, received.amount);
                findings.push(money(ledger, received, *place, detail));
            }
        }
    }
    findings.extend(ledgers.iter().flat_map(|ledger| reports(ledgers, ledger)));
    findings
}

/// A county's grave findings that its city's log has not, and what a city heard that no county says.
fn reports<'a>(ledgers: &'a [Ledger], ledger: &'a Ledger) -> impl Iterator<Item = Finding> + 'a {
    let other = |region: &Region| ledgers.iter().find(|other| other.region == *region);
    let unheard = ledger.reports.iter().filter(move |(report, _)| {
        let city = other(&report.city).filter(|city| city.last_at > report.at);
        city.is_some_and(|city| !city.heard.iter().any(|(heard, _)| heard == report))
    });
    let unsaid = ledger.heard.iter().filter(move |(report, _)| {
        let county = other(&report.county).filter(|county| county.last_at >= report.at);
        county.is_some_and(|county| !county.reports.iter().any(|(said, _)| said == report))
    });
    let said = |(report, place): &(Report, Place), detail: &str| Finding {
        region: ledger.region.clone(),
        epoch: place.epoch,
        index: place.index,
        request: report.request.clone(),
        kind: Kind::Rule,
        codes: Vec::new(),
        detail: detail.to_owned(),
    };
    let unheard = unheard.map(move |one| match one.0.record.state {
        state::FindingState::Closed { .. } => {
            said(one, "the city did not hear that this was closed")
        }
        _ => said(one, "the city did not hear of this grave finding"),
    });
    unheard.chain(unsaid.map(move |one| match one.0.record.state {
        state::FindingState::Closed { .. } => said(one, "no county's log closed this finding"),
        _ => said(one, "no county's log has this finding"),
    }))
}

fn money(ledger: &Ledger, moved: &Allocation, place: Place, detail: String) -> Finding {
    Finding {
        region: ledger.region.clone(),
        epoch: place.epoch,
        index: place.index,
        request: moved.request.clone(),
        kind: Kind::Amount,
        codes: Vec::new(),
        detail,
    }
}

/// Where a nullifier was taken, and where it was held already: region, and place in its log.
type Twice<'a> = (&'a Region, Place, &'a Region, Place);

/// Every event by which nullifiers were taken in one region while another one held them.
fn doubles(ledgers: &[Ledger]) -> Vec<Finding> {
    let mut spans: Vec<(&Span, &Region)> = ledgers
        .iter()
        .flat_map(|ledger| ledger.spans.iter().map(|span| (span, &ledger.region)))
        .collect();
    spans.sort_unstable_by_key(|(span, region)| (span.tag, span.taken, *region));
    let same_tag = spans.chunk_by(|(one, _), (other, _)| one.tag == other.tag);
    let mut twice: BTreeMap<Twice, BTreeSet<Code>> = BTreeMap::new();
    for spans in same_tag.filter(|spans| spans.len() > 1) {
        for (n, (span, region)) in spans.iter().enumerate() {
            let before = spans[..n].iter().rev();
            let held = before
                .filter(|(_, other)| other != region)
                .find(|(other, _)| still_held(other, span.taken.at));
            if let Some((other, elsewhere)) = held {
                let places = (*region, span.taken, *elsewhere, other.taken);
                twice.entry(places).or_default().insert(span.code);
            }
        }
    }
    twice.into_iter().map(double).collect()
}

fn still_held(span: &Span, at: Instant) -> bool {
    span.freed
        .is_none_or(|freed| freed.0 > at.0 + CLOCKS_APART_MS)
}

fn double(((region, taken, elsewhere, held), codes): (Twice, BTreeSet<Code>)) -> Finding {
    let (epoch, index, since) = (held.epoch, held.index, held.at);
    Finding {
        region: region.clone(),
        epoch: taken.epoch,
        index: taken.index,
        request: String::new(),
        kind: Kind::DoublePayment,
        codes: codes.into_iter().collect(),
        detail: format!(
            "held in region {elsewhere} since {since}: epoch {epoch}, event {index} of its log took the same nullifiers"
        ),
    }
}

/// Who takes nullifiers by an event, and which.
pub(super) fn takes(event: &Event) -> Option<(VoucherId, &[Held])> {
    match event {
        Event::Applied(e) => Some((e.voucher, &e.takes)),
        Event::ApplicationReopened(e) => Some((e.voucher, &e.takes)),
        Event::CorrectionConfirmed(e) => Some((e.voucher, &e.takes)),
        Event::Issued(e) => Some((e.voucher, &e.takes)),
        Event::Enrolled(e) => Some((e.voucher, &e.takes)),
        Event::Assessed(e) => Some((e.voucher, &e.takes)),
        Event::Reclaimed(e) => Some((e.voucher, &e.takes)),
        _ => None,
    }
}

/// The nullifiers that an event frees.
fn frees(event: &Event) -> &[Tag] {
    match event {
        Event::Withdrawn(e)
        | Event::ApplicationRejected(e)
        | Event::Revoked(e)
        | Event::Expired(e)
        | Event::ClaimVoucherRefused(e) => &e.frees,
        Event::CorrectionConfirmed(e) => &e.frees,
        Event::Dropped(e) => &e.frees,
        Event::CertificateConfirmed(e) => &e.frees,
        Event::StruckOut(e) => &e.frees,
        Event::WrittenOff(e) => &e.frees,
        Event::ClawBackConfirmed(e) => &e.frees,
        _ => &[],
    }
}

/// The refusal that says that something is taken.
fn taken_code(once: &Once) -> Code {
    match once {
        Once::Live { .. } => Code::LiveVoucherExists,
        Once::Day { .. } => Code::DayTaken,
        Once::Trained { .. } => Code::TrainedBefore,
        Once::Assessed { .. } => Code::AssessedBefore,
        Once::Yearly { .. } => Code::YearlyLimit,
        Once::GeneralPaid { .. } => Code::GeneralPaid,
        Once::Apprenticeship { .. } => Code::ApprenticeshipTaken,
        Once::Graduation { .. } => Code::GraduationAssessed,
        Once::Certificate => Code::CertificateTaken,
    }
}
