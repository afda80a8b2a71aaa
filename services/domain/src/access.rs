//! Who may call what (the table), and the grants that say who somebody is.

use crate::command::{AppointDeputy, GrantCaller, RevokeCaller};
use crate::decide::{Ask, Caller, caller};
use crate::event::{self, Event};
use crate::ids::CredentialId;
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

mod table;

pub use table::{Door, ROLES, Rpc, Scope};

/// The caller, and how far they reach with an RPC: the widest scope of the roles that they have now.
///
/// # Errors
/// `CALLER_UNKNOWN`, `CALLER_REVOKED`, or `ROLE_MISSING` where none of their roles may call it.
pub fn admitted(
    world: &World,
    rpc: Rpc,
    credential: &CredentialId,
    at: Instant,
) -> Result<(Caller, Scope), Stop> {
    world.state_of_region()?;
    let caller = caller(world, credential, at)?;
    let scopes = caller.roles.iter().filter_map(|role| rpc.scope(*role));
    match scopes.max() {
        Some(scope) => Ok((caller, scope)),
        None => Err(Code::RoleMissing.about(rpc.name())),
    }
}

/// Roles of those who act for an institution.
fn is_outside(role: Role) -> bool {
    matches!(role, Role::Institution | Role::Assessor)
}

/// Grants a caller. Who acts for an institution is granted with it; a bureau's roles are granted without one.
pub(crate) fn grant_caller(ask: &Ask, act: &GrantCaller) -> Result<Vec<Event>, Stop> {
    let grant = &act.grant;
    let mut checks = Checks::new();
    checks.require(
        ask.world
            .get(&Key::Credential(grant.credential.clone()))?
            .is_none(),
        Code::CredentialExists,
    );
    checks.require(
        grant.subject.is_plain() && grant.person.is_plain(),
        Code::NotYours,
    );
    checks.require(!grant.roles.is_empty(), Code::RoleMissing);
    let outside = grant.roles.iter().filter(|role| is_outside(**role)).count();
    checks.require(
        outside == 0 || outside == grant.roles.len(),
        Code::RolesMixed,
    );
    checks.require(
        (outside > 0) == grant.institution.is_some(),
        Code::CapacityMissing,
    );
    checks.require(
        grant.expires.is_none_or(|expires| expires > ask.at),
        Code::BadDates,
    );
    if let Some(institution) = &grant.institution {
        checks.take(ask.world.institution(institution))?;
    }
    if let Some(holder) = &grant.holder {
        checks.take(ask.world.person(holder))?;
        checks.require(grant.roles.contains(&Role::Holder), Code::RoleMissing);
        checks.require(grant.roles.len() == 1, Code::RolesMixed);
    }
    checks.done()?;
    // Two institutions may choose the same code for two people.
    let institution = grant.institution.as_ref();
    let credential = Credential {
        subject: grant.subject.of(institution),
        person: grant.person.of(institution),
        roles: grant.roles.clone(),
        institution: grant.institution.clone(),
        holder: grant.holder,
        expires: grant.expires,
        revoked: None,
        deputies: Vec::new(),
    };
    Ok(vec![Event::CallerGranted(event::CallerGranted {
        credential: grant.credential.clone(),
        grant: credential,
    })])
}

pub(crate) fn apply_caller_granted(
    world: &mut World,
    e: &event::CallerGranted,
) -> Result<(), Stop> {
    world.add(
        Key::Credential(e.credential.clone()),
        Fact::Credential(e.grant.clone()),
    );
    Ok(())
}

/// Revokes a caller from this instant on.
pub(crate) fn revoke_caller(ask: &Ask, act: &RevokeCaller) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    checks.require(
        ask.world.credential(&act.credential)?.revoked.is_none(),
        Code::CallerRevoked,
    );
    checks.done()?;
    Ok(vec![Event::CallerRevoked(event::CallerRevoked {
        credential: act.credential.clone(),
    })])
}

pub(crate) fn apply_caller_revoked(
    world: &mut World,
    e: &event::CallerRevoked,
    at: Instant,
) -> Result<(), Stop> {
    world.edit_credential(&e.credential)?.revoked = Some(at);
    Ok(())
}

