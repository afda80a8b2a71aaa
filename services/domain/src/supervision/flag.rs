//! Fraud flags. A rule over the log makes them ([`super::Watch`]); the server puts them on record as it sees them, and an auditor's run of
//! the same rule over the same log makes the same. A warning is cleared by one person, a block by two, and never by who approves.

use sha2::{Digest as _, Sha256};

use super::{FlagClearanceProposed, FlagCleared, FlagRaised, exists, hold};
use crate::command::{ClearFlag, ConfirmClearFlag, RaiseFlag};
use crate::decide::Ask;
use crate::event::Event;
use crate::ids::*;
use crate::policy::{FraudRule, Severity};
use crate::proposal;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::voucher;
use crate::world::World;

/// The most events that one flag names.
pub(super) const MOST_EVIDENCE: usize = 50;

/// A flag's id: the first 16 bytes of the SHA-256 over the lines `<rule> <version>`, `<about>` and `<epoch>/<index>` for each event,
/// each ended by a newline, as a UUID of version 8. So nobody raises one flag twice, however often a log is read.
pub fn flag_id(rule: FraudRule, version: u16, about: &About, evidence: &[LogPlace]) -> FlagId {
    let mut hash = Sha256::new();
    hash.update(format!("{} {version}\n{about}\n", rule.as_str()));
    for place in evidence {
        hash.update(format!("{}/{}\n", place.epoch, place.index));
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    FlagId(uuid::Builder::from_custom_bytes(id).into_uuid())
}

/// Puts a flag on record.
pub(crate) fn raise_flag(ask: &Ask, act: &RaiseFlag) -> Result<Vec<Event>, Stop> {
    let flag = flag_id(act.rule, act.version, &act.about, &act.evidence);
    let mut checks = Checks::new();
    let is_new = ask.world.get(&Key::Flag(flag))?.is_none();
    checks.require_of(is_new, Code::FlagExists, flag);
    checks.take(exists(ask.world, &act.about))?;
    checks.require(
        (1..=MOST_EVIDENCE).contains(&act.evidence.len()),
        Code::TooMany,
    );
    let ordered = act.evidence.is_sorted_by(|one, next| one < next);
    checks.require(ordered, Code::DuplicateEntry);
    checks.done()?;
    Ok(vec![Event::FlagRaised(FlagRaised {
        flag,
        record: Flag {
            rule: act.rule,
            version: act.version,
            severity: act.severity,
            about: act.about.clone(),
            evidence: act.evidence.clone(),
            state: FlagState::Open,
        },
    })])
}

pub(crate) fn apply_flag_raised(world: &mut World, e: &FlagRaised) -> Result<(), Stop> {
    world.add(Key::Flag(e.flag), Fact::Flag(e.record.clone()));
    match e.record.severity {
        Severity::Warning => Ok(()),
        Severity::Block => hold(world, &e.record.about, |holds| {
            holds.flags.insert(e.flag);
        }),
    }
}

/// Clears a warning, or proposes to clear a block.
pub(crate) fn clear_flag(ask: &Ask, act: &ClearFlag) -> Result<Vec<Event>, Stop> {
    let flag = ask.world.flag(&act.flag)?;
    let mut checks = Checks::new();
    let is_open = !matches!(flag.state, FlagState::Cleared { .. });
    checks.require(is_open, Code::FlagAlreadyCleared);
    checks.take(approved_nothing_of_it(ask, &flag.about))?;
    checks.done()?;
    let (id, by, reason) = (act.flag, ask.caller.person.clone(), act.reason.clone());
    Ok(vec![match flag.severity {
        Severity::Warning => Event::FlagCleared(FlagCleared {
            flag: id,
            by,
            reason,
            evidence: Some(act.evidence),
            proposal: None,
        }),
        Severity::Block => Event::FlagClearanceProposed(FlagClearanceProposed {
            flag: id,
            by,
            reason,
            evidence: act.evidence,
        }),
    }])
}

/// Who approved a claim that the flag touches does not clear it.
fn approved_nothing_of_it(ask: &Ask, about: &About) -> Result<(), Stop> {
    let sheets = match about {
        About::Class(id) => ask.world.class(id)?.sheets.clone(),
        About::Session(id) => ask.world.session(id)?.sheets.clone(),
        About::Sheet(id) => vec![*id],
        About::Voucher(id) => voucher::sheet(ask.world.voucher(id)?).into_iter().collect(),
        About::Institution(_) => Vec::new(),
    };
    let mut checks = Checks::new();
    for id in sheets {
        let approver = &ask.world.sheet(&id)?.approved_by;
        let own = approver.as_ref() == Some(&ask.caller.person);
        checks.require_of(!own, Code::SamePerson, id);
    }
    checks.done()
}

pub(crate) fn apply_flag_clearance_proposed(
    world: &mut World,
    e: &FlagClearanceProposed,
) -> Result<(), Stop> {
    world.edit_flag(&e.flag)?.state = FlagState::Proposed {
        by: e.by.clone(),
        reason: e.reason.clone(),
        proof: e.evidence,
    };
    Ok(())
}

/// Clears a block as the second person.
pub(crate) fn confirm_clear_flag(ask: &Ask, act: &ConfirmClearFlag) -> Result<Vec<Event>, Stop> {
    let flag = ask.world.flag(&act.flag)?;
    let (proposer, reason, proof) = match &flag.state {
        FlagState::Proposed { by, reason, proof } => (by, reason, proof),
        FlagState::Open => return Err(Code::NothingToConfirm.into()),
        FlagState::Cleared { .. } => return Err(Code::FlagAlreadyCleared.into()),
    };
    let proposed = FlagClearanceProposed {
        flag: act.flag,
        by: proposer.clone(),
        reason: reason.clone(),
        evidence: *proof,
    };
    let mut checks = Checks::new();
    checks.require(*proposer != ask.caller.person, Code::SamePerson);
    checks.take(proposal::seen(proposed.digest(), act.proposal))?;
    checks.take(approved_nothing_of_it(ask, &flag.about))?;
    checks.done()?;
    Ok(vec![Event::FlagCleared(FlagCleared {
        flag: act.flag,
        by: ask.caller.person.clone(),
        reason: reason.clone(),
        evidence: None,
        proposal: Some(act.proposal),
    })])
}

pub(crate) fn apply_flag_cleared(world: &mut World, e: &FlagCleared) -> Result<(), Stop> {
    let flag = world.edit_flag(&e.flag)?;
    let proposer = match &flag.state {
        FlagState::Proposed { by, .. } => Some(by.clone()),
        FlagState::Open | FlagState::Cleared { .. } => None,
    };
    flag.state = FlagState::Cleared {
        by: e.by.clone(),
        reason: e.reason.clone(),
    };
    let about = flag.about.clone();
    hold(world, &about, |holds| {
        holds.flags.remove(&e.flag);
        holds.cleared_by.insert(e.by.clone());
        holds.cleared_by.extend(proposer);
    })
}
