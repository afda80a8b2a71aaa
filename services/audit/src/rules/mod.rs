//! Every move decided again: from the events of each request the command is read back, decided on the facts just before it, and its
//! events compared with those that stand in the log.
//!
//! The invariant: deciding reads nothing but the log. What the design keeps out of it stands as a recorded result: whose identity was
//! shown, that a token was genuine, its hash, what stands behind a seal, and whether another region holds a nullifier; the last is told by holding the regions'
//! logs against each other ([`across`]).

mod access;
mod acts;
mod application;
mod assessment;
mod finding;
mod funds;
mod issuance;
mod ledger;
mod records;
mod redemption;
mod registry;
mod samples;
mod settlement;
mod supervision;
mod training;
mod watched;

use std::collections::HashMap;

use hefu_domain::command::PresentedToken;
use hefu_domain::event::SubjectErased;
use hefu_domain::state::{Held, Once};
use hefu_domain::{
    Act, Code, Command, CredentialId, Digest, Event, Holder, Need, PersonId, Refusals, Region,
    Stop, Subject, Tag, VoucherId, World, decide,
};

use crate::replay::{Entry, Failure, Replay};
use acts::{Asked, asked};
pub use finding::{Finding, Kind};
pub use ledger::{Ledger, across};
use samples::Samples;
pub use watched::Flagged;
use watched::Watched;

/// Stands for the lookup tag of an identity that was shown: whose it is, is a recorded result.
const PRESENTED: Tag = Tag([0; 16]);
/// Stands for a nullifier that nobody here holds and this command did not take.
const FREE: Tag = Tag([0; 16]);
/// Stands for one that must be held in another region.
const ELSEWHERE: Tag = Tag([0xff; 16]);
/// Asking further than this for one command is a defect.
const MOST_ASKS: usize = 10_000;

/// Whether an erasure stands there because a backup had forgotten it: recorded when the fork was accepted, and not decided anew.
fn again(epoch: u64, entry: &Entry) -> bool {
    let forgotten = |e: &SubjectErased| e.reason.as_str() == "BACKUP_RESTORED";
    epoch > 0
        && entry.caller == "system"
        && matches!(&entry.event, Event::SubjectErased(e) if forgotten(e))
}

/// The token in force, as somebody showed it: genuine, as it was recorded to be.
fn in_force(world: &World, voucher: &VoucherId) -> PresentedToken {
    let token = world
        .voucher(voucher)
        .ok()
        .and_then(|voucher| voucher.token.as_ref());
    PresentedToken {
        hash: token.map_or(Digest([0; 32]), |token| token.hash),
        genuine: true,
    }
}

/// One region's moves decided again, while its log is replayed.
pub(crate) struct Rules {
    /// The entries of the request at hand, not applied yet.
    group: Vec<Entry>,
    /// Credentials by the subject for whom they stand, the latest last.
    credentials: HashMap<String, Vec<CredentialId>>,
    ledger: Ledger,
    samples: Samples,
    watched: Watched,
    findings: Vec<Finding>,
}

/// What deciding again came to, the best first.
enum Verdict {
    /// The very events that stand in the log, so many.
    Same(usize),
    /// Accepted with other events: the first that differs, and how many alike stand before it.
    Differs(usize, Option<Box<Event>>),
    /// Refused.
    Refused(Refusals),
    /// It cannot be decided.
    Nothing(&'static str),
}

impl Verdict {
    fn rank(&self) -> u8 {
        match self {
            Verdict::Same(_) => 0,
            Verdict::Differs(..) => 1,
            Verdict::Refused(_) => 2,
            Verdict::Nothing(_) => 3,
        }
    }
}

impl Rules {
    pub(crate) fn new(region: Region) -> Rules {
        Rules {
            group: Vec::new(),
            credentials: HashMap::new(),
            ledger: Ledger::new(region.clone()),
            samples: Samples::new(region.clone()),
            watched: Watched::new(region),
            findings: Vec::new(),
        }
    }

    pub(crate) fn end(self) -> (Vec<Finding>, Ledger, Vec<Flagged>) {
        let mut findings = self.findings;
        findings.extend(self.samples.end());
        let (left_out, flags) = self.watched.end();
        findings.extend(left_out);
        findings.sort_by_key(|finding| (finding.epoch, finding.index));
        (findings, self.ledger, flags)
    }

    /// How many entries wait for the end of their request.
    pub(crate) fn waiting(&self) -> u64 {
        self.group.len() as u64
    }

