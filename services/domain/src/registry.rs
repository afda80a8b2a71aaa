//! Institutions and their corporate accounts; the two catalogues and classified units stand in files of their own.

mod catalogue;
mod classified;

pub(crate) use catalogue::*;
pub(crate) use classified::*;

use std::collections::BTreeSet;

use crate::command::*;
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::*;
use crate::proposal;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::plus_days;
use crate::world::World;

/// Registers an institution under its unified social credit code.
pub(crate) fn register_institution(
    ask: &Ask,
    act: &RegisterInstitution,
) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world
            .get(&Key::Institution(act.institution.clone()))?
            .is_none(),
        Code::InstitutionExists,
    );
    checks.require(
        in_clear(&act.institution, &act.licence, &act.related),
        Code::UnitClassified,
    );
    checks.require(!act.capacities.is_empty(), Code::CapacityMissing);
    checks.done()?;
    let record = Institution {
        name: act.name.clone(),
        capacities: act.capacities.clone(),
        licence: act.licence.clone(),
        related: act.related.clone(),
        affiliation: act.affiliation.clone(),
        standing: Standing::Good,
        account: None,
        pending_account: None,
        owes: crate::Fen::ZERO,
        classified: None,
        credit: None,
        findings: BTreeSet::new(),
        holds: None,
    };
    Ok(vec![Event::InstitutionRegistered(
        event::InstitutionRegistered {
            institution: act.institution.clone(),
            record,
        },
    )])
}

pub(crate) fn apply_institution_registered(
    world: &mut World,
    e: &event::InstitutionRegistered,
) -> Result<(), Stop> {
    world.add(
        Key::Institution(e.institution.clone()),
        Fact::Institution(e.record.clone()),
    );
    Ok(())
}

/// Changes what an institution is registered as: a licence is widened or withdrawn, a company comes under another's control. What was
/// filed and approved before stands; whatever is filed from now on is held to it.
pub(crate) fn change_institution(ask: &Ask, act: &ChangeInstitution) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    let mut checks = Checks::new();
    checks.require(
        institution.standing != Standing::StruckOff,
        Code::InstitutionStruckOff,
    );
    checks.require(
        in_clear(&act.institution, &act.licence, &act.related),
        Code::UnitClassified,
    );
    checks.require(!act.capacities.is_empty(), Code::CapacityMissing);
    checks.done()?;
    Ok(vec![Event::InstitutionChanged(event::InstitutionChanged {
        institution: act.institution.clone(),
        by: ask.caller.person.clone(),
        name: act.name.clone(),
        capacities: act.capacities.clone(),
        licence: act.licence.clone(),
        related: act.related.clone(),
        affiliation: act.affiliation.clone(),
    })])
}

pub(crate) fn apply_institution_changed(
    world: &mut World,
    e: &event::InstitutionChanged,
) -> Result<(), Stop> {
    let institution = world.edit_institution(&e.institution)?;
    institution.name = e.name.clone();
    institution.capacities = e.capacities.clone();
    institution.licence = e.licence.clone();
    institution.related = e.related.clone();
    institution.affiliation = e.affiliation.clone();
    Ok(())
}

/// Registers or changes the corporate account: the maker's half.
pub(crate) fn register_account(ask: &Ask, act: &RegisterAccount) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    let mut checks = Checks::new();
    checks.require(
        ask.is(Role::Clerk) || ask.acts_for(&act.institution),
        Code::NotYours,
    );
    checks.require(
        institution
            .account
            .as_ref()
            .is_none_or(|account| account.tag != act.tag),
        Code::AccountUnchanged,
    );
    checks.done()?;
    Ok(vec![Event::AccountRegistered(event::AccountRegistered {
        institution: act.institution.clone(),
        commitment: act.commitment,
        tag: act.tag,
        maker: ask.caller.person.clone(),
    })])
}

pub(crate) fn apply_account_registered(
    world: &mut World,
    e: &event::AccountRegistered,
) -> Result<(), Stop> {
    world.edit_institution(&e.institution)?.pending_account = Some(e.pending());
    Ok(())
}

/// Confirms a corporate account: the checker's half. The first one is usable at once, a changed one after the policy's waiting days.
pub(crate) fn confirm_account(ask: &Ask, act: &ConfirmAccount) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    let pending = institution
        .pending_account
        .as_ref()
        .ok_or(Code::AccountNotPending)?;
    let mut checks = Checks::new();
    checks.require(pending.maker != ask.caller.person, Code::SamePerson);
    checks.take(proposal::seen(pending.digest(), act.proposal))?;
    checks.done()?;
    let today = ask.at.date();
    let usable_from = match institution.account {
        None => today,
        Some(_) => plus_days(today, waiting_days(ask)?),
    };
    Ok(vec![Event::AccountConfirmed(event::AccountConfirmed {
        institution: act.institution.clone(),
        checker: ask.caller.person.clone(),
        usable_from,
        proposal: act.proposal,
    })])
}

