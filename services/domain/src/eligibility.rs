//! Who is eligible, and what they may have once only. Register answers prove a category; nullifiers hold across regions.

use crate::command::CheckAnswer;
use crate::decide::Ask;
use crate::ids::*;
use crate::policy::{CategoryRules, Policy, Programme, VoucherKind};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;

/// A category's rules, if the policy knows it.
pub(crate) fn category<'p>(
    policy: &'p Policy,
    category: &Category,
) -> Result<&'p CategoryRules, Stop> {
    policy
        .categories
        .get(category)
        .ok_or_else(|| Code::CategoryUnknown.about(category))
}

/// The register answers on which a person is eligible: everybody's, with the category's and then the programme's own in addition
/// or instead.
pub(crate) fn answers(
    ask: &Ask,
    policy: &Policy,
    programme: Programme,
    of: &Category,
    person: &PersonId,
) -> Result<Vec<CheckAnswer>, Stop> {
    let rules = category(policy, of)?;
    let person = ask.world.person(person)?;
    let today = ask.at.date();
    let mut checks = Checks::new();
    checks.require(!person.erased, Code::PersonErased);
    checks.require_of(
        rules.programmes.contains(&programme),
        Code::CategoryNotEligible,
        format!("{of} for {}", programme.as_str()),
    );
    let mut required = policy.everyone.clone();
    required.extend(rules.requires.clone());
    if let Some(rules) = policy.programmes.get(&programme) {
        required.extend(rules.requires.clone());
    }
    let mut relied_on = Vec::with_capacity(required.len());
    for (check, allowed) in required {
        match person
            .answers
            .get(&check)
            .filter(|answered| answered.valid_until >= today)
        {
            None => checks.require_of(false, Code::CheckMissing, &check),
            Some(answered) => {
                checks.require_of(
                    allowed.contains(&answered.answer),
                    Code::NotEligible,
                    &check,
                );
                relied_on.push(CheckAnswer {
                    check,
                    answer: answered.answer.clone(),
                    valid_until: answered.valid_until,
                    reference: answered.reference.clone(),
                });
            }
        }
    }
    checks.done()?;
    Ok(relied_on)
}

/// One live voucher per person, programme and plan year: taken by Apply and any Reopen.
pub(crate) fn taken_at_apply(
    ask: &Ask,
    person: PersonId,
    programme: Programme,
    year: PlanYear,
    mine: Option<VoucherId>,
) -> Result<Vec<Held>, Stop> {
    Ok(vec![ask.claim(
        person,
        Once::Live { programme, year },
        Code::LiveVoucherExists,
        mine,
    )?])
}

/// The other once-only rules, checked early so that nobody waits for a voucher that cannot be used.
pub(crate) fn checked_at_apply(
    ask: &Ask,
    person: PersonId,
    programme: Programme,
    year: PlanYear,
    category: &Category,
    trade: Option<(&Occupation, SkillLevel)>,
) -> Result<(), Stop> {
    let mut checks = Checks::new();
    match programme.kind() {
        VoucherKind::Training => {
            checks.take(training_limits(ask, person, programme, year, trade, None))?;
        }
        VoucherKind::Assessment => {
            checks.take(assessment_limits(ask, person, year, category, trade, None))?;
        }
    }
    checks.done()
}

/// Taken when an assessment voucher is issued: the occupation and level, and a student's one free assessment.
pub(crate) fn taken_at_issue(ask: &Ask, voucher: &Voucher) -> Result<Vec<Held>, Stop> {
    match voucher.programme.kind() {
        VoucherKind::Training => Ok(Vec::new()),
        VoucherKind::Assessment => assessment_limits(
            ask,
            voucher.person,
            voucher.year,
            &voucher.category,
            voucher.occupation.as_ref().zip(voucher.level),
            None,
        ),
    }
}

/// Taken when somebody is enrolled: each filed day, the occupation and level, a slot of the year.
pub(crate) fn taken_at_enrol(
    ask: &Ask,
    id: VoucherId,
    voucher: &Voucher,
    filing: &ClassFiling,
) -> Result<Vec<Held>, Stop> {
    class_limits(ask, voucher.person, id, voucher, filing)
}

