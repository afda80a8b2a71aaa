//! People as the rules know them: an id, and what registers answered. Who they are is the vault's.

use std::collections::BTreeSet;

use crate::access::Rpc;
use crate::command::{EraseSubject, RecordCheckAnswers, RegisterPerson, RevealPerson};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::ids::{CredentialId, PersonId};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::{Date, Instant, plus_days};
use crate::world::World;

/// The most answers of one move.
const MOST_ANSWERS: usize = 50;

/// Registers a person whose identity is not on record in this region.
pub(crate) fn register_person(ask: &Ask, act: &RegisterPerson) -> Result<Vec<Event>, Stop> {
    let mut checks = Checks::new();
    // Whose key is one person's own is registered; the portal registers whom it has authenticated.
    checks.require(ask.caller.holder.is_none(), Code::NotYours);
    checks.require(ask.world.identity(&act.tag)?.is_none(), Code::PersonExists);
    checks.require(
        ask.world.get(&Key::Person(act.person))?.is_none(),
        Code::PersonExists,
    );
    checks.done()?;
    Ok(vec![Event::PersonRegistered(event::PersonRegistered {
        person: act.person,
    })])
}

pub(crate) fn apply_person_registered(
    world: &mut World,
    e: &event::PersonRegistered,
) -> Result<(), Stop> {
    world.add(Key::Person(e.person), Fact::Person(Person::default()));
    Ok(())
}

/// Records registers' answers; the latest to each check counts.
pub(crate) fn record_check_answers(
    ask: &Ask,
    act: &RecordCheckAnswers,
) -> Result<Vec<Event>, Stop> {
    let person = ask.world.person(&act.person)?;
    let mut checks = Checks::new();
    checks.require(!person.erased, Code::PersonErased);
    checks.require(
        (1..=MOST_ANSWERS).contains(&act.answers.len()),
        Code::TooMany,
    );
    for (i, answer) in act.answers.iter().enumerate() {
        checks.require_of(
            act.answers[..i]
                .iter()
                .all(|other| other.check != answer.check),
            Code::DuplicateEntry,
            &answer.check,
        );
    }
    checks.done()?;
    Ok(vec![Event::CheckAnswersRecorded(
        event::CheckAnswersRecorded {
            person: act.person,
            by: ask.caller.person.clone(),
            answers: act.answers.clone(),
        },
    )])
}

pub(crate) fn apply_check_answers_recorded(
    world: &mut World,
    e: &event::CheckAnswersRecorded,
    at: Instant,
) -> Result<(), Stop> {
    let person = world.edit_person(&e.person)?;
    for given in &e.answers {
        let answered = Answered {
            answer: given.answer.clone(),
            valid_until: given.valid_until,
            employer: given.employer.clone(),
            at,
            by: e.by.clone(),
            reference: given.reference.clone(),
        };
        person.answers.insert(given.check.clone(), answered);
    }
    Ok(())
}

/// Erases a person of whom nothing is open and no archive is to be kept. Nullifiers stay, so nobody is paid twice under a new name.
pub(crate) fn erase_subject(ask: &Ask, act: &EraseSubject) -> Result<Vec<Event>, Stop> {
    let person = ask.world.person(&act.person)?;
    let mut checks = Checks::new();
    checks.require(!person.erased, Code::PersonErased);
    let own = person.certificates.iter().map(|own| own.certificate);
    let mut certificates: BTreeSet<_> = own.collect();
    for id in &person.vouchers {
        let voucher = ask.world.voucher(id)?;
        if voucher.person != act.person {
            // Corrected: it is somebody else's, and was paid to them.
            continue;
        }
        checks.require_of(is_over(ask, voucher)?, Code::PersonHasOpenVoucher, id);
        if let Some(until) = archived_until(ask, voucher)? {
            checks.require_of(ask.at >= until, Code::ArchiveKept, id);
        }
        certificates.extend(voucher.pass.as_ref().map(|pass| pass.certificate));
    }
    checks.done()?;
    Ok(vec![Event::SubjectErased(event::SubjectErased {
        person: act.person,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
        certificates,
    })])
}

/// What is taken for a person is taken by their identity, which an erased person has not got any more.
pub(crate) fn not_erased(ask: &Ask, person: &PersonId) -> Result<(), Stop> {
    match ask.world.person(person)?.erased {
        true => Err(Code::PersonErased.into()),
        false => Ok(()),
    }
}

