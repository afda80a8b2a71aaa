//! Linked records: another department's roster blocks its people's days, and a certificate without a voucher counts in the plan
//! (DOMAIN, sections 5 and 7). A list is imported in parts, each once.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Rpc;
use crate::command::{ExportPayouts, ImportCertificates, ImportRoster};
use crate::decide::{Ask, Caller};
use crate::event::{self, Event};
use crate::ids::*;
use crate::money::Fen;
use crate::refusal::{Checks, Code, Stop};
use crate::settlement;
use crate::state::*;
use crate::time::{Date, Instant, plus_days};
use crate::world::{Subject, World};

/// The most certificates of one part.
pub const MOST_CERTIFICATES: usize = 200;
/// The most sheets of one payout file.
pub const MOST_PAYOUTS: usize = 500;
/// The most bytes of a part's days in its event, whose envelope and other fields have the rest of 65,535.
const MOST_BYTES: usize = 60_000;
/// A tag in an event: 22 characters, quotes and comma. A date: quotes, colon, brackets and comma, and as much again where it is told of held days, too.
const TAG_BYTES: usize = 25;
const DATE_BYTES: usize = 32;
/// Nobody plans a training further ahead: it is a slip of the pen.
const FURTHEST_DAYS: u16 = 366;

/// The last day that a roster may name at that instant.
pub fn furthest_day(at: Instant) -> Date {
    plus_days(at.date(), FURTHEST_DAYS)
}

/// A part of a roster in the making: as many days of people as one event holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterDays {
    days: BTreeMap<Date, Vec<Tag>>,
    tags: usize,
}

impl RosterDays {
    /// Adds a person's day if it still fits.
    pub fn add(&mut self, date: Date, tag: Tag) -> bool {
        let dates = self.days.len() + usize::from(!self.days.contains_key(&date));
        if (self.tags + 1) * TAG_BYTES + dates * DATE_BYTES > MOST_BYTES {
            return false;
        }
        self.days.entry(date).or_default().push(tag);
        self.tags += 1;
        true
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.tags == 0
    }

    /// The days.
    pub fn into_days(self) -> BTreeMap<Date, Vec<Tag>> {
        self.days
    }
}

fn bytes(days: &BTreeMap<Date, Vec<Tag>>) -> usize {
    count(days) * TAG_BYTES + days.len() * DATE_BYTES
}

fn count(days: &BTreeMap<Date, Vec<Tag>>) -> usize {
    days.values().map(Vec::len).sum()
}

impl ImportRoster {
    /// The part's id.
    pub(crate) fn import(&self, region: &Region) -> ImportId {
        ImportId::of(region, "roster", &self.part.list, self.part.part)
    }
}

impl ImportCertificates {
    /// The part's id.
    pub(crate) fn import(&self, region: &Region) -> ImportId {
        ImportId::of(region, "certificates", &self.part.list, self.part.part)
    }
}

/// What holds of every part: it is one of its list's, and was not imported before.
fn part(ask: &Ask, part: &ListPart, import: ImportId, checks: &mut Checks) -> Result<(), Stop> {
    checks.require((1..=part.parts).contains(&part.part), Code::DuplicateEntry);
    let before = ask.world.get(&Key::Import(import))?;
    checks.require(before.is_none(), Code::ImportedBefore);
    Ok(())
}

