//! Who is eligible, and what they may have once only. Register answers prove a category; nullifiers hold across regions.

use std::collections::BTreeMap;

use crate::command::CheckAnswer;
use crate::decide::Ask;
use crate::ids::*;
use crate::policy::{CategoryRules, Policy, Programme, ProgrammeRules, VoucherKind};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::{Date, Instant};

/// The month in which a school year begins.
const SCHOOL_YEAR_BEGINS: i8 = 9;

/// The register answer that is asked for at issue and once more before an approval: whether the person can claim the
/// unemployment-insurance skill subsidy ("不再享受取证补贴", 2023 notice, part 4).
const INSURANCE: &str = "skill_subsidy_right";

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
    let required = required(policy, rules, programme);
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
                    employer: answered.employer.clone(),
                });
            }
        }
    }
    checks.done()?;
    Ok(relied_on)
}

/// The checks that are asked for, and the answers to each that let a person in.
pub(crate) fn required(
    policy: &Policy,
    category: &CategoryRules,
    programme: Programme,
) -> BTreeMap<Check, Vec<Answer>> {
    let mut required = policy.everyone.clone();
    required.extend(category.requires.clone());
    if let Some(rules) = policy.programmes.get(&programme) {
        required.extend(rules.requires.clone());
    }
    required
}

/// The insurance register was asked again since the claim was submitted, and its answer lets the person in. Nothing else is asked
/// again: who was eligible at issue may have found work or turned sixty since, and keeps what they earned.
pub(crate) fn insurance_asked_again(
    ask: &Ask,
    policy: &Policy,
    voucher: &Voucher,
    submitted: Instant,
) -> Result<(), Stop> {
    let required = required(
        policy,
        category(policy, &voucher.category)?,
        voucher.programme,
    );
    let given = &ask.world.person(&voucher.person)?.answers;
    let mut checks = Checks::new();
    for (check, allowed) in required
        .iter()
        .filter(|(check, _)| check.as_str() == INSURANCE)
    {
        match given
            .get(check)
            .filter(|given| given.at >= submitted && given.valid_until >= ask.at.date())
        {
            None => checks.require(false, Code::InsuranceMissing),
            Some(given) => {
                checks.require_of(allowed.contains(&given.answer), Code::NotEligible, check)
            }
        }
    }
    checks.done()
}

/// Where papers come after the event ("承诺制"), the roster is matched then: social insurance or a contract in force says that the
/// person works where the voucher says. A register that names no enterprise is believed; one that names another is not.
pub(crate) fn matched_with_employer(
    ask: &Ask,
    rules: &ProgrammeRules,
    voucher: &Voucher,
) -> Result<(), Stop> {
    if !rules.by_undertaking {
        return Ok(());
    }
    let answers = &ask.world.person(&voucher.person)?.answers;
    let matches = |(check, allowed): (&Check, &Vec<Answer>)| {
        answers.get(check).is_some_and(|given| {
            given.valid_until >= ask.at.date()
                && allowed.contains(&given.answer)
                && (given.employer.is_none() || given.employer == voucher.employer)
        })
    };
    if rules.roster_matched_by.iter().any(matches) {
        Ok(())
    } else {
        Err(Code::RosterUnmatched.into())
    }
}