    /// Takes the next entry. A request is decided when the next one begins.
    pub(crate) fn take(&mut self, replay: &mut Replay, entry: Entry) -> Result<(), Failure> {
        let goes_on = self
            .group
            .first()
            .is_none_or(|first| (&first.caller, &first.request) == (&entry.caller, &entry.request));
        if !goes_on {
            self.settle(replay)?;
        }
        self.group.push(entry);
        Ok(())
    }

    /// Decides the request at hand: one command after the other, each on the facts that those before it left.
    pub(crate) fn settle(&mut self, replay: &mut Replay) -> Result<(), Failure> {
        let group = std::mem::take(&mut self.group);
        let mut rest = &group[..];
        while !rest.is_empty() {
            let events = self.command(replay, rest);
            let (done, after) = rest.split_at(events.clamp(1, rest.len()));
            self.apply(replay, done)?;
            rest = after;
        }
        Ok(())
    }

    /// Decides the command that begins here; returns how many entries are its own.
    fn command(&mut self, replay: &mut Replay, rest: &[Entry]) -> usize {
        if again(replay.epoch(), &rest[0]) {
            return 1;
        }
        let verdict = match asked(replay.world(), rest.iter().map(|entry| &entry.event)) {
            Asked::Recorded => return 1,
            Asked::For(acts) => self.decide(replay, rest, acts),
            Asked::Nothing => received(replay.world(), rest),
        };
        let (at, (kind, codes, detail)) = match verdict {
            Verdict::Same(events) => return events,
            Verdict::Refused(refusals) => (0, finding::refused(&refusals)),
            Verdict::Nothing(why) => (0, (Kind::Rule, Vec::new(), why.to_owned())),
            Verdict::Differs(alike, ours) => (alike, differs(ours.as_deref(), rest.get(alike))),
        };
        let place = rest.get(at).or(rest.last()).unwrap_or(&rest[0]);
        self.findings.push(Finding {
            region: replay.region().clone(),
            epoch: replay.epoch(),
            index: place.index,
            request: place.request.clone(),
            kind,
            codes,
            detail,
        });
        own(rest)
    }

    /// Decides each thing that may have been asked for with each credential of the caller: the one by which it comes out as it stands
    /// in the log was meant.
    fn decide(&self, replay: &mut Replay, rest: &[Entry], acts: Vec<Act>) -> Verdict {
        let mut best = Verdict::Nothing("nobody with that caller's name has a grant here");
        let first = &rest[0];
        let credentials = self.credentials_of(first, &acts);
        for act in acts {
            for by in &credentials {
                let Ok(request) = first.request.parse() else {
                    return Verdict::Nothing("the request id is none");
                };
                let command = Command {
                    region: replay.region().clone(),
                    by: by.clone(),
                    request,
                    digest: Digest([0; 32]),
                    // That nobody classified was named in clear is a recorded result: no log can tell whom a seal hides.
                    seals: Vec::new(),
                    act: act.clone(),
                };
                let verdict = match self.ask(replay, rest, &command) {
                    Ok(events) => compare(&events, rest),
                    Err(Stop::Refused(refusals)) => Verdict::Refused(refusals),
                    Err(Stop::Missing(_)) => Verdict::Nothing("it asks for what no log has"),
                };
                replay.world_mut().forget_nullifiers();
                if verdict.rank() < best.rank() {
                    best = verdict;
                }
                if matches!(best, Verdict::Same(_)) {
                    return best;
                }
            }
        }
        best
    }

    /// The credentials that may have asked: those of the subject whom the envelope names, the latest first; a region's first
    /// operator, and whoever has no grant, by their own.
    fn credentials_of(&self, first: &Entry, acts: &[Act]) -> Vec<CredentialId> {
        if let [Act::OpenRegion(act)] = acts {
            return vec![act.operator.credential.clone()];
        }
        let granted = self.credentials.get(&first.caller);
        let public = first
            .caller
            .strip_prefix("public/")
            .and_then(|own| own.parse().ok());
        let granted = granted.into_iter().flatten().rev().cloned();
        granted.chain(public).collect()
    }

