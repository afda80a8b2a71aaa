//! The moves that read more than the thing they name: nullifiers, accounts, registers' answers.

use super::Gather;
use super::facts::catalogue_line;
use crate::command::*;
use crate::ids::*;
use crate::policy::{Policy, Programme, VoucherKind};
use crate::state::*;
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
            self.once(voucher.person, Once::Live { programme, year });
        }
    }

    /// Everything that the voucher holds, for the person under whose identity it is registered rightly.
    pub(super) fn confirm_correction(&mut self, id: VoucherId) {
        self.voucher(id);
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        if let Some(correction) = &voucher.correction {
            self.fact(Key::Person(correction.person));
            for held in &voucher.held {
                if held.once != Once::Certificate {
                    self.once(correction.person, held.once.clone());
                }
            }
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
            VoucherState::Issued => voucher.employer.as_ref(),
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
        let class = match &sheet.occasion {
            Occasion::Class(class) => self.world.class(class).ok(),
            Occasion::Session(_) => None,
        };
        for line in &sheet.lines {
            let Ok(voucher) = self.world.voucher(&line.voucher) else {
                continue;
            };
            let (person, programme, year) = (voucher.person, voucher.programme, voucher.year);
            self.once(person, Once::Live { programme, year });
            if let Some(class) = class {
                let filing = &class.filing;
                for date in filing.dates() {
                    self.once(person, Once::Day { date });
                }
                let trade = Some((filing.occupation.clone(), filing.level));
                self.training_limits(person, programme, year, trade);
            } else {
                let trade = voucher.occupation.clone().zip(voucher.level);
                self.assessment_limits(person, &voucher.category, year, trade);
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