/// Everything that a voucher holds in its state, or would hold again: for a reopening, or for another person.
pub(crate) fn retaken(
    ask: &Ask,
    id: VoucherId,
    voucher: &Voucher,
    person: PersonId,
) -> Result<Vec<Held>, Stop> {
    let mut checks = Checks::new();
    let mut held = checks
        .take(taken_at_apply(
            ask,
            person,
            voucher.programme,
            voucher.year,
            Some(id),
        ))?
        .unwrap_or_default();
    let class = match &voucher.state {
        VoucherState::Applied => None,
        VoucherState::Issued => None,
        VoucherState::Enrolled { class, .. } => Some(Occasion::Class(*class)),
        VoucherState::Completed { occasion, .. }
        | VoucherState::Claimed { occasion, .. }
        | VoucherState::Approved { occasion, .. }
        | VoucherState::Paid { occasion, .. } => Some(*occasion),
        VoucherState::Ended { claim, .. } => claim.map(|claim| claim.occasion),
        VoucherState::WrittenOff { .. } => None,
    };
    let class_days = match class {
        Some(Occasion::Class(class)) => ask.world.class(&class)?.filing.dates(),
        Some(Occasion::Session(_)) | None => Vec::new(),
    };
    // Days taught in a class that it has left since.
    for kept in &voucher.held {
        if let Once::Day { date } = kept.once
            && !class_days.contains(&date)
        {
            let day = ask.claim(person, kept.once.clone(), Code::DayTaken, Some(id));
            held.extend(checks.take(day)?);
        }
    }
    if let Some(Occasion::Class(class)) = class {
        let filing = &ask.world.class(&class)?.filing;
        held.extend(
            checks
                .take(class_limits(ask, person, id, voucher, filing))?
                .unwrap_or_default(),
        );
    }
    if voucher.programme.kind() == VoucherKind::Assessment && voucher.hands.issued.is_some() {
        let trade = voucher.occupation.as_ref().zip(voucher.level);
        held.extend(
            checks
                .take(assessment_limits(
                    ask,
                    person,
                    voucher.year,
                    &voucher.category,
                    trade,
                    Some(id),
                ))?
                .unwrap_or_default(),
        );
    }
    checks.done()?;
    Ok(held)
}

fn class_limits(
    ask: &Ask,
    person: PersonId,
    id: VoucherId,
    voucher: &Voucher,
    filing: &ClassFiling,
) -> Result<Vec<Held>, Stop> {
    let mut checks = Checks::new();
    let mut held = Vec::new();
    for date in filing.dates() {
        // Not even a day of its own, taught in a class that it left: one class a day.
        match ask.claim(person, Once::Day { date }, Code::DayTaken, None) {
            Ok(day) => held.push(day),
            Err(Stop::Refused(_)) => checks.require_of(false, Code::DayTaken, date),
            Err(missing) => return Err(missing),
        }
    }
    let trade = Some((&filing.occupation, filing.level));
    held.extend(
        checks
            .take(training_limits(
                ask,
                person,
                voucher.programme,
                voucher.year,
                trade,
                Some(id),
            ))?
            .unwrap_or_default(),
    );
    checks.done()?;
    Ok(held)
}

fn training_limits(
    ask: &Ask,
    person: PersonId,
    programme: Programme,
    year: PlanYear,
    trade: Option<(&Occupation, SkillLevel)>,
    mine: Option<VoucherId>,
) -> Result<Vec<Held>, Stop> {
    let mut checks = Checks::new();
    let mut held = Vec::new();
    if let Some((occupation, level)) = trade {
        let once = Once::Trained {
            occupation: occupation.clone(),
            level,
        };
        held.extend(checks.take(ask.claim(person, once, Code::TrainedBefore, mine))?);
    }
    held.extend(checks.take(yearly_slot(ask, person, year, mine))?);
    if programme == Programme::General {
        held.extend(checks.take(ask.claim(
            person,
            Once::GeneralPaid { year },
            Code::GeneralPaid,
            mine,
        ))?);
    }
    if programme == Programme::Apprenticeship {
        held.extend(checks.take(ask.claim(
            person,
            Once::Apprenticeship { year },
            Code::ApprenticeshipTaken,
            mine,
        ))?);
    }
    checks.done()?;
    Ok(held)
}