pub(crate) fn apply_subject_erased(
    world: &mut World,
    e: &event::SubjectErased,
) -> Result<(), Stop> {
    let person = world.edit_person(&e.person)?;
    person.answers.clear();
    person.erased = true;
    Ok(())
}

/// Whether nothing can come of a voucher any more: it has ended, past the days in which it may be reopened, and no money of it is owed.
fn is_over(ask: &Ask, voucher: &Voucher) -> Result<bool, Stop> {
    let settled = voucher
        .claw_back
        .as_ref()
        .is_none_or(|back| back.confirmed_by.is_some() && back.received >= back.amount);
    let mut over = !voucher.state.is_live();
    if let VoucherState::Ended {
        how: End::Rejected | End::Refused,
        at,
        ..
    } = &voucher.state
    {
        let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
        over = ask.at >= Instant::after(plus_days(at.date(), policy.claims.reopen_days));
    }
    Ok(over && settled)
}

/// Until when the archive of what was paid on a voucher is kept; `None` where nothing was. 会计档案管理办法, article 14: the time counts
/// from the first day after the accounting year's end, here that of the year in which the plan year's payouts close.
fn archived_until(ask: &Ask, voucher: &Voucher) -> Result<Option<Instant>, Stop> {
    let (VoucherState::WrittenOff { .. }
    | VoucherState::Ended {
        how: End::ClawedBack,
        ..
    }) = &voucher.state
    else {
        return Ok(None);
    };
    let (_, policy) = ask.world.policy(voucher.year, ask.at)?;
    let last = last_day(policy.dates.closes, policy.claims.archive_years);
    Ok(Some(Instant::after(last)))
}

/// The last day of the calendar year so many years after that of a day.
fn last_day(of: Date, years: u16) -> Date {
    let year = of.year().saturating_add_unsigned(years);
    Date::new(year, 12, 31).unwrap_or(Date::MAX)
}

/// Has it on record that a person's record is shown unmasked, and why; the record itself is the vault's.
pub(crate) fn reveal_person(ask: &Ask, act: &RevealPerson) -> Result<Vec<Event>, Stop> {
    let person = ask.world.person(&act.person)?;
    let mut checks = Checks::new();
    checks.require(!person.erased, Code::PersonErased);
    checks.done()?;
    Ok(vec![Event::PersonRevealed(event::PersonRevealed {
        person: act.person,
        by: ask.caller.person.clone(),
        reason: act.reason.clone(),
    })])
}

