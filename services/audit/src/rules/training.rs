//! What was asked for, read back from a class's life. Which token was shown at an enrolment, and whose identity, stands as a recorded
//! result: the one in force, and the holder's.

use hefu_domain::command::*;
use hefu_domain::event;
use hefu_domain::{Act, World};

use super::{PRESENTED, in_force};

pub(super) fn file_class(e: &event::ClassFiled) -> Act {
    FileClass {
        class: e.class,
        filing: e.filing.clone(),
    }
    .into()
}

pub(super) fn change_class(e: &event::ClassChanged) -> Act {
    ChangeClass {
        class: e.class,
        filing: e.filing.clone(),
    }
    .into()
}

pub(super) fn approve_class(e: &event::ClassApproved) -> Act {
    ApproveClass { class: e.class }.into()
}

pub(super) fn reject_class(e: &event::ClassRejected) -> Act {
    RejectClass {
        class: e.class,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn finish_class(e: &event::ClassFinished) -> Act {
    FinishClass { class: e.class }.into()
}

pub(super) fn cancel_class(e: &event::ClassCancelled) -> Act {
    CancelClass {
        class: e.class,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn enrol(world: &World, e: &event::Enrolled) -> Act {
    Enrol {
        voucher: e.voucher,
        class: e.class,
        token: in_force(world, &e.voucher),
        identity: PRESENTED,
    }
    .into()
}

pub(super) fn record_attendance(e: &event::AttendanceRecorded) -> Act {
    RecordAttendance {
        class: e.class,
        slot: e.slot,
        entries: e.entries.clone(),
    }
    .into()
}

pub(super) fn request_late_entry(e: &event::LateEntryRequested) -> Act {
    RequestLateEntry {
        class: e.class,
        slot: e.slot,
        entries: e.entries.clone(),
        reason: e.reason.clone(),
        evidence: e.evidence,
    }
    .into()
}

pub(super) fn approve_late_entry(e: &event::LateEntryApproved) -> Act {
    ApproveLateEntry {
        class: e.class,
        slot: e.slot,
        proposal: e.proposal,
    }
    .into()
}

pub(super) fn seal_attendance(e: &event::AttendanceSealed) -> Act {
    SealAttendance {
        class: e.class,
        hash: e.sealed.hash,
        totals: e.sealed.totals,
        days: e.sealed.days.clone(),
        modules_taught: e.sealed.modules_taught,
    }
    .into()
}

pub(super) fn approve_sealed_attendance(e: &event::SealedAttendanceApproved) -> Act {
    ApproveSealedAttendance {
        class: e.class,
        proposal: e.proposal,
    }
    .into()
}

pub(super) fn drop_out(e: &event::Dropped) -> Act {
    Drop {
        voucher: e.voucher,
        reason: e.reason.clone(),
    }
    .into()
}

pub(super) fn complete(e: &event::Completed) -> Act {
    Complete { voucher: e.voucher }.into()
}

pub(super) fn record_employment(e: &event::EmploymentRecorded) -> Act {
    RecordEmployment {
        class: e.class,
        seats: e.seats.clone(),
    }
    .into()
}