fn waiting_days(ask: &Ask) -> Result<u16, Stop> {
    let this_year = u16::try_from(ask.at.date().year()).unwrap_or_default();
    // From January to March the year before is still being paid, and this year's policy may not be out.
    for year in [this_year, this_year.saturating_sub(1)] {
        let year = PlanYear::try_from(year).map_err(|_| Stop::from(Code::PolicyMissing))?;
        if ask.world.get(&Key::Policy(year))?.is_some()
            && let Ok((_, policy)) = ask.world.policy(year, ask.at)
        {
            return Ok(policy.claims.account_waiting_days);
        }
    }
    Err(Code::PolicyMissing.into())
}

pub(crate) fn apply_account_confirmed(
    world: &mut World,
    e: &event::AccountConfirmed,
) -> Result<(), Stop> {
    let institution = world.edit_institution(&e.institution)?;
    if let Some(pending) = institution.pending_account.take() {
        institution.account = Some(CorporateAccount {
            commitment: pending.commitment,
            tag: pending.tag,
            usable_from: e.usable_from,
        });
    }
    Ok(())
}

/// Suspends an institution, or lifts its suspension.
pub(crate) fn suspend_institution(ask: &Ask, act: &SuspendInstitution) -> Result<Vec<Event>, Stop> {
    let institution = ask.world.institution(&act.institution)?;
    match institution.standing {
        Standing::StruckOff => return Err(Code::InstitutionStruckOff.into()),
        Standing::Filed | Standing::Good | Standing::Suspended | Standing::Refused => {}
    }
    let (institution, suspended, reason) =
        (act.institution.clone(), act.suspended, act.reason.clone());
    Ok(vec![Event::InstitutionSuspended(
        event::InstitutionSuspended {
            institution,
            suspended,
            reason,
        },
    )])
}

pub(crate) fn apply_institution_suspended(
    world: &mut World,
    e: &event::InstitutionSuspended,
) -> Result<(), Stop> {
    world.edit_institution(&e.institution)?.standing = if e.suspended {
        Standing::Suspended
    } else {
        Standing::Good
    };
    Ok(())
}

/// Strikes an institution off ("及时淘汰"); there is no way back.
pub(crate) fn strike_off_institution(
    ask: &Ask,
    act: &StrikeOffInstitution,
) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.institution(&act.institution)?.standing != Standing::StruckOff,
        Code::InstitutionStruckOff,
    );
    checks.done()?;
    Ok(vec![Event::InstitutionStruckOff(
        event::InstitutionStruckOff {
            institution: act.institution.clone(),
            reason: act.reason.clone(),
        },
    )])
}

pub(crate) fn apply_institution_struck_off(
    world: &mut World,
    e: &event::InstitutionStruckOff,
) -> Result<(), Stop> {
    world.edit_institution(&e.institution)?.standing = Standing::StruckOff;
    Ok(())
}

