//! Which facts a move is known to read, so that a whole batch's facts come in one or two round trips.
//! It may miss one (deciding then stops and asks), but never decides anything.

mod facts;
mod moves;
mod records;

use crate::command::*;
use crate::state::*;
use crate::supervision::{flag_id, key};
use crate::world::{Need, World};

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
    fn act(&mut self, act: &Act) {
        match act {
            // The region itself is read by every move.
            Act::OpenRegion(_) | Act::RecordCheckpoints(_) => {}
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
            Act::RecordCheckAnswers(RecordCheckAnswers { person, .. })
            | Act::RevealPerson(RevealPerson { person, .. }) => self.fact(Key::Person(*person)),
            Act::EraseSubject(act) => self.erase(act.person),
            Act::ImportRoster(act) => self.import_roster(act),
            Act::ImportCertificates(act) => self.import_certificates(act),
            Act::ExportPayouts(act) => self.export_payouts(act),
            Act::RegisterInstitution(RegisterInstitution { institution, .. })
            | Act::ChangeInstitution(ChangeInstitution { institution, .. })
            | Act::RegisterClassified(RegisterClassified { institution, .. })
            | Act::RegisterAccount(RegisterAccount { institution, .. })
            | Act::ConfirmAccount(ConfirmAccount { institution, .. })
            | Act::SuspendInstitution(SuspendInstitution { institution, .. })
            | Act::StrikeOffInstitution(StrikeOffInstitution { institution, .. }) => {
                self.fact(Key::Institution(institution.clone()))
            }
            Act::FileCatalogueEntry(FileCatalogueEntry { entry, .. })
            | Act::ChangeCatalogueEntry(ChangeCatalogueEntry { entry, .. })
            | Act::ApproveCatalogueEntry(ApproveCatalogueEntry { entry, .. })
            | Act::RefuseCatalogueEntry(RefuseCatalogueEntry { entry, .. })
            | Act::SuspendCatalogueEntry(SuspendCatalogueEntry { entry, .. })
            | Act::StrikeOffCatalogueEntry(StrikeOffCatalogueEntry { entry, .. }) => {
                self.fact(Key::Institution(entry.institution.clone()));
                self.fact(Key::CatalogueEntry(entry.clone()));
                self.fact(Key::Year(entry.year));
            }
            Act::AppropriateFunds(AppropriateFunds { year, source, .. })
            | Act::AllocateFunds(AllocateFunds { year, source, .. }) => {
                self.fact(Key::Account(*year, source.clone()));
                self.year(*year);
            }
            Act::RequestTopUp(act) => {
                self.fact(Key::TopUp(act.top_up));
                self.year(act.year);
            }
            // In the region that decides as in the one that asked, each as far as it has them.
            Act::DecideTopUp(act) => self.decide_top_up(act.top_up),
            Act::OpenPlanYear(OpenPlanYear { year }) | Act::SetTargets(SetTargets { year, .. }) => {
                self.year(*year)
            }
            Act::ClosePlanYear(act) => self.close_plan_year(act),
            Act::Apply(act) => self.apply(act),
            Act::Issue(act) => self.issue(act.voucher),
            Act::ReopenApplication(act) => self.reopen(act.voucher),
            Act::ProposeCorrection(act) => {
                self.voucher(act.voucher);
                self.fact(Key::Person(act.person));
            }
            Act::ConfirmCorrection(act) => self.confirm_correction(act.voucher),
            Act::Redeem(act) => self.redeem(act),
            Act::Withdraw(Withdraw { voucher, .. })
            | Act::ConfirmApplication(ConfirmApplication { voucher, .. })
            | Act::RejectApplication(RejectApplication { voucher, .. })
            | Act::RefuseCorrection(RefuseCorrection { voucher, .. })
            | Act::Revoke(Revoke { voucher, .. })
            | Act::FetchToken(FetchToken { voucher, .. })
            | Act::ReissueToken(ReissueToken { voucher, .. })
            | Act::Expire(Expire { voucher })
            | Act::ProposeOverride(ProposeOverride { voucher, .. })
            | Act::ConfirmOverride(ConfirmOverride { voucher, .. })
            | Act::Unfreeze(Unfreeze { voucher, .. })
            | Act::Drop(Drop { voucher, .. })
            | Act::Complete(Complete { voucher })
            | Act::ConfirmCertificate(ConfirmCertificate { voucher, .. })
            | Act::WriteOff(WriteOff { voucher }) => self.voucher(*voucher),
            Act::Freeze(Freeze {
                voucher, finding, ..
            }) => {
                self.voucher(*voucher);
                self.named(*finding);
            }
            Act::PlanSample(act) => self.plan_sample(act),
            Act::DrawSample(DrawSample { sample, .. }) => self.fact(Key::Sample(*sample)),
            Act::Inspect(act) => {
                self.fact(Key::Inspection(act.inspection));
                self.class(act.class);
            }
            Act::ConfirmInspection(act) => {
                self.fact(Key::Inspection(act.inspection));
                self.fact(Key::Finding(act.finding));
                if let Ok(inspection) = self.world.inspection(&act.inspection) {
                    self.class(inspection.class);
                }
            }
            Act::RecordFinding(act) => {
                self.fact(Key::Finding(act.finding));
                self.about(&act.about);
            }
            Act::Rectify(Rectify { finding, .. }) | Act::Recheck(Recheck { finding, .. }) => {
                self.fact(Key::Finding(*finding));
            }
            Act::RaiseFlag(act) => {
                self.fact(Key::Flag(flag_id(
                    act.rule,
                    act.version,
                    &act.about,
                    &act.evidence,
                )));
                self.about(&act.about);
            }
            Act::ClearFlag(ClearFlag { flag, .. })
            | Act::ConfirmClearFlag(ConfirmClearFlag { flag, .. }) => {
                self.fact(Key::Flag(*flag));
                if let Ok(flag) = self.world.flag(flag) {
                    self.about(&flag.about.clone());
                }
            }
            Act::CreditPoints(CreditPoints { institution, .. })
            | Act::RestoreCredit(RestoreCredit { institution, .. }) => {
                self.fact(Key::Institution(institution.clone()));
                self.fact(Key::Credit(institution.clone()));
            }
            Act::ProposeClawBack(ProposeClawBack {
                voucher, finding, ..
            }) => {
                self.claw_back(*voucher);
                self.named(*finding);
            }
            Act::ConfirmClawBack(ConfirmClawBack { voucher, .. })
            | Act::ReceiveClawBack(ReceiveClawBack { voucher, .. }) => self.claw_back(*voucher),
            Act::FileClass(FileClass { class, filing })
            | Act::ChangeClass(ChangeClass { class, filing }) => {
                self.filed_class(*class);
                self.filing(filing);
            }
            Act::ApproveClass(ApproveClass { class })
            | Act::RejectClass(RejectClass { class, .. }) => self.filed_class(*class),
            Act::CancelClass(CancelClass { class, .. }) => {
                self.filed_class(*class);
                self.class_with_seats(*class);
            }
            Act::FinishClass(FinishClass { class })
            | Act::RecordAttendance(RecordAttendance { class, .. })
            | Act::RequestLateEntry(RequestLateEntry { class, .. })
            | Act::ApproveLateEntry(ApproveLateEntry { class, .. })
            | Act::SealAttendance(SealAttendance { class, .. })
            | Act::ApproveSealedAttendance(ApproveSealedAttendance { class, .. }) => {
                self.class(*class)
            }
            Act::RecordEmployment(RecordEmployment { class, .. }) => {
                self.class(*class);
                self.fact(Key::Employment(*class));
                let sheets = self.world.class(class).map(|class| &class.sheets);
                for sheet in sheets.into_iter().flatten() {
                    self.fact(Key::Sheet(*sheet));
                }
            }
            Act::Enrol(act) => self.enrol(act),
            Act::FileSession(FileSession { session, filing }) => {
                self.fact(Key::Session(*session));
                self.session_filing(filing);
            }
            Act::ApproveSession(ApproveSession { session })
            | Act::RejectSession(RejectSession { session, .. })
            | Act::FinishSession(FinishSession { session })
            | Act::CancelSession(CancelSession { session, .. }) => self.session(*session),
            Act::RecordAssessment(act) => self.record_assessment(act),
            Act::ReopenClaim(act) => self.reopen_claim(act.sheet),
            Act::ApproveClaim(act) => self.approve_claim(act.sheet),
            Act::SubmitClaim(SubmitClaim { sheet })
            | Act::StrikeOut(StrikeOut { sheet, .. })
            | Act::ReturnClaim(ReturnClaim { sheet, .. })
            | Act::RefuseClaim(RefuseClaim { sheet, .. })
            | Act::RaiseObjection(RaiseObjection { sheet, .. })
            | Act::DecideObjection(DecideObjection { sheet, .. })
            | Act::SendPayout(SendPayout { sheet, .. })
            | Act::RecordPayout(RecordPayout { sheet, .. })
            | Act::ReturnPayout(ReturnPayout { sheet, .. }) => self.sheet(*sheet),
        }
    }
}