/// Whose record an event had on record that it is shown, if whoever asked may still see it: a request that is repeated after its caller
/// was revoked, or after the person was erased, shows nothing.
///
/// # Errors
/// CALLER_REVOKED, CALLER_UNKNOWN, ROLE_MISSING, NOT_YOURS; PERSON_ERASED.
pub fn revealed(
    world: &World,
    credential: &CredentialId,
    event: &event::PersonRevealed,
    at: Instant,
) -> Result<PersonId, Stop> {
    let (caller, _) = crate::access::admitted(world, Rpc::RevealPerson, credential, at)?;
    let ask = Ask { world, caller, at };
    let again = RevealPerson {
        person: event.person,
        reason: event.reason.clone(),
    };
    reveal_person(&ask, &again)?;
    match ask.caller.person == event.by {
        true => Ok(event.person),
        false => Err(Code::NotYours.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;
    use crate::money::Fen;
    use crate::policy::Programme;
    use crate::sample::*;

    type Played = Result<Vec<&'static str>, Vec<Code>>;

    fn erase(county: &mut County, when: Instant) -> Played {
        let act = EraseSubject {
            person: person_id(1),
            reason: code("PERSON_ASKED"),
        };
        let supervisor = staff("supervisor", Role::Supervisor);
        county.play(&supervisor, when, |ask| erase_subject(ask, &act))
    }

    fn years_later(years: i16, day: &str) -> Instant {
        let day = date(day);
        Instant::start_of(Date::new(day.year() + years, day.month(), day.day()).unwrap())
    }

    #[test]
    fn nobody_is_erased_while_a_voucher_of_theirs_is_open() {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::General);
        let open = Err(vec![Code::PersonHasOpenVoucher]);
        assert_eq!(erase(&mut county, at("06-01")), open);
        let ended = |how| VoucherState::Ended {
            how,
            at: at("06-01"),
            by: None,
            claim: None,
        };
        // It may be reopened for thirty days.
        county.edit(voucher, |voucher| voucher.state = ended(End::Rejected));
        assert_eq!(erase(&mut county, at("06-30 23")), open);
        county.edit(voucher, |voucher| voucher.state = ended(End::Withdrawn));
        assert_eq!(erase(&mut county, at("06-02")), Ok(vec!["SubjectErased"]));
        let person = county.world.person(&person_id(1)).unwrap();
        assert!(person.erased && person.answers.is_empty());
        assert_eq!(
            erase(&mut county, at("06-03")),
            Err(vec![Code::PersonErased])
        );
    }

    #[test]
    fn the_archive_of_a_paid_subsidy_is_kept_for_ten_years_from_the_end_of_the_accounting_year() {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::General);
        county.edit(voucher, |voucher| {
            voucher.state = VoucherState::WrittenOff {
                sheet: code("00000000-0000-0000-0000-000000000001"),
            };
        });
        // Payouts of 2023 close in March 2024.
        let kept = Err(vec![Code::ArchiveKept]);
        assert_eq!(erase(&mut county, at("12-31")), kept);
        assert_eq!(erase(&mut county, years_later(11, "12-31")), kept);
        let over = years_later(12, "01-01");
        assert_eq!(erase(&mut county, over), Ok(vec!["SubjectErased"]));
    }

    #[test]
    fn money_that_is_claimed_back_holds_an_erasure_up_until_all_of_it_is_there() {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::General);
        let claw_back = |received| ClawBack {
            amount: Fen::yuan(2),
            reason: code("FRAUD"),
            decision: Digest([1; 32]),
            hearing: Digest([2; 32]),
            due: date("12-31"),
            sheet: code("00000000-0000-0000-0000-000000000001"),
            payee: institution(SCHOOL),
            proposed_by: code("reviewer"),
            confirmed_by: Some(code("supervisor")),
            received,
            finding: None,
        };
        let mut with = |received| {
            county.edit(voucher, |voucher| {
                voucher.state = VoucherState::Ended {
                    how: End::ClawedBack,
                    at: at("06-01"),
                    by: None,
                    claim: None,
                };
                voucher.claw_back = Some(Box::new(claw_back(received)));
            });
            erase(&mut county, years_later(20, "01-01"))
        };
        let open = Err(vec![Code::PersonHasOpenVoucher]);
        assert_eq!(with(Fen::yuan(1)), open);
        assert_eq!(with(Fen::yuan(2)), Ok(vec!["SubjectErased"]));
    }

    #[test]
    fn certificates_numbers_go_with_the_person_and_a_voucher_that_was_never_theirs_is_no_matter() {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::Assessment);
        county.edit(voucher, |voucher| {
            voucher.state = VoucherState::Ended {
                how: End::Revoked,
                at: at("06-01"),
                by: None,
                claim: None,
            };
            voucher.pass = Some(Pass {
                level: level(2),
                body: institution(BODY),
                session: session_id(1),
                on: date("06-01"),
                certificate: Digest([9; 32]),
                confirmed: None,
            });
        });
        // Somebody else's by now, under a corrected identity.
        let corrected = county.issued(2, 1, Programme::General);
        county.edit(corrected, |voucher| voucher.person = person_id(2));
        let act = EraseSubject {
            person: person_id(1),
            reason: code("PERSON_ASKED"),
        };
        let ask = Ask {
            world: &county.world,
            caller: staff("supervisor", Role::Supervisor),
            at: at("06-02"),
        };
        let events = erase_subject(&ask, &act).unwrap();
        let [Event::SubjectErased(erased)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(erased.certificates, BTreeSet::from([Digest([9; 32])]));
    }

    #[test]
    fn a_record_is_shown_for_a_reason_and_never_of_who_was_erased() {
        let mut county = County::new();
        let act = RevealPerson {
            person: person_id(1),
            reason: code("IDENTITY_CHECK"),
        };
        let clerk = staff("clerk", Role::Clerk);
        let reveal =
            |county: &mut County| county.play(&clerk, at("06-02"), |ask| reveal_person(ask, &act));
        assert_eq!(reveal(&mut county), Ok(vec!["PersonRevealed"]));
        erase(&mut county, at("06-02")).unwrap();
        assert_eq!(reveal(&mut county), Err(vec![Code::PersonErased]));
    }
}
