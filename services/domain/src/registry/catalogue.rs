//! The two catalogues (两目录): who may train or assess for what, in which plan year, where, with how many seats.
//! A line is in force only after a second person approved what stands in it, and every change of it is an event that anybody may read.

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::policy::Capacity;
use crate::proposal;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::world::World;

use super::in_good_standing;

/// The most sites of one line, so that its event stays within its bound.
const MOST_SITES: usize = 50;
/// The most trainers that one line names.
const MOST_TRAINERS: usize = 300;
/// The longest text of a line, in characters.
const MOST_TEXT: usize = 200;
/// The most seats of one site, and of a whole line in a year.
const MOST_SEATS: u32 = 100_000;

/// Files a catalogue line: by the institution itself, or by a clerk for it. A refused one may be filed again.
pub(crate) fn file_catalogue_entry(
    ask: &Ask,
    act: &FileCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let entry = &act.entry;
    let institution = ask.world.institution(&entry.institution)?;
    let mut checks = Checks::new();
    checks.require(
        ask.is(Role::Clerk) || ask.acts_for(&entry.institution),
        Code::NotYours,
    );
    let free = match ask.world.get(&Key::CatalogueEntry(entry.clone()))? {
        Some(Fact::CatalogueEntry(before)) => before.standing == Standing::Refused,
        _ => true,
    };
    checks.require(free, Code::CatalogueEntryExists);
    checks.take(in_good_standing(institution))?;
    checks.require(
        institution.licence.contains(&entry.occupation),
        Code::NotLicensed,
    );
    checks.require(capable(institution, entry.capacity), Code::CapacityMissing);
    checks.take(ask.year_open(entry.year))?;
    checks.take(well_described(entry, act.details.as_ref()))?;
    checks.done()?;
    Ok(vec![Event::CatalogueEntryFiled(
        event::CatalogueEntryFiled {
            entry: entry.clone(),
            by: ask.caller.person.clone(),
            details: act.details.clone(),
        },
    )])
}

/// Schools and enterprises teach too; who assesses is filed as an assessment body.
fn capable(institution: &Institution, capacity: Capacity) -> bool {
    match capacity {
        Capacity::TrainingBody | Capacity::Enterprise | Capacity::School => {
            institution
                .capacities
                .iter()
                .any(|c| *c != Capacity::AssessmentBody)
                && capacity == Capacity::TrainingBody
        }
        Capacity::AssessmentBody => institution.capacities.contains(&Capacity::AssessmentBody),
    }
}

/// What a line says of itself is whole and of a bearable length. A classified unit's says nothing: its site and occupation stand as
/// commitments.
fn well_described(
    entry: &CatalogueEntryId,
    details: Option<&CatalogueDetails>,
) -> Result<(), Stop> {
    let Some(details) = details else {
        return Ok(());
    };
    let mut checks = Checks::new();
    checks.require(
        !entry.institution.is_sealed() && !entry.occupation.is_sealed(),
        Code::DetailsSealed,
    );
    let text = |text: &str| (1..=MOST_TEXT).contains(&text.chars().count());
    let seats = |seats: u32| (1..=MOST_SEATS).contains(&seats);
    if let Some(project) = &details.project {
        checks.require_of(text(project), Code::BadDetails, "project");
    }
    if let Some(levels) = &details.levels {
        checks.require_of(levels.lowest <= levels.highest, Code::BadDetails, "levels");
    }
    checks.require_of(details.sites.len() <= MOST_SITES, Code::BadDetails, "sites");
    for (site, described) in &details.sites {
        let whole = text(&described.address) && seats(described.seats.into());
        checks.require_of(whole, Code::BadDetails, site);
    }
    let trainers = details.trainers.len() <= MOST_TRAINERS;
    checks.require_of(trainers, Code::BadDetails, "trainers");
    if let Some(capacity) = details.yearly_seats {
        checks.require_of(seats(capacity), Code::BadDetails, "yearly_seats");
    }
    if let Some(scope) = details.licence.as_ref().and_then(|l| l.scope.as_ref()) {
        checks.require_of(text(scope), Code::BadDetails, "licence");
    }
    checks.done()
}

