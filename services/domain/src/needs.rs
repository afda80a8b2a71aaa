//! Which facts a move is known to read, so that a whole batch's facts come in one or two round trips.
//! It may miss one (deciding then stops and asks), but never decides anything.

use crate::command::*;
use crate::ids::*;
use crate::policy::{Programme, VoucherKind};
use crate::state::*;
use crate::world::{Need, Subject, World};

/// The needs of one move, as far as the facts at hand show: more show when the first have come in.
pub(crate) fn of(world: &World, act: &Act) -> Vec<Need> {
    let mut needs = Gather {
        world,
        needs: Vec::new(),
    };
    needs.act(act);
    needs.needs
}

struct Gather<'a> {
    world: &'a World,
    needs: Vec<Need>,
}

impl Gather<'_> {
    fn fact(&mut self, key: Key) {
        self.needs.push(Need::Fact(key));
    }

    fn year(&mut self, year: PlanYear) {
        self.fact(Key::Policy(year));
        self.fact(Key::Year(year));
    }

    fn once(&mut self, person: PersonId, once: Once) {
        self.needs
            .push(Need::Nullifier(Subject::Person(person), once));
    }

    /// A voucher, and what it points at.
    fn voucher(&mut self, id: VoucherId) {
        self.fact(Key::Voucher(id));
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        self.year(voucher.year);
        if let Some(money) = &voucher.money {
            self.fact(Key::Account(money.year, money.source.clone()));
        }
        match &voucher.state {
            VoucherState::Enrolled { class, .. } => self.class(*class),
            VoucherState::Completed { occasion, .. } => self.occasion(*occasion),
            VoucherState::Claimed {
                occasion, sheet, ..
            }
            | VoucherState::Approved {
                occasion, sheet, ..
            }
            | VoucherState::Paid {
                occasion, sheet, ..
            } => {
                self.occasion(*occasion);
                self.fact(Key::Sheet(*sheet));
            }
            VoucherState::WrittenOff { sheet } => self.fact(Key::Sheet(*sheet)),
            VoucherState::Applied | VoucherState::Issued | VoucherState::Ended { .. } => {}
        }
    }

    fn class(&mut self, id: ClassId) {
        self.fact(Key::Class(id));
        self.fact(Key::Attendance(id));
        if let Ok(class) = self.world.class(&id) {
            self.year(class.filing.year);
        }
    }

    fn occasion(&mut self, occasion: Occasion) {
        match occasion {
            Occasion::Class(class) => {
                self.class(class);
                if let Some(sheet) = self
                    .world
                    .class(&class)
                    .ok()
                    .and_then(|class| class.sheets.last())
                {
                    self.fact(Key::Sheet(*sheet));
                }
            }
            Occasion::Session(session) => {
                self.fact(Key::Session(session));
                if let Some(sheet) = self
                    .world
                    .session(&session)
                    .ok()
                    .and_then(|session| session.sheets.last())
                {
                    self.fact(Key::Sheet(*sheet));
                }
            }
        }
    }

    /// A sheet and everything on it.
    fn sheet(&mut self, id: SheetId) {
        self.fact(Key::Sheet(id));
        let Ok(sheet) = self.world.sheet(&id) else {
            return;
        };
        self.year(sheet.year);
        self.fact(Key::Institution(sheet.payee.clone()));
        match sheet.occasion {
            Occasion::Class(class) => {
                self.class(class);
                self.fact(Key::Employment(class));
            }
            Occasion::Session(session) => self.fact(Key::Session(session)),
        }
        for line in &sheet.lines {
            self.fact(Key::Voucher(line.voucher));
            if let Ok(voucher) = self.world.voucher(&line.voucher) {
                if let Some(money) = &voucher.money {
                    self.fact(Key::Account(money.year, money.source.clone()));
                }
                if sheet.programme == Programme::Assessment {
                    self.fact(Key::Person(voucher.person));
                }
            }
        }
    }

    fn filing(&mut self, filing: &ClassFiling) {
        self.year(filing.year);
        self.fact(Key::Calendar(filing.year.number()));
        for institution in [&filing.deliverer, &filing.payee, &filing.sponsor] {
            self.fact(Key::Institution(institution.clone()));
        }
        for resource in filing.trainers.iter().chain(std::iter::once(&filing.site)) {
            self.fact(Key::Booking(resource.clone()));
        }
    }

    fn apply(&mut self, act: &Apply) {
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
                if let Some((occupation, level)) = trade {
                    self.once(act.person, Once::Assessed { occupation, level });
                }
            }
        }
    }

    fn training_limits(
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
    }

    fn enrol(&mut self, act: &Enrol) {
        self.voucher(act.voucher);
        self.class(act.class);
        self.needs.push(Need::Identity(act.identity));
        if let (Ok(voucher), Ok(class)) = (
            self.world.voucher(&act.voucher),
            self.world.class(&act.class),
        ) {
            let filing = &class.filing;
            self.fact(Key::Institution(filing.deliverer.clone()));
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

    fn record_assessment(&mut self, act: &RecordAssessment) {
        self.voucher(act.voucher);
        self.fact(Key::Session(act.session));
        self.needs.push(Need::Identity(act.identity));
        if let Outcome::Pass { number, .. } = &act.outcome {
            self.needs
                .push(Need::Nullifier(Subject::Tag(*number), Once::Certificate));
        }
    }

    fn issue(&mut self, id: VoucherId) {
        self.voucher(id);
        let Ok(voucher) = self.world.voucher(&id) else {
            return;
        };
        self.fact(Key::Person(voucher.person));
        if let Some((occupation, level)) = voucher
            .occupation
            .clone()
            .zip(voucher.level)
            .filter(|_| voucher.programme == Programme::Assessment)
        {
            self.once(voucher.person, Once::Assessed { occupation, level });
        }
        let Ok(policies) = self.world.policies(&voucher.year) else {
            return;
        };
        let rules = policies
            .versions
            .last()
            .and_then(|adopted| adopted.policy.programmes.get(&voucher.programme));
        for source in rules.iter().flat_map(|rules| &rules.sources) {
            self.fact(Key::Account(voucher.year, source.clone()));
        }
    }

    fn close_plan_year(&mut self, act: &ClosePlanYear) {
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

    fn act(&mut self, act: &Act) {
        match act {
            Act::OpenRegion(_) => {}
            Act::AdoptPolicy(act) => self.fact(Key::Policy(act.policy.year)),
            Act::AdoptCalendar(act) => self.fact(Key::Calendar(act.calendar.year)),
            Act::GrantCaller(act) => self.fact(Key::Credential(act.grant.credential.clone())),
            Act::RevokeCaller(RevokeCaller { credential })
            | Act::AppointDeputy(AppointDeputy { credential, .. }) => {
                self.fact(Key::Credential(credential.clone()));
            }
            Act::RegisterPerson(act) => {
                self.fact(Key::Person(act.person));
                self.needs.push(Need::Identity(act.tag));
            }
            Act::RecordCheckAnswers(act) => self.fact(Key::Person(act.person)),
            Act::RegisterInstitution(RegisterInstitution { institution, .. })
            | Act::RegisterAccount(RegisterAccount { institution, .. })
            | Act::ConfirmAccount(ConfirmAccount { institution })
            | Act::SuspendInstitution(SuspendInstitution { institution, .. })
            | Act::StrikeOffInstitution(StrikeOffInstitution { institution, .. }) => {
                self.fact(Key::Institution(institution.clone()))
            }
            Act::FileCatalogueEntry(FileCatalogueEntry { entry })
            | Act::ApproveCatalogueEntry(ApproveCatalogueEntry { entry }) => {
                self.fact(Key::Institution(entry.institution.clone()));
                self.fact(Key::CatalogueEntry(entry.clone()));
                self.fact(Key::Year(entry.year));
            }
            Act::AppropriateFunds(AppropriateFunds { year, source, .. })
            | Act::AllocateFunds(AllocateFunds { year, source, .. }) => {
                self.fact(Key::Account(*year, source.clone()));
                self.year(*year);
            }
            Act::OpenPlanYear(OpenPlanYear { year }) | Act::SetTargets(SetTargets { year, .. }) => {
                self.year(*year)
            }
            Act::ClosePlanYear(act) => self.close_plan_year(act),
            Act::Apply(act) => self.apply(act),
            Act::Issue(act) => self.issue(act.voucher),
            Act::Withdraw(Withdraw { voucher, .. })
            | Act::RejectApplication(RejectApplication { voucher, .. })
            | Act::ReopenApplication(ReopenApplication { voucher })
            | Act::ProposeCorrection(ProposeCorrection { voucher, .. })
            | Act::ConfirmCorrection(ConfirmCorrection { voucher })
            | Act::Revoke(Revoke { voucher, .. })
            | Act::FetchToken(FetchToken { voucher, .. })
            | Act::ReissueToken(ReissueToken { voucher, .. })
            | Act::Expire(Expire { voucher })
            | Act::ProposeOverride(ProposeOverride { voucher, .. })
            | Act::ConfirmOverride(ConfirmOverride { voucher })
            | Act::Freeze(Freeze { voucher, .. })
            | Act::Unfreeze(Unfreeze { voucher, .. })
            | Act::Drop(Drop { voucher, .. })
            | Act::Complete(Complete { voucher })
            | Act::ConfirmCertificate(ConfirmCertificate { voucher, .. })
            | Act::Redeem(Redeem { voucher, .. })
            | Act::WriteOff(WriteOff { voucher })
            | Act::ProposeClawBack(ProposeClawBack { voucher, .. })
            | Act::ConfirmClawBack(ConfirmClawBack { voucher })
            | Act::ReceiveClawBack(ReceiveClawBack { voucher, .. }) => self.voucher(*voucher),
            Act::FileClass(FileClass { class, filing })
            | Act::ChangeClass(ChangeClass { class, filing }) => {
                self.fact(Key::Class(*class));
                self.filing(filing);
            }
            Act::ApproveClass(ApproveClass { class })
            | Act::RejectClass(RejectClass { class, .. })
            | Act::FinishClass(FinishClass { class })
            | Act::CancelClass(CancelClass { class, .. })
            | Act::RecordAttendance(RecordAttendance { class, .. })
            | Act::RequestLateEntry(RequestLateEntry { class, .. })
            | Act::ApproveLateEntry(ApproveLateEntry { class, .. }) => self.class(*class),
            Act::RecordEmployment(RecordEmployment { class, .. }) => {
                self.class(*class);
                self.fact(Key::Employment(*class));
            }
            Act::Enrol(act) => self.enrol(act),
            Act::FileSession(FileSession { session, filing }) => {
                self.fact(Key::Session(*session));
                self.year(filing.year);
                self.fact(Key::Institution(filing.body.clone()));
                self.fact(Key::Institution(filing.payee.clone()));
            }
            Act::ApproveSession(ApproveSession { session })
            | Act::RejectSession(RejectSession { session, .. })
            | Act::FinishSession(FinishSession { session })
            | Act::CancelSession(CancelSession { session, .. }) => {
                self.fact(Key::Session(*session))
            }
            Act::RecordAssessment(act) => self.record_assessment(act),
            Act::SubmitClaim(SubmitClaim { sheet })
            | Act::StrikeOut(StrikeOut { sheet, .. })
            | Act::ReturnClaim(ReturnClaim { sheet, .. })
            | Act::RefuseClaim(RefuseClaim { sheet, .. })
            | Act::ReopenClaim(ReopenClaim { sheet })
            | Act::ApproveClaim(ApproveClaim { sheet })
            | Act::RaiseObjection(RaiseObjection { sheet, .. })
            | Act::DecideObjection(DecideObjection { sheet, .. })
            | Act::SendPayout(SendPayout { sheet, .. })
            | Act::RecordPayout(RecordPayout { sheet, .. })
            | Act::ReturnPayout(ReturnPayout { sheet, .. }) => self.sheet(*sheet),
        }
    }
}