    /// Decides, bringing in what is asked for until there is an answer.
    fn ask(
        &self,
        replay: &mut Replay,
        rest: &[Entry],
        command: &Command,
    ) -> Result<Vec<Event>, Stop> {
        let at = rest[0].at;
        records::bring_days(replay, &command.act, &rest[0].event);
        for _ in 0..MOST_ASKS {
            let world = replay.world();
            let decided = match (&rest[0].event, command.act.other_region()) {
                (Event::FundsAllocatedOut(e), _) => funds::decide_out(world, command, at, e),
                (Event::TopUpRefused(e), _) => funds::decide_refusal(world, command, at, e),
                (_, Some(city)) => supervision::decide_report(world, city, command, at),
                (_, None) => decide(world, command, at),
            };
            match decided {
                Err(Stop::Missing(Need::Nullifier(subject, once))) => {
                    let (tag, holder) = nullifier(replay, rest, &subject, &once);
                    replay
                        .world_mut()
                        .bring_nullifier(subject, once, tag, holder);
                }
                Err(Stop::Missing(Need::Identity(tag))) => {
                    let person = presented(replay.world(), &command.act);
                    replay.world_mut().bring_identity(tag, person);
                }
                Ok(_) | Err(Stop::Refused(_) | Stop::Missing(Need::Fact(_))) => return decided,
            }
        }
        Err(Code::TooMany.into())
    }