/// Blocks the days of another department's people, in every region ("Imported rosters of other departments block those days"). A day
/// that somebody holds already stays theirs, and the event says so: the person was there before, or is in two places.
pub(crate) fn import_roster(ask: &Ask, act: &ImportRoster) -> Result<Vec<Event>, Stop> {
    let import = act.import(ask.world.region());
    let mut checks = Checks::new();
    part(ask, &act.part, import, &mut checks)?;
    checks.require(
        count(&act.days) > 0 && bytes(&act.days) <= MOST_BYTES,
        Code::TooMany,
    );
    let furthest = furthest_day(ask.at);
    let mut seen = BTreeSet::new();
    let mut takes: BTreeMap<Date, Vec<Tag>> = BTreeMap::new();
    let mut held: BTreeMap<Date, Vec<Tag>> = BTreeMap::new();
    for (date, tags) in &act.days {
        checks.require_of(*date <= furthest, Code::BadDates, date);
        let once = Once::Day { date: *date };
        for tag in tags {
            checks.require_of(seen.insert(*tag), Code::DuplicateEntry, date);
            let (_, holder) = ask.world.nullifier(&Subject::Tag(*tag), &once)?;
            let days = if holder.is_none() {
                &mut takes
            } else {
                &mut held
            };
            days.entry(*date).or_default().push(*tag);
        }
    }
    checks.done()?;
    Ok(vec![Event::RosterImported(event::RosterImported {
        import,
        by: ask.caller.person.clone(),
        part: act.part.clone(),
        department: act.department.clone(),
        takes,
        held,
    })])
}

pub(crate) fn apply_roster_imported(
    world: &mut World,
    e: &event::RosterImported,
) -> Result<(), Stop> {
    let number = |days| u32::try_from(count(days)).map_err(|_| Code::TooMany);
    let import = Import {
        part: e.part.clone(),
        list_of: ImportedList::Roster {
            department: e.department.clone(),
            days: number(&e.takes)?,
            held: number(&e.held)?,
        },
        by: e.by.clone(),
    };
    world.add(Key::Import(e.import), Fact::Import(import));
    for tag in e.takes.values().flatten() {
        world.take_nullifier(*tag, e.import.as_holder());
    }
    Ok(())
}

/// Records certificates without a voucher. A number is on record once, anywhere, whoever was paid for it or not.
pub(crate) fn import_certificates(ask: &Ask, act: &ImportCertificates) -> Result<Vec<Event>, Stop> {
    let import = act.import(ask.world.region());
    let mut checks = Checks::new();
    part(ask, &act.part, import, &mut checks)?;
    checks.require(
        (1..=MOST_CERTIFICATES).contains(&act.certificates.len()),
        Code::TooMany,
    );
    let mut seen = BTreeSet::new();
    for (line, listed) in act.certificates.iter().enumerate() {
        let person = checks.take(ask.world.person(&listed.person))?;
        let erased = person.is_some_and(|person| person.erased);
        checks.require_of(!erased, Code::PersonErased, line);
        checks.require_of(listed.on <= ask.at.date(), Code::BadDates, line);
        // Behind a seal nobody can count it.
        checks.require_of(!listed.occupation.is_sealed(), Code::OccupationNeeded, line);
        checks.require_of(seen.insert(listed.number), Code::DuplicateEntry, line);
        let number = Subject::Tag(listed.number);
        let (_, holder) = ask.world.nullifier(&number, &Once::Certificate)?;
        checks.require_of(holder.is_none(), Code::CertificateTaken, line);
    }
    checks.done()?;
    Ok(vec![Event::CertificatesImported(
        event::CertificatesImported {
            import,
            by: ask.caller.person.clone(),
            part: act.part.clone(),
            certificates: act.certificates.clone(),
        },
    )])
}

pub(crate) fn apply_certificates_imported(
    world: &mut World,
    e: &event::CertificatesImported,
) -> Result<(), Stop> {
    for listed in &e.certificates {
        let person = world.edit_person(&listed.person)?;
        person.certificates.push(OwnCertificate {
            occupation: listed.occupation.clone(),
            level: listed.level,
            on: listed.on,
            certificate: listed.certificate,
            import: e.import,
        });
        world.take_nullifier(listed.number, e.import.as_holder());
    }
    let certificates = u32::try_from(e.certificates.len()).map_err(|_| Code::TooMany)?;
    let import = Import {
        part: e.part.clone(),
        list_of: ImportedList::Certificates { certificates },
        by: e.by.clone(),
    };
    world.add(Key::Import(e.import), Fact::Import(import));
    Ok(())
}

