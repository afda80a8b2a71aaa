//! The moves that read more than the thing they name: nullifiers, accounts, registers' answers.

use super::Gather;
use super::facts::catalogue_line;
use crate::command::*;
use crate::eligibility;
use crate::ids::*;
use crate::policy::{Policy, Programme, VoucherKind};
use crate::state::*;
use crate::voucher;
use crate::world::{Need, Subject};

impl Gather<'_> {
    pub(super) fn apply(&mut self, act: &Apply) {
        self.year(act.year);
        self.fact(Key::Voucher(act.voucher));
        self.fact(Key::Person(act.person));
        if let Some(employer) = &act.employer {
            self.fact(Key::Institution(employer.clone()));
        }
        self.once(
            act.person,
            Once::Live {
                programme: act.programme,
                year: act.year,
            },
        );
        let trade = act.occupation.clone().zip(act.level);
        match act.programme.kind() {
            VoucherKind::Training => {
                self.training_limits(act.person, act.programme, act.year, trade)
            }
            VoucherKind::Assessment => {
                self.assessment_limits(act.person, &act.category, act.year, trade)
            }
        }
    }

    pub(super) fn training_limits(
        &mut self,
        person: PersonId,
        programme: Programme,
        year: PlanYear,
        trade: Option<(Occupation, SkillLevel)>,
    ) {
        if let Some((occupation, level)) = trade {
            self.once(person, Once::Trained { occupation, level });
        }
        self.once(person, Once::Yearly { year, slot: 1 });
        if programme == Programme::General {
            self.once(person, Once::GeneralPaid { year });
        }
        if programme == Programme::Apprenticeship {
            self.once(person, Once::Apprenticeship { year });
        }
    }

    pub(super) fn assessment_limits(
        &mut self,
        person: PersonId,
        category: &Category,
        year: PlanYear,
        trade: Option<(Occupation, SkillLevel)>,
    ) {
        if let Some((occupation, level)) = trade {
            self.once(person, Once::Assessed { occupation, level });
        }
        let graduating = |policy: &Policy| {
            let rules = policy.categories.get(category);
            rules.is_some_and(|rules| rules.graduating)
        };
        if self.latest_policy(year).is_some_and(graduating) {
            // The school year that the plan year ends in; a guess that misses only in its last months.
            let year = year.number();
            self.once(person, Once::Graduation { year });
        }
    }

    pub(super) fn issue(&mut self, id: VoucherId) {
        self.voucher(id);
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        self.fact(Key::Person(voucher.person));
        if voucher.programme == Programme::Assessment {
            let trade = voucher.occupation.clone().zip(voucher.level);
            self.assessment_limits(voucher.person, &voucher.category, voucher.year, trade);
        }
        self.sources(voucher.year, voucher.programme);
    }

    /// Back to life: the live voucher's nullifier is taken again.
    pub(super) fn reopen(&mut self, id: VoucherId) {
        self.voucher(id);
        if let Ok(voucher) = self.world.voucher(&id) {
            let (programme, year) = (voucher.programme, voucher.year);
            self.fact(Key::Person(voucher.person));
            self.once(voucher.person, Once::Live { programme, year });
        }
    }

    /// A person, all of their vouchers, and the policies that say when those are over.
    pub(super) fn erase(&mut self, id: PersonId) {
        self.fact(Key::Person(id));
        let Ok(person) = self.world.person(&id) else {
            return;
        };
        for voucher in &person.vouchers {
            self.fact(Key::Voucher(*voucher));
            if let Ok(voucher) = self.world.voucher(voucher) {
                self.fact(Key::Policy(voucher.year));
            }
        }
    }

    /// Everything that the voucher holds, for the person under whose identity it is registered rightly.
    pub(super) fn confirm_correction(&mut self, id: VoucherId) {
        self.voucher(id);
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        if let Some(correction) = &voucher.correction {
            self.retaken(voucher, correction.person);
        }
    }

    /// What the voucher holds, or gave back when its claim was refused, for a person.
    fn retaken(&mut self, voucher: &Voucher, person: PersonId) {
        self.fact(Key::Person(person));
        let held = eligibility::once_held(voucher).filter(|once| **once != Once::Certificate);
        for once in held {
            self.once(person, once.clone());
        }
    }

    pub(super) fn enrol(&mut self, act: &Enrol) {
        self.voucher(act.voucher);
        self.class(act.class);
        self.needs.push(Need::Identity(act.identity));
        if let (Ok(voucher), Ok(class)) = (
            self.world.voucher(&act.voucher),
            self.world.class(&act.class),
        ) {
            let filing = &class.filing;
            self.fact(Key::Institution(filing.deliverer.clone()));
            self.fact(catalogue_line(filing));
            for date in filing.dates() {
                self.once(voucher.person, Once::Day { date });
            }
            self.training_limits(
                voucher.person,
                voucher.programme,
                voucher.year,
                Some((filing.occupation.clone(), filing.level)),
            );
        }
    }

    pub(super) fn record_assessment(&mut self, act: &RecordAssessment) {
        self.voucher(act.voucher);
        self.fact(Key::Session(act.session));
        self.needs.push(Need::Identity(act.identity));
        if let Outcome::Pass { number, .. } = &act.outcome {
            self.needs
                .push(Need::Nullifier(Subject::Tag(*number), Once::Certificate));
        }
        let (Ok(voucher), Ok(session)) = (
            self.world.voucher(&act.voucher),
            self.world.session(&act.session),
        ) else {
            return;
        };
        let filing = &session.filing;
        // Whose own body comes first: the deliverer's, or the employer's on an assessment voucher.
        let own = match &voucher.state {
            VoucherState::Enrolled { class, .. }
            | VoucherState::Completed {
                occasion: Occasion::Class(class),
                ..
            } => {
                let (occupation, level) = (filing.occupation.clone(), filing.level);
                self.once(voucher.person, Once::Assessed { occupation, level });
                let class = self.world.class(class).ok();
                class.map(|class| &class.filing.deliverer)
            }
            VoucherState::Issued => {
                let trained = self.trained_here(voucher.person, filing);
                let taught = trained.map(|class| &class.deliverer);
                voucher.employer.as_ref().or(taught)
            }
            VoucherState::Completed {
                occasion: Occasion::Session(_),
                ..
            }
            | VoucherState::Applied
            | VoucherState::Claimed { .. }
            | VoucherState::Approved { .. }
            | VoucherState::Paid { .. }
            | VoucherState::WrittenOff { .. }
            | VoucherState::Ended { .. } => None,
        };
        if let Some(own) = own {
            self.fact(Key::Institution(own.clone()));
        }
        if voucher.programme == Programme::General {
            self.fact(Key::Institution(filing.body.clone()));
        }
    }

    /// By undertaking, the person's answers match the roster with its employer.
    pub(super) fn redeem(&mut self, act: &Redeem) {
        self.voucher(act.voucher);
        self.fact(Key::Sheet(act.new_sheet));
        let Ok(voucher) = self.world.voucher(&act.voucher) else {
            return;
        };
        let rules = self
            .latest_policy(voucher.year)
            .and_then(|policy| policy.programmes.get(&voucher.programme));
        if rules.is_some_and(|rules| rules.by_undertaking) {
            self.fact(Key::Person(voucher.person));
        }
    }

    /// An approval also reads the calendars over which the public notice runs, and the registers' answers on assessments.
    pub(super) fn approve_claim(&mut self, id: SheetId) {
        self.sheet(id);
        if let Ok(sheet) = self.world.sheet(&id) {
            self.fact(Key::Calendar(sheet.year.number()));
            self.fact(Key::Calendar(sheet.year.next().number()));
        }
    }

    /// A refused sheet that is opened again takes its vouchers' nullifiers and money once more.
    pub(super) fn reopen_claim(&mut self, id: SheetId) {
        self.sheet(id);
        let Ok(sheet) = self.world.sheet(&id) else {
            return;
        };
        self.sources(sheet.year, sheet.programme);
        for line in &sheet.lines {
            if let Ok(voucher) = self.world.voucher(&line.voucher) {
                self.retaken(voucher, voucher.person);
            }
        }
    }

    /// A claw-back is the payee's debt.
    pub(super) fn claw_back(&mut self, id: VoucherId) {
        self.voucher(id);
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        match &voucher.claw_back {
            Some(claw_back) => self.fact(Key::Institution(claw_back.payee.clone())),
            None => {
                if let VoucherState::Paid { sheet, .. } | VoucherState::WrittenOff { sheet } =
                    voucher.state
                {
                    self.sheet_alone(sheet);
                }
            }
        }
    }

    /// What was asked for shows the account and the year.
    pub(super) fn decide_top_up(&mut self, id: TopUpId) {
        self.fact(Key::TopUp(id));
        if let Ok(asked) = self.world.top_up(&id) {
            self.fact(Key::Account(asked.year, asked.source.clone()));
            self.year(asked.year);
        }
    }

    pub(super) fn close_plan_year(&mut self, act: &ClosePlanYear) {
        self.year(act.year);
        match &act.step {
            ClosingStep::Begin => self.fact(Key::Year(act.year.next())),
            ClosingStep::Vouchers(ids) => ids.iter().for_each(|id| self.voucher(*id)),
            ClosingStep::Sheet(sheet) => self.sheet(*sheet),
            ClosingStep::Finish { carried } => {
                self.fact(Key::Year(act.year.next()));
                carried.iter().for_each(|sheet| self.sheet(*sheet));
            }
        }
    }
}

impl<'a> Gather<'a> {
    /// The class in which the person was trained for what the session assesses: the nullifier shows the voucher, the voucher the class,
    /// one round each.
    fn trained_here(
        &mut self,
        person: PersonId,
        filing: &SessionFiling,
    ) -> Option<&'a ClassFiling> {
        let once = Once::Trained {
            occupation: filing.occupation.clone(),
            level: filing.level,
        };
        self.once(person, once.clone());
        let world = self.world;
        let (_, holder) = world.nullifier(&Subject::Person(person), &once).ok()?;
        let holder = holder.filter(|holder| holder.region == *world.region())?;
        self.voucher(holder.voucher);
        let occasion = voucher::occasion(world, world.voucher(&holder.voucher).ok()?).ok()??;
        self.occasion(occasion);
        let Occasion::Class(class) = occasion else {
            return None;
        };
        let trained = &world.class(&class).ok()?.filing;
        if trained.programme == Programme::General {
            self.fact(Key::Institution(filing.body.clone()));
            self.fact(Key::Institution(trained.deliverer.clone()));
        }
        Some(trained)
    }
}