/// One live voucher per person, programme and plan year: taken by Apply and any Reopen.
pub(crate) fn taken_at_apply(
    ask: &Ask,
    person: PersonId,
    programme: Programme,
    year: PlanYear,
) -> Result<Vec<Held>, Stop> {
    crate::people::not_erased(ask, &person)?;
    Ok(vec![ask.claim(
        person,
        Once::Live { programme, year },
        Code::LiveVoucherExists,
        None,
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
            checks.take(assessment_limits(ask, person, year, category, trade))?;
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
    let person = voucher.person;
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

/// Everything that a voucher holds, or held until its claim was refused, taken for a person: for a reopening, or for somebody else
/// under a corrected identity. The days stand in it that were taught in classes left before, because its amount may count them.
pub(crate) fn retaken(
    ask: &Ask,
    id: VoucherId,
    voucher: &Voucher,
    person: PersonId,
) -> Result<Vec<Held>, Stop> {
    crate::people::not_erased(ask, &person)?;
    let mut checks = Checks::new();
    let mut held = Vec::new();
    for once in once_held(voucher) {
        let code = match once {
            Once::Live { .. } => Code::LiveVoucherExists,
            Once::Day { .. } => Code::DayTaken,
            Once::Trained { .. } => Code::TrainedBefore,
            Once::Assessed { .. } => Code::AssessedBefore,
            // Another training may have taken the slot meanwhile: any other one will do.
            Once::Yearly { year, .. } => {
                held.extend(checks.take(yearly_slot(ask, person, *year, Some(id)))?);
                continue;
            }
            Once::GeneralPaid { .. } => Code::GeneralPaid,
            Once::Apprenticeship { .. } => Code::ApprenticeshipTaken,
            Once::Graduation { .. } => Code::GraduationAssessed,
            // A number is the certificate's, not a person's: it stays on record through all this.
            Once::Certificate => continue,
        };
        held.extend(checks.take(ask.claim(person, once.clone(), code, Some(id)))?);
    }
    checks.done()?;
    Ok(held)
}

/// The rules under which a voucher holds something, or held it until its claim was refused.
pub(crate) fn once_held(voucher: &Voucher) -> impl Iterator<Item = &Once> {
    let given_back = match &voucher.state {
        VoucherState::Ended { claim, .. } => claim.as_ref().map(|claim| &claim.freed),
        VoucherState::Applied
        | VoucherState::Issued
        | VoucherState::Enrolled { .. }
        | VoucherState::Completed { .. }
        | VoucherState::Claimed { .. }
        | VoucherState::Approved { .. }
        | VoucherState::Paid { .. }
        | VoucherState::WrittenOff { .. } => None,
    };
    let held = voucher.held.iter().map(|held| &held.once);
    held.chain(given_back.into_iter().flatten())
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

/// The year in which the school year of that day ends: students graduate in summer, and a school year is entered in September
/// ("按照学生进入毕业学年确定", 2023 notice, part 4, item 2). In the region's own time zone, as every day is.
pub(crate) fn graduation_year(day: Date) -> u16 {
    let ends = if day.month() < SCHOOL_YEAR_BEGINS {
        day.year()
    } else {
        day.year() + 1
    };
    u16::try_from(ends).unwrap_or(0)
}

fn assessment_limits(
    ask: &Ask,
    person: PersonId,
    year: PlanYear,
    of: &Category,
    trade: Option<(&Occupation, SkillLevel)>,
) -> Result<Vec<Held>, Stop> {
    let (_, policy) = ask.world.policy(year, ask.at)?;
    let mut checks = Checks::new();
    let mut held = Vec::new();
    if let Some((occupation, level)) = trade {
        let once = Once::Assessed {
            occupation: occupation.clone(),
            level,
        };
        held.extend(checks.take(ask.claim(person, once, Code::AssessedBefore, None))?);
    }
    if category(policy, of)?.graduating {
        let year = graduation_year(ask.at.date());
        held.extend(checks.take(ask.claim(
            person,
            Once::Graduation { year },
            Code::GraduationAssessed,
            None,
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

    #[test]
    fn a_school_year_is_entered_in_september() {
        let day = |text: &str| -> Date { text.parse().unwrap() };
        assert_eq!(graduation_year(day("2023-01-01")), 2023);
        assert_eq!(graduation_year(day("2023-08-31")), 2023);
        assert_eq!(graduation_year(day("2023-09-01")), 2024);
        // In the region's own time zone: eight hours before midnight in London the new school year has begun.
        let begun = Instant::start_of(day("2023-09-01"));
        assert_eq!(begun.to_string(), "2023-08-31T16:00:00.000Z");
        assert_eq!(graduation_year(begun.date()), 2024);
    }

    fn answer(county: &mut County, check: &str, answer: &str, until: &str) {
        let person = county.world.edit_person(&person_id(1)).unwrap();
        let answered = Answered {
            answer: code(answer),
            valid_until: date(until),
            employer: None,
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