/// Lends a bureau's caller a role for a time (代理).
pub(crate) fn appoint_deputy(ask: &Ask, act: &AppointDeputy) -> Result<Vec<Event>, Stop> {
    let credential = ask.world.credential(&act.credential)?;
    let mut checks = Checks::new();
    checks.require(credential.revoked.is_none(), Code::CallerRevoked);
    // Neither an institution's nor a citizen's credential, nor the portal that speaks for citizens, becomes the bureau's for a time.
    let of_the_bureau =
        credential.institution.is_none() && !credential.roles.contains(&Role::Holder);
    checks.require(
        of_the_bureau && !is_outside(act.deputy.role),
        Code::RolesMixed,
    );
    checks.require(
        act.deputy.from < act.deputy.until && act.deputy.until > ask.at,
        Code::BadDates,
    );
    checks.done()?;
    let (credential, deputy) = (act.credential.clone(), act.deputy.clone());
    Ok(vec![Event::DeputyAppointed(event::DeputyAppointed {
        credential,
        deputy,
    })])
}

pub(crate) fn apply_deputy_appointed(
    world: &mut World,
    e: &event::DeputyAppointed,
) -> Result<(), Stop> {
    world
        .edit_credential(&e.credential)?
        .deputies
        .push(e.deputy.clone());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Grant;
    use crate::ids::CredentialId;
    use crate::sample::*;

    fn grant(roles: &[Role], of: Option<u8>) -> GrantCaller {
        let grant = Grant {
            credential: code(&"k".repeat(43)),
            subject: code("desk"),
            person: code("zhang"),
            roles: roles.iter().copied().collect(),
            institution: of.map(institution),
            holder: None,
            expires: None,
        };
        GrantCaller { grant }
    }

    fn granted(roles: &[Role], of: Option<u8>) -> Result<Vec<&'static str>, Vec<Code>> {
        let act = grant(roles, of);
        let operator = staff("operator", Role::Operator);
        County::new().play(&operator, at("06-01"), |ask| grant_caller(ask, &act))
    }

    #[test]
    fn who_acts_for_an_institution_is_granted_with_it_and_has_no_role_of_the_bureaus() {
        assert!(granted(&[Role::Clerk, Role::Finance], None).is_ok());
        assert!(granted(&[Role::Institution, Role::Assessor], Some(SCHOOL)).is_ok());
        assert_eq!(
            granted(&[Role::Institution], None),
            Err(vec![Code::CapacityMissing])
        );
        assert_eq!(
            granted(&[Role::Clerk], Some(SCHOOL)),
            Err(vec![Code::CapacityMissing])
        );
        let mixed = granted(&[Role::Institution, Role::Reviewer], Some(SCHOOL));
        assert_eq!(mixed, Err(vec![Code::RolesMixed]));
        assert_eq!(granted(&[], None), Err(vec![Code::RoleMissing]));
        assert_eq!(
            granted(&[Role::Assessor], Some(9)),
            Err(vec![Code::InstitutionNotFound])
        );
    }

    #[test]
    fn two_institutions_may_call_somebody_by_the_same_code_and_nobody_is_granted_anothers() {
        let operator = staff("operator", Role::Operator);
        let mut county = County::new();
        let person = |county: &County, credential: &CredentialId| {
            county.world.credential(credential).unwrap().person.clone()
        };
        let mut desks = Vec::new();
        for (number, of) in [SCHOOL, ENTERPRISE].into_iter().enumerate() {
            let mut act = grant(&[Role::Institution], Some(of));
            act.grant.credential = code(&format!("{number}").repeat(43));
            county
                .play(&operator, at("06-01"), |ask| grant_caller(ask, &act))
                .unwrap();
            desks.push(person(&county, &act.grant.credential));
        }
        assert_ne!(desks[0], desks[1]);
        let mut act = grant(&[Role::Clerk], None);
        act.grant.person = desks[0].clone();
        let said = county.play(&operator, at("06-01"), |ask| grant_caller(ask, &act));
        assert_eq!(said, Err(vec![Code::NotYours]));
    }

    #[test]
    fn a_role_is_lent_for_a_time_and_never_an_institutions() {
        let mut county = County::new();
        let operator = staff("operator", Role::Operator);
        let clerk = grant(&[Role::Clerk], None);
        county
            .play(&operator, at("06-01"), |ask| grant_caller(ask, &clerk))
            .unwrap();
        let mut lend = |role: Role, from: &str, until: &str| {
            let act = AppointDeputy {
                credential: clerk.grant.credential.clone(),
                deputy: Deputy {
                    role,
                    from: at(from),
                    until: at(until),
                },
            };
            county.play(&operator, at("06-10"), |ask| appoint_deputy(ask, &act))
        };
        assert!(lend(Role::Reviewer, "06-10", "06-20").is_ok());
        assert_eq!(
            lend(Role::Reviewer, "06-01", "06-10"),
            Err(vec![Code::BadDates])
        );
        assert_eq!(
            lend(Role::Reviewer, "06-20", "06-20"),
            Err(vec![Code::BadDates])
        );
        assert_eq!(
            lend(Role::Institution, "06-10", "06-20"),
            Err(vec![Code::RolesMixed])
        );
    }

    #[test]
    fn a_lent_role_reads_while_it_is_lent_and_a_grant_that_is_over_never() {
        let mut county = County::new();
        let state = RegionState {
            parent: None,
            name: "样例县".to_owned(),
            name_en: "Sample".to_owned(),
            deployment: "test".to_owned(),
            simulated: true,
            recorded: Default::default(),
            next_place: Default::default(),
        };
        let region = Some(Fact::Region(state));
        county.world.bring(Key::Region, region);
        let operator = staff("operator", Role::Operator);
        let clerk = grant(&[Role::Clerk], None);
        let credential = clerk.grant.credential.clone();
        let lent = AppointDeputy {
            credential: credential.clone(),
            deputy: Deputy {
                role: Role::Supervisor,
                from: at("06-10"),
                until: at("06-20"),
            },
        };
        let revoke = RevokeCaller {
            credential: credential.clone(),
        };
        county
            .play(&operator, at("06-01"), |ask| grant_caller(ask, &clerk))
            .unwrap();
        county
            .play(&operator, at("06-01"), |ask| appoint_deputy(ask, &lent))
            .unwrap();
        let reach = |county: &County, day: &str| {
            let admitted = admitted(&county.world, Rpc::ListCallers, &credential, at(day));
            admitted.map(|(_, scope)| scope)
        };
        let no_role = || Err(Code::RoleMissing.about("ListCallers"));
        assert_eq!(reach(&county, "06-09"), no_role());
        assert_eq!(reach(&county, "06-10"), Ok(Scope::Region));
        assert_eq!(reach(&county, "06-20"), no_role());
        county
            .play(&operator, at("06-15"), |ask| revoke_caller(ask, &revoke))
            .unwrap();
        assert_eq!(reach(&county, "06-15"), Err(Code::CallerRevoked.into()));
    }

    #[test]
    fn a_citizen_is_nobody_of_the_bureaus_not_even_for_a_time() {
        let mut county = County::new();
        let operator = staff("operator", Role::Operator);
        let mut citizen = grant(&[Role::Holder, Role::Reviewer], None);
        citizen.grant.holder = Some(person_id(1));
        let mixed = county.play(&operator, at("06-01"), |ask| grant_caller(ask, &citizen));
        assert_eq!(mixed, Err(vec![Code::RolesMixed]));
        citizen.grant.roles = [Role::Holder].into();
        county
            .play(&operator, at("06-01"), |ask| grant_caller(ask, &citizen))
            .unwrap();
        let lent = AppointDeputy {
            credential: citizen.grant.credential.clone(),
            deputy: Deputy {
                role: Role::Reviewer,
                from: at("06-10"),
                until: at("06-20"),
            },
        };
        let said = county.play(&operator, at("06-10"), |ask| appoint_deputy(ask, &lent));
        assert_eq!(said, Err(vec![Code::RolesMixed]));
    }
}