pub(crate) fn apply_catalogue_entry_filed(
    world: &mut World,
    e: &event::CatalogueEntryFiled,
) -> Result<(), Stop> {
    let entry = CatalogueEntry {
        standing: Standing::Filed,
        filed_by: e.by.clone(),
        details: e.details.clone().map(Box::new),
        change: None,
        reason: None,
        seats_taken: 0,
    };
    // A line that was refused is filed anew under the same key.
    world.add(
        Key::CatalogueEntry(e.entry.clone()),
        Fact::CatalogueEntry(entry),
    );
    Ok(())
}

/// Files a change of a line. It waits for another person like the line itself; what is in force goes on meanwhile.
pub(crate) fn change_catalogue_entry(
    ask: &Ask,
    act: &ChangeCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let entry = ask.world.catalogue_entry(&act.entry)?;
    let mut checks = Checks::new();
    checks.require(
        ask.is(Role::Clerk) || ask.acts_for(&act.entry.institution),
        Code::NotYours,
    );
    checks.require(
        matches!(
            entry.standing,
            Standing::Filed | Standing::Good | Standing::Suspended
        ),
        Code::CatalogueEntryNotInForce,
    );
    let institution = ask.world.institution(&act.entry.institution)?;
    checks.take(in_good_standing(institution))?;
    checks.take(ask.year_open(act.entry.year))?;
    checks.take(well_described(&act.entry, Some(&act.details)))?;
    checks.done()?;
    Ok(vec![Event::CatalogueEntryChanged(
        event::CatalogueEntryChanged {
            entry: act.entry.clone(),
            by: ask.caller.person.clone(),
            details: act.details.clone(),
        },
    )])
}

pub(crate) fn apply_catalogue_entry_changed(
    world: &mut World,
    e: &event::CatalogueEntryChanged,
) -> Result<(), Stop> {
    let entry = world.edit_catalogue_entry(&e.entry)?;
    if entry.standing == Standing::Filed {
        entry.details = Some(Box::new(e.details.clone()));
        entry.filed_by = e.by.clone();
    } else {
        entry.change = Some(Box::new(CatalogueChange {
            details: e.details.clone(),
            by: e.by.clone(),
        }));
    }
    Ok(())
}

/// Approves a line, or a change of one, by another person than who filed it.
pub(crate) fn approve_catalogue_entry(
    ask: &Ask,
    act: &ApproveCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let waiting = waiting(ask, &act.entry)?;
    let mut checks = Checks::new();
    checks.require(waiting.by != ask.caller.person, Code::SamePerson);
    match (waiting.proposal, act.proposal) {
        (Some(standing), Some(seen)) => checks.take(proposal::seen(standing, seen))?,
        // A line without details is all that its name says: nothing can have been put in its place.
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => checks.take(Err(Code::ProposalChanged.into()))?,
    };
    checks.done()?;
    Ok(vec![Event::CatalogueEntryApproved(
        event::CatalogueEntryApproved {
            entry: act.entry.clone(),
            by: ask.caller.person.clone(),
            proposal: act.proposal,
        },
    )])
}

/// What waits for a reviewer.
struct Waiting {
    by: StaffId,
    proposal: Option<Digest>,
}

fn waiting(ask: &Ask, id: &CatalogueEntryId) -> Result<Waiting, Stop> {
    let entry = ask.world.catalogue_entry(id)?;
    let by = match (&entry.change, entry.standing) {
        (Some(change), Standing::Good | Standing::Suspended) => change.by.clone(),
        (_, Standing::Filed) => entry.filed_by.clone(),
        (_, Standing::Good | Standing::Suspended | Standing::StruckOff | Standing::Refused) => {
            return Err(Code::CatalogueEntryNotFiled.into());
        }
    };
    let proposal = entry.proposal();
    Ok(Waiting { by, proposal })
}