/// Has it on record that the accounts of payouts under way are shown unmasked, and why; the accounts themselves are the vault's. What stands
/// in an earlier file is taken into another one only where that is said: a bank pays what it is handed.
pub(crate) fn export_payouts(ask: &Ask, act: &ExportPayouts) -> Result<Vec<Event>, Stop> {
    let payouts = payouts(ask, &act.sheets)?;
    let mut checks = Checks::new();
    for id in act.sheets.iter().filter(|_| !act.again) {
        let state = &ask.world.sheet(id)?.state;
        let is_in_file = matches!(state, SheetState::Paying { in_file: true, .. });
        checks.require_of(!is_in_file, Code::PayoutInFile, id);
    }
    checks.done()?;
    let total = payouts
        .iter()
        .try_fold(Fen::ZERO, |sum, payout| sum.checked_add(payout.amount));
    Ok(vec![Event::PayoutFileExported(event::PayoutFileExported {
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
        sheets: act.sheets.clone(),
        total: total.ok_or(Code::BadAmount)?,
        again: act.again,
    })])
}

pub(crate) fn apply_payout_file_exported(
    world: &mut World,
    e: &event::PayoutFileExported,
) -> Result<(), Stop> {
    for id in &e.sheets {
        match &mut world.edit_sheet(id)?.state {
            SheetState::Paying { in_file, .. } => *in_file = true,
            SheetState::Open
            | SheetState::Submitted { .. }
            | SheetState::Approved { .. }
            | SheetState::Paid { .. }
            | SheetState::Closed
            | SheetState::Refused { .. } => return Err(Code::SheetNotPaying.about(id)),
        }
    }
    world.edit_region().map(|_| ())
}

/// A payout under way, for the bank's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Of which sheet.
    pub sheet: SheetId,
    /// To whom.
    pub payee: InstitutionId,
    /// Commitment to the account to which it was sent.
    pub account: Digest,
    /// How much.
    pub amount: Fen,
}

/// The payouts of these sheets: each is with the bank, and its account is still the one that it was sent to.
fn payouts(ask: &Ask, sheets: &[SheetId]) -> Result<Vec<Payout>, Stop> {
    let mut checks = Checks::new();
    checks.require((1..=MOST_PAYOUTS).contains(&sheets.len()), Code::TooMany);
    let mut payouts = Vec::with_capacity(sheets.len());
    let mut seen = BTreeSet::new();
    for id in sheets {
        checks.require_of(seen.insert(*id), Code::DuplicateEntry, id);
        let Some(sheet) = checks.take(ask.world.sheet(id))? else {
            continue;
        };
        let SheetState::Paying { batch, .. } = &sheet.state else {
            checks.require_of(false, Code::SheetNotPaying, id);
            continue;
        };
        let payee = ask.world.institution(&sheet.payee)?;
        let account = payee.account.as_ref().map(|account| account.commitment);
        let sent = |account: &Digest| {
            settlement::batch_digest(account, &sheet.payee, sheet.total(), *id) == *batch
        };
        let account = account.filter(sent);
        checks.require_of(account.is_some(), Code::BatchMismatch, id);
        payouts.extend(account.map(|account| Payout {
            sheet: *id,
            payee: sheet.payee.clone(),
            account,
            amount: sheet.total(),
        }));
    }
    checks.done()?;
    Ok(payouts)
}

/// What the file holds that an event had on record, if whoever asked may still see it: a request that is repeated after its caller was
/// revoked, or after the bank answered, shows nothing.
///
/// # Errors
/// CALLER_REVOKED, CALLER_UNKNOWN, ROLE_MISSING, NOT_YOURS; SHEET_NOT_PAYING, BATCH_MISMATCH.
pub fn exported(
    world: &World,
    credential: &CredentialId,
    event: &event::PayoutFileExported,
    at: Instant,
) -> Result<Vec<Payout>, Stop> {
    let (caller, _): (Caller, _) =
        crate::access::admitted(world, Rpc::ExportPayouts, credential, at)?;
    let ask = Ask { world, caller, at };
    if ask.caller.person != event.by {
        return Err(Code::NotYours.into());
    }
    payouts(&ask, &event.sheets)
}

#[cfg(test)]
mod tests;
