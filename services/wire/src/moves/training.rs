//! Training (培训): requests read into moves.

use hefu_domain::command::{self as act, Act};
use hefu_domain::policy::Module;
use hefu_domain::state::{
    AttendanceEntry, ClassFiling, DayPart, Employed, Method, SealedTotals, Slot,
};
use hefu_domain::{ClassId, Date, Days, Digest, Fen};

use super::{Move, request};
use crate::read::Reader;
use crate::v1;

impl Move for v1::FileClassRequest {
    request!("FileClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        r.parent("parent", &self.parent);
        let filing = r
            .required("filing", self.filing.as_ref())
            .and_then(|given| r.within("filing", |r| filing(r, given)));
        Some(
            act::FileClass {
                class: ClassId((r.edge.draw)("class")),
                filing: filing?,
            }
            .into(),
        )
    }
}

impl Move for v1::ChangeClassRequest {
    request!("ChangeClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let filing = r
            .required("filing", self.filing.as_ref())
            .and_then(|given| r.within("filing", |r| filing(r, given)));
        Some(
            act::ChangeClass {
                class: class?,
                filing: filing?,
            }
            .into(),
        )
    }
}

impl Move for v1::ApproveClassRequest {
    request!("ApproveClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        Some(act::ApproveClass { class: class? }.into())
    }
}