    /// Applies a command's entries, and checks that each names the policy that was in force after them.
    fn apply(&mut self, replay: &mut Replay, entries: &[Entry]) -> Result<(), Failure> {
        for entry in entries {
            self.note(entry);
            let epoch = replay.epoch();
            let found = self.samples.see(replay.world(), entry, epoch);
            self.findings.extend(found);
            self.findings.extend(self.watched.see(entry, epoch));
            replay
                .apply(entry)
                .map_err(|check| replay.failure(entry.index, check))?;
            self.ledger.note(entry, replay.epoch());
        }
        for entry in entries {
            let stream = entry.event.stream();
            let policy = replay.world().policy_version(&stream, entry.at);
            if policy.unwrap_or_default() != entry.policy {
                self.findings.push(Finding {
                    region: replay.region().clone(),
                    epoch: replay.epoch(),
                    index: entry.index,
                    request: entry.request.clone(),
                    kind: Kind::Rule,
                    codes: Vec::new(),
                    detail: "it names another policy version than the one in force".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Notes who has which credentials from now on.
    fn note(&mut self, entry: &Entry) {
        if let Event::CallerGranted(e) = &entry.event {
            let subject = e.grant.subject.to_string();
            let credentials = self.credentials.entry(subject).or_default();
            credentials.push(e.credential.clone());
        }
    }
}

/// A nullifier's tag, and who held it: as the region's own vouchers say, else as the events at hand do.
fn nullifier(
    replay: &Replay,
    rest: &[Entry],
    subject: &Subject,
    once: &Once,
) -> (Tag, Option<Holder>) {
    let region = replay.region();
    let person = match subject {
        Subject::Tag(tag) => return (*tag, holder(region, replay.holder(tag))),
        Subject::Person(person) => person,
    };
    let theirs = replay.world().person(person).ok();
    for id in theirs.into_iter().flat_map(|theirs| &theirs.vouchers) {
        // A corrected voucher is somebody else's by now.
        let voucher = replay.world().voucher(id).ok();
        let voucher = voucher.filter(|voucher| voucher.person == *person);
        let held = voucher.and_then(|own| own.held.iter().find(|held| held.once == *once));
        if let Some(held) = held {
            return (held.tag, holder(region, Some(*id)));
        }
    }
    let taken = taken_by(replay.world(), rest, person);
    if let Some(held) = taken.iter().find(|held| held.once == *once) {
        return (held.tag, holder(region, replay.holder(&held.tag)));
    }
    if taken.iter().any(|held| comes_after(once, &held.once)) {
        return (ELSEWHERE, elsewhere());
    }
    (FREE, None)
}

/// A county's half of an allocation or of a decided request, or a city's of a report: none of them is asked for there.
fn received(county: &World, rest: &[Entry]) -> Verdict {
    let first = &rest[0];
    if let Event::FindingReported(e) = &first.event {
        return supervision::reported(county, first, e);
    }
    if let Event::FindingClosureReported(e) = &first.event {
        return supervision::closure_reported(county, first, e);
    }
    let events = rest.iter().map(|entry| &entry.event);
    let Some(half) = funds::county_half(events) else {
        return Verdict::Nothing("no command makes this event by itself");
    };
    if first.caller != format!("region/{}", half.from) {
        return Verdict::Nothing("what another region decides is that region's move");
    }
    let Some(command) = half.command(county.region(), &first.request) else {
        return Verdict::Nothing("the request id is none");
    };
    match half.decide(county, &command, first.at) {
        Ok(events) => compare(&events, rest),
        Err(Stop::Refused(refusals)) => Verdict::Refused(refusals),
        Err(Stop::Missing(_)) => Verdict::Nothing("it asks for what no log has"),
    }
}

/// Holds decided events against those that stand in the log: they are a command's whole, at one instant.
fn compare(ours: &[Event], rest: &[Entry]) -> Verdict {
    let alike = ours
        .iter()
        .zip(rest)
        .take_while(|(event, entry)| entry.at == rest[0].at && same(event, &entry.event))
        .count();
    if alike == ours.len() {
        Verdict::Same(alike)
    } else {
        Verdict::Differs(alike, ours.get(alike).cloned().map(Box::new))
    }
}

/// Equal but for a token's hash, which no rule knows.
fn same(ours: &Event, logged: &Event) -> bool {
    let unsigned = |token: &hefu_domain::state::TokenInForce| hefu_domain::state::TokenInForce {
        hash: Digest([0; 32]),
        ..token.clone()
    };
    match (ours, logged) {
        (Event::Issued(ours), Event::Issued(logged)) => {
            let token = unsigned(&logged.token);
            *ours
                == hefu_domain::event::Issued {
                    token,
                    ..logged.clone()
                }
        }
        (Event::TokenReissued(ours), Event::TokenReissued(logged)) => {
            let token = unsigned(&logged.token);
            *ours
                == hefu_domain::event::TokenReissued {
                    token,
                    ..logged.clone()
                }
        }
        _ => ours == logged,
    }
}

fn differs(ours: Option<&Event>, logged: Option<&Entry>) -> (Kind, Vec<Code>, String) {
    let (kind, detail) = match (ours, logged) {
        (Some(ours), Some(logged)) => finding::differs(ours, &logged.event),
        (Some(ours), None) => (
            Kind::Rule,
            format!("{} should follow and is not there", ours.kind()),
        ),
        (None, _) => (Kind::Rule, "it follows from nothing".to_owned()),
    };
    (kind, Vec::new(), detail)
}

/// How many entries a command that does not come out as it stands takes up: a request's commands are all of one kind, so up to the
/// next event of the first one's.
fn own(rest: &[Entry]) -> usize {
    let closing = rest
        .iter()
        .take_while(|entry| issuance::expired_by_closing(&entry.event).is_some())
        .count();
    let first = rest[0].event.kind();
    let follows = rest[1..]
        .iter()
        .take_while(|entry| entry.event.kind() != first);
    closing.max(1 + follows.count())
}

/// Whose identity was shown: the holder's, where one is shown to use a voucher; nobody's known, where somebody is registered.
fn presented(world: &World, act: &Act) -> Option<PersonId> {
    let voucher = match act {
        Act::Enrol(act) => act.voucher,
        Act::RecordAssessment(act) => act.voucher,
        _ => return None,
    };
    world.voucher(&voucher).ok().map(|voucher| voucher.person)
}

/// What the first event about a person's voucher takes.
fn taken_by<'a>(world: &World, rest: &'a [Entry], person: &PersonId) -> &'a [Held] {
    let takes = rest.iter().filter_map(|entry| {
        let (voucher, takes) = ledger::takes(&entry.event)?;
        let whose = match &entry.event {
            Event::Applied(e) => e.person,
            Event::CorrectionConfirmed(e) => e.person,
            _ => world.voucher(&voucher).ok()?.person,
        };
        (whose == *person).then_some(takes)
    });
    takes.into_iter().next().unwrap_or_default()
}

/// A person's trainings of a year fill slots in order: whoever took a later one had the earlier ones taken, here or elsewhere.
fn comes_after(asked: &Once, taken: &Once) -> bool {
    match (asked, taken) {
        (
            Once::Yearly { year, slot },
            Once::Yearly {
                year: of,
                slot: later,
            },
        ) => year == of && slot < later,
        _ => false,
    }
}

fn holder(region: &Region, voucher: Option<VoucherId>) -> Option<Holder> {
    voucher.map(|voucher| Holder {
        region: region.clone(),
        voucher,
    })
}

/// Some voucher of some other region; there is no region of this code.
fn elsewhere() -> Option<Holder> {
    Some(Holder {
        region: "999999".parse().ok()?,
        voucher: VoucherId(Default::default()),
    })
}
