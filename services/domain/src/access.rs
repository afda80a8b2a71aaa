//! Who may make which move, and the grants that say who somebody is.

use crate::command::{Act, AppointDeputy, GrantCaller, RevokeCaller};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
use crate::world::World;

/// The one table of moves and roles. Scope (whose thing it is) and incompatible duties are each move's own rules.
pub(crate) fn roles(act: &Act) -> &'static [Role] {
    use Role::*;
    match act {
        // policy, audit, access
        Act::OpenRegion(_) | Act::AdoptPolicy(_) | Act::AdoptCalendar(_) => &[Operator],
        Act::RecordCheckpoints(_) => &[Operator],
        Act::GrantCaller(_) | Act::RevokeCaller(_) | Act::AppointDeputy(_) => &[Operator],
        // people, registry
        Act::RegisterPerson(_) => &[Clerk, Operator, Institution, Holder],
        Act::RecordCheckAnswers(_) => &[Clerk, Operator],
        // Whoever decides on vouchers does not make their holders disappear.
        Act::EraseSubject(_) => &[Supervisor, Operator],
        Act::RevealPerson(_) => &[Clerk, Reviewer, Supervisor],
        Act::RegisterInstitution(_) | Act::ChangeInstitution(_) => &[Clerk],
        // The city lists; what it decides for a county its operator enters there, as policies are.
        Act::RegisterClassified(_) => &[Operator],
        Act::RegisterAccount(_) => &[Clerk, Institution, Assessor],
        Act::ConfirmAccount(_) => &[Reviewer, Finance],
        Act::FileCatalogueEntry(_) => &[Clerk, Institution, Assessor],
        Act::ApproveCatalogueEntry(_) => &[Reviewer],
        Act::SuspendInstitution(_) | Act::StrikeOffInstitution(_) => &[Supervisor],
        // funds
        Act::AppropriateFunds(_) | Act::AllocateFunds(_) => &[Finance],
        Act::OpenPlanYear(_) | Act::ClosePlanYear(_) => &[Operator, Finance],
        Act::SetTargets(_) => &[Operator],
        // application
        Act::Apply(_) | Act::Withdraw(_) => &[Holder, Institution],
        Act::RejectApplication(_) => &[Clerk],
        Act::ReopenApplication(_) => &[Reviewer],
        Act::ProposeCorrection(_) => &[Clerk],
        Act::ConfirmCorrection(_) | Act::RefuseCorrection(_) => &[Reviewer],
        // issuance, supervision
        Act::Issue(_) | Act::Revoke(_) => &[Reviewer],
        Act::FetchToken(_) => &[Holder, Institution],
        Act::ReissueToken(_) => &[Clerk],
        Act::Expire(_) => &[Clerk, Operator],
        Act::ProposeOverride(_) => &[Clerk, Reviewer],
        Act::ConfirmOverride(_) => &[Reviewer],
        Act::Freeze(_) | Act::Unfreeze(_) => &[Supervisor],
        // training
        Act::FileClass(_) | Act::ChangeClass(_) | Act::FinishClass(_) => &[Institution],
        Act::ApproveClass(_) | Act::RejectClass(_) => &[Reviewer],
        Act::CancelClass(_) => &[Institution, Reviewer],
        Act::Enrol(_)
        | Act::RecordAttendance(_)
        | Act::RequestLateEntry(_)
        | Act::SealAttendance(_)
        | Act::Drop(_)
        | Act::Complete(_) => &[Institution],
        Act::ApproveLateEntry(_) => &[Clerk],
        // Two officers, as at an unannounced inspection.
        Act::ApproveSealedAttendance(_) => &[Clerk, Reviewer, Supervisor],
        Act::RecordEmployment(_) => &[Institution],
        // assessment
        Act::FileSession(_) | Act::FinishSession(_) | Act::RecordAssessment(_) => &[Assessor],
        Act::ApproveSession(_) | Act::RejectSession(_) => &[Reviewer],
        Act::CancelSession(_) => &[Assessor, Reviewer],
        Act::ConfirmCertificate(_) => &[Clerk, Operator],
        // redemption, settlement
        Act::Redeem(_) | Act::SubmitClaim(_) => &[Institution, Assessor],
        Act::StrikeOut(_)
        | Act::ReturnClaim(_)
        | Act::RefuseClaim(_)
        | Act::ReopenClaim(_)
        | Act::ApproveClaim(_) => &[Reviewer],
        Act::RaiseObjection(_) => &[],
        Act::DecideObjection(_) => &[Reviewer],
        Act::SendPayout(_) | Act::RecordPayout(_) | Act::ReturnPayout(_) => &[Finance],
        Act::WriteOff(_) => &[Reviewer],
        Act::ProposeClawBack(_) | Act::ConfirmClawBack(_) => &[Reviewer, Supervisor],
        Act::ReceiveClawBack(_) => &[Finance],
    }
}

/// Whether one of the caller's roles allows the move.
pub(crate) fn allowed(ask: &Ask, act: &Act) -> Result<(), Stop> {
    if roles(act).iter().any(|role| ask.is(*role)) {
        Ok(())
    } else {
        Err(Code::RoleMissing.about(act.name()))
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
