//! What registers say of people later, whose confirmation stands behind whom, and who stands behind an account.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Now, Policies, Seen, Short};
use crate::command::{CheckAnswer, ConfirmedBy};
use crate::eligibility;
use crate::event::{self, Event};
use crate::ids::*;
use crate::policy::{FraudRule, Programme};
use crate::state::{About, LogPlace};

/// The check by which a register says that somebody died, where it does not say `yes`.
const ALIVE: &str = "alive";

/// A voucher that is neither written off nor over.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Carried {
    person: PersonId,
    year: PlanYear,
    programme: Programme,
    category: Category,
    /// Where it was issued; before that a wrong answer just refuses it.
    issued: Option<LogPlace>,
    /// What was earned by then stays earned, whatever a person becomes later.
    completed: bool,
}

/// Who stands behind the confirmations of one plan year's vouchers that are no paper, with where: nearly always one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Confirmed {
    first: HashMap<Short, (PersonId, LogPlace)>,
    others: HashMap<Short, BTreeMap<PersonId, LogPlace>>,
}

impl Confirmed {
    /// Where each of those behind it first stood.
    fn stand_behind(
        &mut self,
        evidence: Short,
        person: PersonId,
        place: LogPlace,
    ) -> Vec<LogPlace> {
        let first = *self.first.entry(evidence).or_insert((person, place));
        if first.0 != person {
            let others = self.others.entry(evidence).or_default();
            others.entry(person).or_insert(place);
        }
        let others = self.others.get(&evidence).into_iter().flatten();
        let places = others.map(|(_, place)| *place);
        std::iter::once(first.1).chain(places).collect()
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct People {
    vouchers: HashMap<VoucherId, Carried>,
    of: BTreeSet<(PersonId, VoucherId)>,
    confirmed: BTreeMap<PlanYear, Confirmed>,
    accounts: HashMap<Tag, BTreeMap<InstitutionId, LogPlace>>,
}

impl People {
    pub(super) fn see(&mut self, policies: &Policies, now: Now, event: &Event, seen: &mut Seen) {
        self.follow(now, event);
        if let Event::CheckAnswersRecorded(e) = event {
            self.answered(policies, now, e, seen);
        }
        if let Event::ApplicationConfirmed(e) = event
            && e.how != ConfirmedBy::Paper
        {
            self.confirm(policies, now, e.voucher, e.evidence, seen);
        }
        if let Event::Redeemed(e) = event
            && e.confirmation.by != ConfirmedBy::Paper
        {
            self.confirm(policies, now, e.voucher, e.confirmation.evidence, seen);
        }
        if let Event::AccountRegistered(e) = event {
            self.account(policies, now, e, seen);
        }
    }

    /// Follows a voucher's life, as far as the rules ask.
    fn follow(&mut self, now: Now, event: &Event) {
        if let Event::Applied(e) = event {
            let carried = Carried {
                person: e.person,
                year: e.year,
                programme: e.programme,
                category: e.category.clone(),
                issued: None,
                completed: false,
            };
            self.vouchers.insert(e.voucher, carried);
            self.of.insert((e.person, e.voucher));
        }
        if let Event::Issued(e) = event
            && let Some(voucher) = self.vouchers.get_mut(&e.voucher)
        {
            voucher.issued = Some(now.place);
        }
        if let Event::Completed(e) = event
            && let Some(voucher) = self.vouchers.get_mut(&e.voucher)
        {
            voucher.completed = true;
        }
        if let Event::CorrectionConfirmed(e) = event
            && let Some(voucher) = self.vouchers.get_mut(&e.voucher)
        {
            let before = std::mem::replace(&mut voucher.person, e.person);
            self.of.remove(&(before, e.voucher));
            self.of.insert((e.person, e.voucher));
        }
        if let Event::Withdrawn(e) | Event::Revoked(e) | Event::Expired(e) = event {
            self.over(e.voucher);
        }
        if let Event::WrittenOff(e) = event {
            self.over(e.voucher);
        }
    }

    fn over(&mut self, id: VoucherId) {
        if let Some(voucher) = self.vouchers.remove(&id) {
            self.of.remove(&(voucher.person, id));
        }
    }

    /// Whose a voucher is that is not over.
    pub(super) fn holder(&self, id: VoucherId) -> Option<PersonId> {
        self.vouchers.get(&id).map(|voucher| voucher.person)
    }

    /// What belongs to a plan year before that one is over for good.
    pub(super) fn forget_before(&mut self, year: PlanYear) {
        self.vouchers.retain(|_, voucher| voucher.year >= year);
        let vouchers = &self.vouchers;
        self.of.retain(|(_, id)| vouchers.contains_key(id));
        self.confirmed.retain(|of, _| *of >= year);
    }

    /// A later answer that would have kept the person out of the voucher's programme.
    fn answered(
        &self,
        policies: &Policies,
        now: Now,
        e: &event::CheckAnswersRecorded,
        seen: &mut Seen,
    ) {
        let theirs = (e.person, VoucherId(Uuid::nil()))..=(e.person, VoucherId(Uuid::max()));
        for (_, id) in self.of.range(theirs) {
            let Some((voucher, issued)) = self.vouchers.get(id).and_then(|v| Some((v, v.issued?)))
            else {
                continue;
            };
            let wrong = |answer: &&CheckAnswer| contradicts(policies, now, voucher, answer);
            for answer in e.answers.iter().filter(wrong) {
                let died = answer.check.as_str() == ALIVE;
                let rule = match died {
                    true => FraudRule::Deceased,
                    false => FraudRule::CategoryChanged,
                };
                if died || !voucher.completed {
                    seen.add(rule, voucher.year, About::Voucher(*id), vec![issued]);
                }
            }
        }
    }

    fn confirm(
        &mut self,
        policies: &Policies,
        now: Now,
        id: VoucherId,
        evidence: Digest,
        seen: &mut Seen,
    ) {
        let Some(voucher) = self.vouchers.get(&id) else {
            return;
        };
        let evidence = Short::of(&evidence);
        // It stands in the year in which it came first.
        let mut years = self.confirmed.iter();
        let known = years.find(|(_, confirmed)| confirmed.first.contains_key(&evidence));
        let year = known.map_or(voucher.year, |(year, _)| *year);
        let confirmed = self.confirmed.entry(year).or_default();
        let places = confirmed.stand_behind(evidence, voucher.person, now.place);
        let rules = policies.rules(voucher.year, now.at);
        let most = rules.map_or(usize::MAX, |r| r.limits.confirmation_people.into());
        if places.len() > most {
            let rule = FraudRule::SharedConfirmation;
            seen.add(rule, voucher.year, About::Voucher(id), places);
        }
    }

    fn account(
        &mut self,
        policies: &Policies,
        now: Now,
        e: &event::AccountRegistered,
        seen: &mut Seen,
    ) {
        let behind = self.accounts.entry(e.tag).or_default();
        behind.entry(e.institution.clone()).or_insert(now.place);
        let rules = policies.rules_now(now.at);
        let most = rules.map_or(usize::MAX, |r| r.limits.account_institutions.into());
        if behind.len() > most {
            let places = behind.values().copied().collect();
            let about = About::Institution(e.institution.clone());
            seen.add_now(FraudRule::SharedAccount, about, places);
        }
    }
}

/// Whether an answer is none of those that let somebody into the voucher's programme as what they applied.
fn contradicts(policies: &Policies, now: Now, voucher: &Carried, answer: &CheckAnswer) -> bool {
    let Some(policy) = policies.of(voucher.year, now.at) else {
        return false;
    };
    let Ok(category) = eligibility::category(policy, &voucher.category) else {
        return false;
    };
    let required = eligibility::required(policy, category, voucher.programme);
    required
        .get(&answer.check)
        .is_some_and(|allowed| !allowed.contains(&answer.answer))
}