/// Neither suspended nor struck off.
pub(crate) fn in_good_standing(institution: &Institution) -> Result<(), Stop> {
    match institution.standing {
        Standing::Good | Standing::Filed | Standing::Refused => Ok(()),
        Standing::Suspended => Err(Code::InstitutionSuspended.into()),
        Standing::StruckOff => Err(Code::InstitutionStruckOff.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Capacity;
    use crate::sample::*;
    use crate::time::{Date, Instant};

    fn account(n: u8) -> RegisterAccount {
        RegisterAccount {
            institution: institution(SCHOOL),
            commitment: Digest([n; 32]),
            tag: Tag([n; 16]),
        }
    }

    /// What the checker is shown.
    fn pending(county: &County) -> Digest {
        let school = county.world.institution(&institution(SCHOOL)).unwrap();
        school.pending_account.as_ref().unwrap().digest()
    }

    /// Made by a clerk and checked by another person at that instant; the first day on which money may go to it.
    fn change(county: &mut County, n: u8, at: Instant) -> Date {
        let made = account(n);
        county
            .play(&staff("maker", Role::Clerk), at, |ask| {
                register_account(ask, &made)
            })
            .unwrap();
        let checked = ConfirmAccount {
            institution: institution(SCHOOL),
            proposal: pending(county),
        };
        let by_maker = county.play(&staff("maker", Role::Finance), at, |ask| {
            confirm_account(ask, &checked)
        });
        assert_eq!(by_maker, Err(vec![Code::SamePerson]));
        county
            .play(&staff("checker", Role::Finance), at, |ask| {
                confirm_account(ask, &checked)
            })
            .unwrap();
        let school = county.world.institution(&institution(SCHOOL)).unwrap();
        school.account.as_ref().unwrap().usable_from
    }

    #[test]
    fn a_first_account_is_usable_at_once_and_a_changed_one_waits() {
        let mut county = County::new();
        assert_eq!(change(&mut county, 1, at("06-01 9")), date("06-01"));
        assert_eq!(change(&mut county, 2, at("06-05 9")), date("06-08"));
    }

    #[test]
    fn while_last_year_is_still_paid_its_policy_says_how_long_an_account_waits() {
        let mut county = County::new();
        change(&mut county, 1, at("06-01 9"));
        let new_year = Instant::after(date("12-31"));
        assert_eq!(change(&mut county, 2, new_year).to_string(), "2024-01-04");
    }

    #[test]
    fn an_account_that_was_put_in_the_place_of_the_one_seen_is_not_confirmed() {
        let mut county = County::new();
        let mut register = |by: &crate::decide::Caller, n| {
            let made = account(n);
            let done = county.play(by, at("06-01"), |ask| register_account(ask, &made));
            assert_eq!(done, Ok(vec!["AccountRegistered"]));
            pending(&county)
        };
        let seen = register(&staff("maker", Role::Clerk), 1);
        let standing = register(&of(SCHOOL), 2);
        let mut confirm = |proposal| {
            let checked = ConfirmAccount {
                institution: institution(SCHOOL),
                proposal,
            };
            let checker = staff("checker", Role::Finance);
            county.play(&checker, at("06-01"), |ask| confirm_account(ask, &checked))
        };
        assert_eq!(confirm(seen), Err(vec![Code::ProposalChanged]));
        assert_eq!(confirm(standing), Ok(vec!["AccountConfirmed"]));
    }

    #[test]
    fn a_licence_that_was_withdrawn_opens_no_catalogue_line_any_more() {
        let mut county = County::new();
        let file = |county: &mut County, occupation: &str| {
            let entry = CatalogueEntryId {
                institution: institution(SCHOOL),
                capacity: Capacity::TrainingBody,
                occupation: code(occupation),
                year: year(),
            };
            let act = FileCatalogueEntry {
                entry,
                details: None,
            };
            county.play(&of(SCHOOL), at("06-01"), |ask| {
                file_catalogue_entry(ask, &act)
            })
        };
        let other = "4-10-01-06";
        assert_eq!(file(&mut county, other), Err(vec![Code::NotLicensed]));
        let change = |licence: &str, capacities: &[Capacity]| ChangeInstitution {
            affiliation: None,
            institution: institution(SCHOOL),
            name: "新名称培训学校".to_owned(),
            capacities: capacities.iter().copied().collect(),
            licence: [code(licence)].into(),
            related: [institution(BODY)].into(),
        };
        let clerk = staff("clerk", Role::Clerk);
        let nothing = change(other, &[]);
        let said = county.play(&clerk, at("06-01"), |ask| change_institution(ask, &nothing));
        assert_eq!(said, Err(vec![Code::CapacityMissing]));
        let changed = change(other, &[Capacity::TrainingBody]);
        let said = county.play(&clerk, at("06-01"), |ask| change_institution(ask, &changed));
        assert_eq!(said, Ok(vec!["InstitutionChanged"]));
        assert_eq!(file(&mut county, other), Ok(vec!["CatalogueEntryFiled"]));
        assert_eq!(
            file(&mut county, "6-18-01-07"),
            Err(vec![Code::NotLicensed])
        );
        let school = county.world.institution(&institution(SCHOOL)).unwrap();
        assert!(school.related.contains(&institution(BODY)) && school.name == changed.name);
    }

    #[test]
    fn whose_an_institution_is_stands_as_it_was_registered_or_changed_last() {
        let mut county = County::new();
        let clerk = staff("clerk", Role::Clerk);
        let whose = |county: &County, id: &InstitutionId| {
            county.world.institution(id).unwrap().affiliation.clone()
        };
        let own: Region = code("140725");
        let registered = RegisterInstitution {
            institution: institution(9),
            name: "样例企业".to_owned(),
            capacities: [Capacity::Enterprise].into(),
            licence: BTreeSet::new(),
            related: BTreeSet::new(),
            affiliation: Some(own.clone()),
        };
        let key = Key::Institution(institution(9));
        county.world.bring(key, None);
        let said = county.play(&clerk, at("06-01"), |ask| {
            register_institution(ask, &registered)
        });
        assert_eq!(said, Ok(vec!["InstitutionRegistered"]));
        assert_eq!(whose(&county, &institution(9)), Some(own));
        let changed = ChangeInstitution {
            institution: institution(9),
            name: registered.name,
            capacities: registered.capacities,
            licence: registered.licence,
            related: registered.related,
            affiliation: None,
        };
        let said = county.play(&clerk, at("06-02"), |ask| change_institution(ask, &changed));
        assert_eq!(said, Ok(vec!["InstitutionChanged"]));
        assert_eq!(whose(&county, &institution(9)), None);
    }

    #[test]
    fn an_institution_speaks_for_its_own_account_only() {
        let mut county = County::new();
        let refused = county.play(&of(ENTERPRISE), at("06-01"), |ask| {
            register_account(ask, &account(1))
        });
        assert_eq!(refused, Err(vec![Code::NotYours]));
        let own = county.play(&of(SCHOOL), at("06-01"), |ask| {
            register_account(ask, &account(1))
        });
        assert_eq!(own, Ok(vec!["AccountRegistered"]));
    }
}
