//! Classes and who sits in them.

use std::collections::BTreeMap;

use super::PresentedToken;
use crate::ids::*;
use crate::money::Days;
use crate::state::*;

moves! {
    /// Files a class (开班备案).
    FileClass {
        /// Its id, drawn at the edge.
        class: ClassId,
        /// As what.
        filing: ClassFiling,
    }
    /// Changes a filed, approved or running class ahead of the sessions that change.
    ChangeClass {
        /// Which.
        class: ClassId,
        /// As what from now on.
        filing: ClassFiling,
    }
    /// Approves a class; fixes its payee.
    ApproveClass {
        /// Which.
        class: ClassId,
    }
    /// Rejects a class.
    RejectClass {
        /// Which.
        class: ClassId,
        /// Why.
        reason: Reason,
    }
    /// Finishes a class after its last slot.
    FinishClass {
        /// Which.
        class: ClassId,
    }
    /// Cancels a class; the enrolled return to Issued, or expire.
    CancelClass {
        /// Which.
        class: ClassId,
        /// Why.
        reason: Reason,
    }
    /// Puts a voucher's holder on a class's next seat.
    Enrol {
        /// Which voucher.
        voucher: VoucherId,
        /// Which class.
        class: ClassId,
        /// The token presented.
        token: PresentedToken,
        /// Lookup tag of the identity presented.
        identity: Tag,
    }
    /// Records one session's attendance, all entries at once.
    RecordAttendance {
        /// Which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// The entries.
        entries: Vec<AttendanceEntry>,
    }
    /// Asks for an entry after the window.
    RequestLateEntry {
        /// Which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// The entries.
        entries: Vec<AttendanceEntry>,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Approves a late entry.
    ApproveLateEntry {
        /// Which class.
        class: ClassId,
        /// The slot's number.
        slot: u16,
        /// Hash of the request that the clerk saw; must be the waiting one's.
        proposal: Digest,
    }
    /// Seals a classified unit's attendance when its class is over.
    SealAttendance {
        /// Of which class.
        class: ClassId,
        /// Hash of the attendance lists.
        hash: Digest,
        /// Their totals.
        totals: SealedTotals,
        /// Days that count, by seat number.
        days: Vec<Days>,
        /// Whether the mandatory modules were taught.
        modules_taught: bool,
    }
    /// Approves a sealed attendance; the second officer's approval puts it in force.
    ApproveSealedAttendance {
        /// Of which class.
        class: ClassId,
        /// Hash of the sealed attendance that the officer saw; must be the standing one's.
        proposal: Digest,
    }
    /// Takes a voucher off its class.
    Drop {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Completes a training.
    Complete {
        /// Which.
        voucher: VoucherId,
    }
    /// Records what became of a class's people.
    RecordEmployment {
        /// Which class.
        class: ClassId,
        /// By seat number.
        seats: BTreeMap<u16, Employed>,
    }
}
