//! The public notice (公示): anyone objects while it runs, and a reviewer other than the approver decides.
//! No money is sent while an objection is open.

use super::*;

/// The most objections against one sheet: anyone may object, and nobody may fill the log with it.
const MAX_OBJECTIONS: usize = 100;

/// An objection during the notice; whoever raises it needs no grant.
pub(crate) fn raise_objection(
    world: &World,
    act: &RaiseObjection,
    at: Instant,
) -> Result<Vec<Event>, Stop> {
    let sheet = world.sheet(&act.sheet)?;
    // Whoever objects stands outside, and nobody outside knows of a classified unit's sheet.
    if Place::of(world, sheet.occasion)?.classified {
        return Err(Code::SheetNotFound.into());
    }
    let mut checks = Checks::new();
    match &sheet.state {
        SheetState::Approved { notice_until, .. } => checks.require(
            notice_until.is_some_and(|until| at < Instant::after(until)),
            Code::NoticeOver,
        ),
        SheetState::Open | SheetState::Submitted { .. } | SheetState::Refused { .. } => {
            checks.require(false, Code::SheetNotApproved)
        }
        SheetState::Paying { .. } | SheetState::Paid { .. } | SheetState::Closed => {
            checks.require(false, Code::NoticeOver)
        }
    }
    checks.require(
        !sheet.objections.contains_key(&act.objection),
        Code::DuplicateEntry,
    );
    checks.require(sheet.objections.len() < MAX_OBJECTIONS, Code::TooMany);
    checks.done()?;
    Ok(vec![Event::ObjectionRaised(event::ObjectionRaised {
        sheet: act.sheet,
        objection: act.objection,
        statement: act.statement,
    })])
}

pub(crate) fn apply_objection_raised(
    world: &mut World,
    e: &event::ObjectionRaised,
) -> Result<(), Stop> {
    let objection = Objection {
        statement: e.statement,
        upheld: None,
    };
    world
        .edit_sheet(&e.sheet)?
        .objections
        .insert(e.objection, objection);
    Ok(())
}

/// Dismissed; or upheld, which strikes a voucher out or refuses the sheet.
pub(crate) fn decide_objection(ask: &Ask, act: &DecideObjection) -> Result<Vec<Event>, Stop> {
    let sheet = ask.world.sheet(&act.sheet)?;
    let objection = sheet
        .objections
        .get(&act.objection)
        .ok_or(Code::ObjectionNotFound)?;
    let mut checks = Checks::new();
    checks.require(objection.upheld.is_none(), Code::ObjectionDecided);
    checks.require(
        matches!(sheet.state, SheetState::Approved { .. }),
        Code::SheetNotApproved,
    );
    checks.require(
        sheet.approved_by.as_ref() != Some(&ask.caller.person),
        Code::SamePerson,
    );
    checks.done()?;
    let (upheld, reason, follows) = match &act.ruling {
        Ruling::Dismiss => (false, None, Vec::new()),
        Ruling::StrikeOut {
            voucher,
            reason,
            refuse,
        } => (
            true,
            Some(reason),
            striking(ask, act.sheet, *voucher, reason, *refuse)?,
        ),
        Ruling::Refuse { reason } => (true, Some(reason), refusal(ask, act.sheet, reason.clone())?),
    };
    let mut events = vec![Event::ObjectionDecided(event::ObjectionDecided {
        sheet: act.sheet,
        objection: act.objection,
        by: ask.caller.person.clone(),
        upheld,
        reason: reason.cloned(),
    })];
    events.extend(follows);
    Ok(events)
}

pub(crate) fn apply_objection_decided(
    world: &mut World,
    e: &event::ObjectionDecided,
) -> Result<(), Stop> {
    let sheet = world.edit_sheet(&e.sheet)?;
    sheet
        .objections
        .get_mut(&e.objection)
        .ok_or(Code::ObjectionNotFound)?
        .upheld = Some(e.upheld);
    Ok(())
}