impl Gather<'_> {
    fn named(&mut self, finding: Option<crate::ids::FindingId>) {
        if let Some(finding) = finding {
            self.fact(Key::Finding(finding));
        }
    }

    /// What supervision is about, and who answers for it.
    fn about(&mut self, about: &About) {
        self.fact(key(about));
        let institution = match about {
            About::Class(id) => self
                .world
                .class(id)
                .ok()
                .map(|class| &class.filing.deliverer),
            About::Session(id) => self
                .world
                .session(id)
                .ok()
                .map(|session| &session.filing.body),
            About::Sheet(id) => self.world.sheet(id).ok().map(|sheet| &sheet.payee),
            About::Voucher(id) => {
                self.voucher(*id);
                None
            }
            About::Institution(_) => None,
        };
        if let Some(institution) = institution {
            self.fact(Key::Institution(institution.clone()));
        }
    }

    fn plan_sample(&mut self, act: &PlanSample) {
        self.fact(Key::Sample(act.sample));
        for member in &act.members {
            match act.by {
                Strata::Whole | Strata::Programme => self.fact(key(member)),
                Strata::Deliverer | Strata::Credit => self.about(member),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment;
    use crate::decide::Ask;
    use crate::event::Event;
    use crate::ids::Tag;
    use crate::policy::Programme;
    use crate::refusal::{Code, Stop};
    use crate::sample::*;
    use crate::training;

    /// What deciding says when only these rounds of foreseen facts were brought in.
    fn after_rounds(
        county: &County,
        rounds: usize,
        act: &Act,
        (by, when): (&crate::decide::Caller, &str),
        decide: impl Fn(&Ask) -> Result<Vec<Event>, Stop>,
    ) -> Result<Vec<&'static str>, Stop> {
        let mut world = World::new(code("140725"));
        for _ in 0..rounds {
            let unknown = super::of(&world, act)
                .into_iter()
                .filter(|need| !world.knows(need));
            for (n, need) in unknown.collect::<Vec<_>>().into_iter().enumerate() {
                match need {
                    Need::Fact(key) => {
                        let fact = county.world.get(&key).ok().flatten().cloned();
                        world.bring(key, fact);
                    }
                    Need::Nullifier(subject, once) => {
                        let known = county.world.nullifier(&subject, &once).ok();
                        let (tag, holder) = known.map_or(
                            (Tag([u8::try_from(n).unwrap(); 16]), None),
                            |(tag, holder)| (tag, holder.cloned()),
                        );
                        world.bring_nullifier(subject, once, tag, holder);
                    }
                    Need::Identity(tag) => {
                        world.bring_identity(tag, county.world.identity(&tag).unwrap());
                    }
                }
            }
        }
        let ask = Ask {
            world: &world,
            caller: by.clone(),
            at: at(when),
        };
        decide(&ask).map(|events| events.iter().map(Event::kind).collect())
    }

    fn of_school() -> crate::decide::Caller {
        crate::sample::of(SCHOOL)
    }

    fn enrol() -> (County, Enrol) {
        let mut county = County::new();
        let voucher = county.issued(1, 1, Programme::General);
        let class = class_id(1);
        let filed = FileClass {
            class,
            filing: filing(Programme::General, &["06-05", "06-06", "06-07"]),
        };
        let file = |ask: &Ask| training::file_class(ask, &filed);
        county.play(&of_school(), at("05-29"), file).unwrap();
        county.world.edit_class(&class).unwrap().state = ClassState::Approved;
        let act = Enrol {
            voucher,
            class,
            token: token(1),
            identity: identity(1),
        };
        (county, act)
    }

    #[test]
    fn an_enrolments_facts_and_nullifiers_come_in_within_two_rounds() {
        let (county, act) = enrol();
        let whole = Act::from(act.clone());
        let decide = |ask: &Ask| training::enrol(ask, &act);
        let school = (&of_school(), "06-05 8");
        assert!(matches!(
            after_rounds(&county, 1, &whole, school, decide),
            Err(Stop::Missing(_))
        ));
        assert_eq!(
            after_rounds(&county, 2, &whole, school, decide),
            Ok(vec!["Enrolled"])
        );
    }

    #[test]
    fn a_cancelled_class_brings_its_people_along() {
        let (mut county, act) = enrol();
        let seated = |ask: &Ask| training::enrol(ask, &act);
        county.play(&of_school(), at("06-05 8"), seated).unwrap();
        let cancel = CancelClass {
            class: act.class,
            reason: code("FLOOD"),
        };
        let whole = Act::from(cancel.clone());
        let said = after_rounds(&county, 2, &whole, (&of_school(), "06-05 8"), |ask| {
            training::cancel_class(ask, &cancel)
        });
        assert_eq!(said, Ok(vec!["ClassCancelled", "Dropped"]));
    }

    #[test]
    fn an_examination_finds_the_class_of_whoever_was_trained_for_it() {
        let (mut county, act) = enrol();
        let seated = |ask: &Ask| training::enrol(ask, &act);
        county.play(&of_school(), at("06-05 8"), seated).unwrap();
        let session = session_id(1);
        let filing = SessionFiling {
            year: year(),
            body: institution(BODY),
            payee: institution(BODY),
            contract: None,
            occupation: code(OCCUPATION),
            level: level(2),
            date: date("06-20"),
            examiners: vec![code("trainer-1")],
            capacity: 1,
        };
        let body = crate::decide::Caller {
            institution: Some(institution(BODY)),
            ..staff("examiner", Role::Assessor)
        };
        let filed = FileSession { session, filing };
        let file = |ask: &Ask| assessment::file_session(ask, &filed);
        county.play(&body, at("06-05 9"), file).unwrap();
        county.world.edit_session(&session).unwrap().state = ClassState::Approved;
        let assess = RecordAssessment {
            voucher: county.issued(2, 1, Programme::Assessment),
            session,
            token: Some(token(2)),
            identity: identity(1),
            outcome: Outcome::Fail,
            occupation_not_covered: false,
        };
        let decide = |ask: &Ask| assessment::record_assessment(ask, &assess);
        let whole = Act::from(assess.clone());
        // The voucher and the session, the nullifier, the voucher that holds it, its class, the class's deliverer.
        let said = |rounds| after_rounds(&county, rounds, &whole, (&body, "06-20 9"), decide);
        assert!(matches!(said(4), Err(Stop::Missing(_))));
        assert!(matches!(said(5), Err(Stop::Refused(r)) if r.has(Code::ExaminerTrained)));
    }

    #[test]
    fn an_employment_that_comes_too_early_is_refused_after_one_round() {
        let (county, act) = enrol();
        let early = RecordEmployment {
            class: act.class,
            seats: [(0, Employed::No)].into(),
        };
        let whole = Act::from(early.clone());
        let said = after_rounds(&county, 1, &whole, (&of_school(), "06-05 8"), |ask| {
            training::record_employment(ask, &early)
        });
        assert!(matches!(said, Err(Stop::Refused(r)) if r.has(Code::ClassNotFinished)));
    }
}
