//! People as the rules know them: an id, and what registers answered. Who they are is the vault's.

use crate::command::{RecordCheckAnswers, RegisterPerson};
use crate::decide::Ask;
use crate::event::{self, Event};
use crate::refusal::{Checks, Code, Stop};
use crate::state::*;
use crate::time::Instant;
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