/// The first free one of a person's subsidised trainings of the year.
fn yearly_slot(
    ask: &Ask,
    person: PersonId,
    year: PlanYear,
    mine: Option<VoucherId>,
) -> Result<Held, Stop> {
    let (_, policy) = ask.world.policy(year, ask.at)?;
    for slot in 1..=policy.limits.trainings_per_year {
        match ask.claim(person, Once::Yearly { year, slot }, Code::YearlyLimit, mine) {
            Err(Stop::Refused(_)) => {}
            free_or_missing => return free_or_missing,
        }
    }
    Err(Code::YearlyLimit.into())
}

fn assessment_limits(
    ask: &Ask,
    person: PersonId,
    year: PlanYear,
    of: &Category,
    trade: Option<(&Occupation, SkillLevel)>,
    mine: Option<VoucherId>,
) -> Result<Vec<Held>, Stop> {
    let (_, policy) = ask.world.policy(year, ask.at)?;
    let mut checks = Checks::new();
    let mut held = Vec::new();
    if let Some((occupation, level)) = trade {
        let once = Once::Assessed {
            occupation: occupation.clone(),
            level,
        };
        held.extend(checks.take(ask.claim(person, once, Code::AssessedBefore, mine))?);
    }
    if category(policy, of)?.graduating {
        held.extend(checks.take(ask.claim(
            person,
            Once::Graduation { year },
            Code::GraduationAssessed,
            mine,
        ))?);
    }
    checks.done()?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::*;

    fn asked(county: &County, programme: Programme, category: &str) -> Result<usize, Stop> {
        let caller = staff("reviewer", Role::Reviewer);
        let ask = Ask {
            world: &county.world,
            caller,
            at: at("06-01 9"),
        };
        let found = answers(&ask, &policy(), programme, &code(category), &person_id(1))?;
        Ok(found.len())
    }

    fn answer(county: &mut County, check: &str, answer: &str, until: &str) {
        let person = county.world.edit_person(&person_id(1)).unwrap();
        let answered = Answered {
            answer: code(answer),
            valid_until: date(until),
            at: at("05-01"),
            by: code("clerk"),
            reference: None,
        };
        person.answers.insert(code(check), answered);
    }

    #[test]
    fn the_answers_relied_on_are_everybodys_the_categorys_and_the_programmes() {
        let mut county = County::new();
        let everyone = policy().everyone.len();
        assert_eq!(
            asked(&county, Programme::General, "other_worker"),
            Ok(everyone)
        );
        assert_eq!(
            asked(&county, Programme::Assessment, "other_worker"),
            Ok(everyone + 1)
        );
        answer(&mut county, "poverty", "lifted", "12-31");
        assert_eq!(
            asked(&county, Programme::General, "lifted_from_poverty"),
            Ok(everyone + 1)
        );
    }

    #[test]
    fn an_answer_counts_on_its_last_day_and_is_missing_on_the_next() {
        let mut county = County::new();
        answer(&mut county, "age", "working", "06-01");
        assert!(asked(&county, Programme::General, "other_worker").is_ok());
        answer(&mut county, "age", "working", "05-31");
        let missing = Err(Code::CheckMissing.about("age"));
        assert_eq!(asked(&county, Programme::General, "other_worker"), missing);
    }

    #[test]
    fn a_graduating_student_is_refused_as_anybody_but_a_graduating_student() {
        let mut county = County::new();
        answer(&mut county, "student", "graduating", "12-31");
        assert!(asked(&county, Programme::General, "graduating_student").is_ok());
        let refused = Err(Code::NotEligible.about("student"));
        assert_eq!(asked(&county, Programme::General, "other_worker"), refused);
    }

    #[test]
    fn whoever_can_claim_the_insurance_subsidy_is_trained_but_not_assessed_at_public_cost() {
        let mut county = County::new();
        answer(&mut county, "skill_subsidy_right", "yes", "12-31");
        assert!(asked(&county, Programme::General, "other_worker").is_ok());
        let refused = Err(Code::NotEligible.about("skill_subsidy_right"));
        assert_eq!(
            asked(&county, Programme::Assessment, "other_worker"),
            refused
        );
    }

    #[test]
    fn a_category_opens_its_own_programmes_only() {
        let county = County::new();
        let refused = asked(&county, Programme::EnterpriseStaff, "other_worker");
        assert!(matches!(refused, Err(Stop::Refused(r)) if r.has(Code::CategoryNotEligible)));
        let unknown = asked(&county, Programme::General, "astronaut");
        assert_eq!(unknown, Err(Code::CategoryUnknown.about("astronaut")));
    }
}