pub(crate) fn apply_catalogue_entry_approved(
    world: &mut World,
    e: &event::CatalogueEntryApproved,
) -> Result<(), Stop> {
    let entry = world.edit_catalogue_entry(&e.entry)?;
    match entry.change.take() {
        Some(change) => {
            entry.filed_by = change.by;
            entry.details = Some(Box::new(change.details));
        }
        None => entry.standing = Standing::Good,
    }
    Ok(())
}

/// Refuses a line, or a change of one, with a reason; what was in force before stays.
pub(crate) fn refuse_catalogue_entry(
    ask: &Ask,
    act: &RefuseCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let waiting = waiting(ask, &act.entry)?;
    let mut checks = Checks::new();
    checks.require(waiting.by != ask.caller.person, Code::SamePerson);
    checks.done()?;
    Ok(vec![Event::CatalogueEntryRefused(
        event::CatalogueEntryRefused {
            entry: act.entry.clone(),
            by: ask.caller.person.clone(),
            reason: act.reason.clone(),
        },
    )])
}

pub(crate) fn apply_catalogue_entry_refused(
    world: &mut World,
    e: &event::CatalogueEntryRefused,
) -> Result<(), Stop> {
    let entry = world.edit_catalogue_entry(&e.entry)?;
    if entry.change.take().is_none() {
        entry.standing = Standing::Refused;
        entry.reason = Some(e.reason.clone());
    }
    Ok(())
}

/// Suspends a line, or lifts its suspension: the institution's other lines go on.
pub(crate) fn suspend_catalogue_entry(
    ask: &Ask,
    act: &SuspendCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let entry = ask.world.catalogue_entry(&act.entry)?;
    let before = match act.suspended {
        true => Standing::Good,
        false => Standing::Suspended,
    };
    let mut checks = Checks::new();
    checks.require(entry.standing == before, Code::CatalogueEntryNotInForce);
    checks.done()?;
    Ok(vec![Event::CatalogueEntrySuspended(
        event::CatalogueEntrySuspended {
            entry: act.entry.clone(),
            by: ask.caller.person.clone(),
            suspended: act.suspended,
            reason: act.reason.clone(),
        },
    )])
}

pub(crate) fn apply_catalogue_entry_suspended(
    world: &mut World,
    e: &event::CatalogueEntrySuspended,
) -> Result<(), Stop> {
    let entry = world.edit_catalogue_entry(&e.entry)?;
    (entry.standing, entry.reason) = match e.suspended {
        true => (Standing::Suspended, Some(e.reason.clone())),
        false => (Standing::Good, None),
    };
    Ok(())
}

/// Strikes a line off for the rest of its plan year ("及时淘汰"); what was filed and approved before stands.
pub(crate) fn strike_off_catalogue_entry(
    ask: &Ask,
    act: &StrikeOffCatalogueEntry,
) -> Result<Vec<Event>, Stop> {
    let entry = ask.world.catalogue_entry(&act.entry)?;
    let mut checks = Checks::new();
    checks.require(
        matches!(entry.standing, Standing::Good | Standing::Suspended),
        Code::CatalogueEntryNotInForce,
    );
    checks.done()?;
    Ok(vec![Event::CatalogueEntryStruckOff(
        event::CatalogueEntryStruckOff {
            entry: act.entry.clone(),
            by: ask.caller.person.clone(),
            reason: act.reason.clone(),
        },
    )])
}

pub(crate) fn apply_catalogue_entry_struck_off(
    world: &mut World,
    e: &event::CatalogueEntryStruckOff,
) -> Result<(), Stop> {
    let entry = world.edit_catalogue_entry(&e.entry)?;
    entry.standing = Standing::StruckOff;
    entry.reason = Some(e.reason.clone());
    entry.change = None;
    Ok(())
}