impl Move for v1::RejectClassRequest {
    request!("RejectClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let reason = r.code("reason", &self.reason);
        Some(
            act::RejectClass {
                class: class?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::FinishClassRequest {
    request!("FinishClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        Some(act::FinishClass { class: class? }.into())
    }
}

impl Move for v1::CancelClassRequest {
    request!("CancelClass");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let reason = r.code("reason", &self.reason);
        Some(
            act::CancelClass {
                class: class?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::EnrolRequest {
    request!("Enrol");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let class = r.name("class", &self.class, "classes");
        let token = r.token("token", &self.token, voucher);
        let identity = r.identity("identity_number", &self.identity_number);
        Some(
            act::Enrol {
                voucher: voucher?,
                class: class?,
                token: token?,
                identity: identity?,
            }
            .into(),
        )
    }
}

impl Move for v1::RecordAttendanceRequest {
    request!("RecordAttendance");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let slot = r.small("slot", self.slot);
        let entries = r.list("entries", &self.entries, 500, entry);
        Some(
            act::RecordAttendance {
                class: class?,
                slot: slot?,
                entries: entries?,
            }
            .into(),
        )
    }
}

impl Move for v1::RequestLateEntryRequest {
    request!("RequestLateEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let slot = r.small("slot", self.slot);
        let entries = r.list("entries", &self.entries, 500, entry);
        let reason = r.code("reason", &self.reason);
        let evidence = r.digest("evidence", &self.evidence);
        Some(
            act::RequestLateEntry {
                class: class?,
                slot: slot?,
                entries: entries?,
                reason: reason?,
                evidence: evidence?,
            }
            .into(),
        )
    }
}

impl Move for v1::ApproveLateEntryRequest {
    request!("ApproveLateEntry");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let slot = r.small("slot", self.slot);
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ApproveLateEntry {
                class: class?,
                slot: slot?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

impl Move for v1::SealAttendanceRequest {
    request!("SealAttendance");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let hash = r.digest("hash", &self.hash);
        let totals = r
            .required("totals", self.totals.as_ref())
            .and_then(|given| r.within("totals", |r| totals(r, given)));
        let days = r.list("days", &self.days, 500, |r, days| {
            r.small("", *days).map(Days)
        });
        Some(
            act::SealAttendance {
                class: class?,
                hash: hash?,
                totals: totals?,
                days: days?,
                modules_taught: self.modules_taught,
            }
            .into(),
        )
    }
}

impl Move for v1::ApproveSealedAttendanceRequest {
    request!("ApproveSealedAttendance");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let proposal = r.digest("proposal", &self.proposal);
        Some(
            act::ApproveSealedAttendance {
                class: class?,
                proposal: proposal?,
            }
            .into(),
        )
    }
}

fn totals(r: &mut Reader, given: &v1::SealedTotals) -> Option<SealedTotals> {
    let slots = r.small("slots", given.slots);
    Some(SealedTotals {
        slots: slots?,
        entries: given.entries,
        paper: given.paper,
        online: given.online,
    })
}

impl Move for v1::DropRequest {
    request!("Drop");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        let reason = r.code("reason", &self.reason);
        Some(
            act::Drop {
                voucher: voucher?,
                reason: reason?,
            }
            .into(),
        )
    }
}

impl Move for v1::CompleteRequest {
    request!("Complete");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let voucher = r.name("name", &self.name, "vouchers");
        Some(act::Complete { voucher: voucher? }.into())
    }
}

impl Move for v1::RecordEmploymentRequest {
    request!("RecordEmployment");

    fn read(&self, r: &mut Reader) -> Option<Act> {
        let class = r.name("name", &self.name, "classes");
        let seats = r.list("seats", &self.seats, 500, employed);
        Some(
            act::RecordEmployment {
                class: class?,
                seats: seats?.into_iter().collect(),
            }
            .into(),
        )
    }
}

fn filing(r: &mut Reader, given: &v1::ClassFiling) -> Option<ClassFiling> {
    let year = r.plan_year("plan_year", given.plan_year);
    let programme = super::programme(r, "programme", given.programme);
    let occupation = r.code("occupation", &given.occupation);
    let level = r.level("skill_level", given.skill_level);
    let sponsor = r.name("sponsor", &given.sponsor, "institutions");
    let deliverer = r.name("deliverer", &given.deliverer, "institutions");
    let payee = r.name("payee", &given.payee, "institutions");
    let contract = r.optional_digest("contract", &given.contract);
    let site = r.code("site", &given.site);
    let trainers = r.codes("trainers", &given.trainers);
    let capacity = r.small("capacity", given.capacity);
    let brand = r.optional_code("brand", &given.brand);
    let timetable = r.list("timetable", &given.timetable, 500, slot);
    Some(ClassFiling {
        year: year?,
        programme: programme?,
        occupation: occupation?,
        level: level?,
        sponsor: sponsor?,
        deliverer: deliverer?,
        payee: payee?,
        contract: contract?,
        site: site?,
        trainers: trainers?,
        capacity: capacity?,
        putonghua: given.putonghua,
        brand: brand?,
        timetable: timetable?,
    })
}

fn slot(r: &mut Reader, given: &v1::Slot) -> Option<Slot> {
    let date = r.date("date", &given.date);
    let part = match given.part() {
        v1::DayPart::Morning => Some(DayPart::Morning),
        v1::DayPart::Afternoon => Some(DayPart::Afternoon),
        v1::DayPart::Evening => Some(DayPart::Evening),
        v1::DayPart::Unspecified => None,
    };
    let part = r.said("part", part);
    let lessons = r.small("lessons", given.lessons);
    let modules = r.list("modules", &given.modules, 8, |r, module| {
        let module = match v1::Module::try_from(*module) {
            Ok(v1::Module::Safety) => Some(Module::Safety),
            Ok(v1::Module::Fire) => Some(Module::Fire),
            Ok(v1::Module::Legal) => Some(Module::Legal),
            Ok(v1::Module::Putonghua) => Some(Module::Putonghua),
            Ok(v1::Module::Unspecified) | Err(_) => None,
        };
        r.said("", module)
    });
    Some(Slot {
        date: date?,
        part: part?,
        lessons: lessons?,
        modules: modules?,
    })
}

fn entry(r: &mut Reader, given: &v1::AttendanceEntry) -> Option<AttendanceEntry> {
    let seat = r.small("seat", given.seat);
    let lessons = r.small("lessons", given.lessons);
    let method = match given.method() {
        v1::Method::Face => Some(Method::Face),
        v1::Method::Card => Some(Method::Card),
        v1::Method::Qr => Some(Method::Qr),
        v1::Method::Paper => Some(Method::Paper),
        v1::Method::Online => Some(Method::Online),
        v1::Method::Unspecified => None,
    };
    let method = r.said("method", method);
    let evidence = r.digest("evidence", &given.evidence);
    let presence_checks = r.small("presence_checks", given.presence_checks);
    Some(AttendanceEntry {
        seat: seat?,
        lessons: lessons?,
        method: method?,
        evidence: evidence?,
        presence_checks: presence_checks?,
    })
}

fn employed(r: &mut Reader, given: &v1::Employed) -> Option<(u16, Employed)> {
    let seat = r.small("seat", given.seat);
    let status = match given.status() {
        v1::employed::Status::Employed => {
            let evidence = r.digest("evidence", &given.evidence);
            let since = r.date("since", &given.since);
            let income = r.fen("monthly_income_fen", given.monthly_income_fen);
            employed_yes(evidence, since, income)
        }
        v1::employed::Status::NotEmployed => Some(Employed::No),
        v1::employed::Status::Excluded => r
            .code("reason", &given.reason)
            .map(|reason| Employed::Excluded { reason }),
        v1::employed::Status::Unspecified => r.said("status", None),
    };
    Some((seat?, status?))
}

fn employed_yes(
    evidence: Option<Digest>,
    since: Option<Date>,
    income: Option<Fen>,
) -> Option<Employed> {
    Some(Employed::Yes {
        evidence: evidence?,
        since: since?,
        monthly_income_fen: income?,
    })
}

super::batches! {
    BatchApproveClassRequest => ApproveClassRequest, ApproveClassResponse, approve_class_result::ApproveClassResult, BatchApproveClassResponse;
    BatchRejectClassRequest => RejectClassRequest, RejectClassResponse, reject_class_result::RejectClassResult, BatchRejectClassResponse;
    BatchFinishClassRequest => FinishClassRequest, FinishClassResponse, finish_class_result::FinishClassResult, BatchFinishClassResponse;
    BatchEnrolRequest => EnrolRequest, EnrolResponse, enrol_result::EnrolResult, BatchEnrolResponse;
    BatchRecordAttendanceRequest => RecordAttendanceRequest, RecordAttendanceResponse, record_attendance_result::RecordAttendanceResult, BatchRecordAttendanceResponse;
    BatchDropRequest => DropRequest, DropResponse, drop_result::DropResult, BatchDropResponse;
    BatchCompleteRequest => CompleteRequest, CompleteResponse, complete_result::CompleteResult, BatchCompleteResponse;
    BatchRecordEmploymentRequest => RecordEmploymentRequest, RecordEmploymentResponse, record_employment_result::RecordEmploymentResult, BatchRecordEmploymentResponse;
    BatchFileClassRequest => FileClassRequest, FileClassResponse, file_class_result::FileClassResult, BatchFileClassResponse;
    BatchApproveSealedAttendanceRequest => ApproveSealedAttendanceRequest, ApproveSealedAttendanceResponse, approve_sealed_attendance_result::ApproveSealedAttendanceResult, BatchApproveSealedAttendanceResponse;
    BatchApproveLateEntryRequest => ApproveLateEntryRequest, ApproveLateEntryResponse, approve_late_entry_result::ApproveLateEntryResult, BatchApproveLateEntryResponse;
}
