//! What is in force in a region: its opening, its policies, its calendars. All of it enters the region's own log whole.

use crate::command::{AdoptCalendar, AdoptPolicy, OpenRegion};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::CredentialId;
use crate::policy::Adopted;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

/// Opens a region's log with event 0 and its first operator.
pub(crate) fn open_region(
    world: &World,
    act: &OpenRegion,
    by: &CredentialId,
) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(world.get(&Key::Region)?.is_none(), Code::RegionAlreadyOpen);
    checks.require_of(act.of_deployment, Code::RoleMissing, "OpenRegion");
    checks.require(act.operator.credential == *by, Code::NotYours);
    // Without an operator nobody could ever grant anybody anything.
    checks.require(
        act.operator.roles.contains(&Role::Operator),
        Code::RoleMissing,
    );
    checks.require(
        act.state.parent.as_ref() != Some(world.region()),
        Code::SameRegion,
    );
    checks.done()?;
    let grant = Credential {
        subject: act.operator.subject.clone(),
        person: act.operator.person.clone(),
        roles: act.operator.roles.clone(),
        institution: None,
        holder: None,
        expires: act.operator.expires,
        revoked: None,
        deputies: Vec::new(),
    };
    Ok(vec![
        Event::RegionOpened(act.state.clone()),
        Event::CallerGranted(event::CallerGranted {
            credential: by.clone(),
            grant,
        }),
    ])
}

pub(crate) fn apply_region_opened(world: &mut World, e: &RegionState) -> Result<(), Stop> {
    world.add(Key::Region, Fact::Region(e.clone()));
    Ok(())
}

/// Adopts a policy from an instant on, never backwards: what was decided stays decided.
pub(crate) fn adopt_policy(ask: &Ask, act: &AdoptPolicy) -> Result<Vec<Event>, Stop> {
    let last = match ask.world.get(&Key::Policy(act.policy.year))? {
        Some(Fact::Policy(policies)) => policies.versions.last(),
        _ => None,
    };
    let effective = act.effective.max(ask.at);
    let mut checks = Checks::new();
    for contradiction in act.policy.contradictions() {
        checks.require_of(false, Code::BadPolicy, contradiction);
    }
    checks.require_of(
        last.is_none_or(|last| last.effective <= effective),
        Code::BadDates,
        "effective",
    );
    checks.done()?;
    let version = last.map_or(1, |last| last.version + 1);
    Ok(vec![Event::PolicyAdopted(Adopted {
        version,
        effective,
        policy: act.policy.clone(),
    })])
}

/// Only what still decides is kept: the log has every version that ever did, and a region's row stays small.
pub(crate) fn apply_policy_adopted(
    world: &mut World,
    e: &Adopted,
    at: Instant,
) -> Result<(), Stop> {
    let key = Key::Policy(e.policy.year);
    if world.get(&key)?.is_none() {
        world.add(
            key,
            Fact::Policy(Policies {
                versions: vec![e.clone()],
            }),
        );
        return Ok(());
    }
    let versions = &mut world.edit_policies(&e.policy.year)?.versions;
    // A version that another one supersedes at the same instant never decides anything.
    versions.retain(|before| before.effective < e.effective);
    versions.push(e.clone());
    let in_force = versions.iter().rposition(|version| version.effective <= at);
    versions.drain(..in_force.unwrap_or(0));
    Ok(())
}

/// Adopts a working-day calendar; a later one of the same year replaces it.
pub(crate) fn adopt_calendar(ask: &Ask, act: &AdoptCalendar) -> Result<Vec<Event>, Stop> {
    let of_year = |day: &crate::time::Date| i32::from(day.year()) == i32::from(act.calendar.year);
    ask.world.get(&Key::Calendar(act.calendar.year))?;
    let mut checks = Checks::new();
    checks.require(
        act.calendar
            .holidays
            .iter()
            .chain(&act.calendar.working_weekends)
            .all(of_year),
        Code::BadDates,
    );
    checks.require(
        act.calendar
            .holidays
            .is_disjoint(&act.calendar.working_weekends),
        Code::BadDates,
    );
    checks.done()?;
    Ok(vec![Event::CalendarAdopted(act.calendar.clone())])
}

pub(crate) fn apply_calendar_adopted(
    world: &mut World,
    e: &crate::calendar::Calendar,
) -> Result<(), Stop> {
    world.add(Key::Calendar(e.year), Fact::Calendar(e.clone()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::*;

    fn adopt(
        county: &mut County,
        now: &str,
        effective: &str,
    ) -> Result<Vec<&'static str>, Vec<Code>> {
        let act = AdoptPolicy {
            policy: policy(),
            effective: at(effective),
        };
        county.play(&staff("operator", Role::Operator), at(now), |ask| {
            adopt_policy(ask, &act)
        })
    }

    fn kept(county: &County) -> Vec<u32> {
        let policies = county.world.policies(&year()).unwrap();
        policies
            .versions
            .iter()
            .map(|adopted| adopted.version)
            .collect()
    }

    #[test]
    fn the_version_in_force_and_those_to_come_are_kept_and_no_others() {
        let mut county = County::new();
        adopt(&mut county, "06-01", "07-01").unwrap();
        adopt(&mut county, "06-02", "08-01").unwrap();
        assert_eq!(kept(&county), [1, 2, 3]);
        assert_eq!(county.world.policy(year(), at("06-30 23")).unwrap().0, 1);
        assert_eq!(county.world.policy(year(), at("07-01")).unwrap().0, 2);
        adopt(&mut county, "07-15", "09-01").unwrap();
        assert_eq!(kept(&county), [2, 3, 4]);
        adopt(&mut county, "09-02", "09-02").unwrap();
        assert_eq!(kept(&county), [5]);
    }

    #[test]
    fn a_version_never_takes_effect_before_one_that_was_adopted_earlier() {
        let mut county = County::new();
        adopt(&mut county, "06-01", "08-01").unwrap();
        assert_eq!(
            adopt(&mut county, "06-02", "07-01"),
            Err(vec![Code::BadDates])
        );
    }
}