/// An institution's line of that catalogue, for that occupation and year, if it is in force.
fn line<'a>(
    ask: &'a Ask,
    institution: &InstitutionId,
    capacity: Capacity,
    occupation: &Occupation,
    year: PlanYear,
) -> Result<Option<&'a CatalogueEntry>, Stop> {
    let id = CatalogueEntryId {
        institution: institution.clone(),
        capacity,
        occupation: occupation.clone(),
        year,
    };
    Ok(match ask.world.get(&Key::CatalogueEntry(id))? {
        Some(Fact::CatalogueEntry(entry)) if entry.standing == Standing::Good => Some(entry),
        _ => None,
    })
}

/// Whether an institution stands in the region's catalogue of that kind, for that occupation and year.
pub(crate) fn in_catalogue(
    ask: &Ask,
    institution: &InstitutionId,
    capacity: Capacity,
    occupation: &Occupation,
    year: PlanYear,
) -> Result<bool, Stop> {
    line(ask, institution, capacity, occupation, year).map(|line| line.is_some())
}

/// A class keeps to what its deliverer's line says: levels, site, seats, trainers. A line that says nothing of one leaves it free, and
/// where there is no line, another rule asks for it.
pub(crate) fn within_line(ask: &Ask, filing: &ClassFiling) -> Result<(), Stop> {
    let line = line(
        ask,
        &filing.deliverer,
        Capacity::TrainingBody,
        &filing.occupation,
        filing.year,
    )?;
    let Some(details) = line.and_then(|line| line.details.as_deref()) else {
        return Ok(());
    };
    let mut checks = Checks::new();
    checks.require(details.covers(filing.level), Code::LevelNotListed);
    if !details.sites.is_empty() {
        match details.sites.get(&filing.site) {
            Some(site) => checks.require_of(
                u32::from(filing.capacity) <= u32::from(site.seats),
                Code::SeatsAboveSite,
                &filing.site,
            ),
            None => checks.require_of(false, Code::SiteNotListed, &filing.site),
        }
    }
    for trainer in &filing.trainers {
        let listed = details.trainers.is_empty() || details.trainers.contains(trainer);
        checks.require_of(listed, Code::TrainerNotListed, trainer);
    }
    checks.done()
}

/// The line that a class is taught under.
pub(crate) fn training_line(filing: &ClassFiling) -> CatalogueEntryId {
    CatalogueEntryId {
        institution: filing.deliverer.clone(),
        capacity: Capacity::TrainingBody,
        occupation: filing.occupation.clone(),
        year: filing.year,
    }
}

/// The seats that a class takes of its deliverer's line, if that describes itself: with those that are taken already, but for the class's
/// own, no more than the line says that it can take in the year.
pub(crate) fn yearly_seats(ask: &Ask, filing: &ClassFiling, own: u16) -> Result<u16, Stop> {
    let id = training_line(filing);
    let line = match own {
        0 => line(
            ask,
            &id.institution,
            id.capacity,
            &id.occupation,
            filing.year,
        )?,
        // It took seats of the line when that was in force; they are its own until it ends.
        _ => Some(ask.world.catalogue_entry(&id)?),
    };
    let Some((line, details)) = line.and_then(|line| Some((line, line.details.as_deref()?))) else {
        return Ok(0);
    };
    let taken = line.seats_taken.saturating_sub(u32::from(own));
    match details.yearly_seats {
        Some(most) if taken + u32::from(filing.capacity) > most => {
            let seats = filing.capacity;
            Err(Code::YearlySeats.about(format!("{most} a year, {taken} taken, {seats} more")))
        }
        Some(_) | None => Ok(filing.capacity),
    }
}

/// A session keeps to the levels of its body's line.
pub(crate) fn assesses_level(ask: &Ask, filing: &SessionFiling) -> Result<(), Stop> {
    let line = line(
        ask,
        &filing.body,
        Capacity::AssessmentBody,
        &filing.occupation,
        filing.year,
    )?;
    match line.and_then(|line| line.details.as_deref()) {
        Some(details) if !details.covers(filing.level) => Err(Code::LevelNotListed.into()),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
