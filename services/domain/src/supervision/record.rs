//! What supervision's events say. A finding's or a flag's first event holds it whole; those after it say what changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::*;
use crate::policy::CreditClass;
use crate::state::*;
use crate::time::Date;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub struct $name {$(
            $(#[$fdoc])*
            pub $field: $type,
        )+}
    )+};
}

bodies! {
    /// Body of the event `SamplePlanned`: the population as it was when nobody could know what is drawn of it.
    SamplePlanned { sample: SampleId, by: StaffId, plan: SamplePlan }
    /// Body of the event `SampleDrawn`.
    SampleDrawn { sample: SampleId, by: StaffId, draw: Draw }
    /// Body of the event `Inspected`: the first officer's half.
    Inspected { inspection: InspectionId, record: Inspection }
    /// Body of the event `InspectionConfirmed`: the second officer's half.
    InspectionConfirmed {
        inspection: InspectionId,
        by: StaffId,
        /// Hash of what they saw entered: it was the inspection's.
        proposal: Digest,
        /// Who was enrolled and not there, by seat number.
        absent: BTreeSet<u16>,
        /// Those of them who stood to be paid for the day…
        missing: u16,
        /// …out of so many.
        of: u16,
    }
    /// Body of the event `FindingRecorded`.
    FindingRecorded { finding: FindingId, record: Finding }
    /// Body of the event `FindingReported`: a county's grave finding in its city's log.
    FindingReported { finding: FindingId, record: Finding }
    /// Body of the event `FindingClosureReported`: that a county closed it, in its city's log, with all of it as it was closed.
    FindingClosureReported { finding: FindingId, record: Finding }
    /// Body of the event `FindingRectified`.
    FindingRectified { finding: FindingId, by: StaffId, evidence: Digest }
    /// Body of the event `FindingRechecked`.
    FindingRechecked {
        finding: FindingId,
        by: StaffId,
        evidence: Digest,
        /// Until when it is put right now; absent when it is closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Date>,
    }
    /// Body of the event `FlagRaised`.
    FlagRaised { flag: FlagId, record: Flag }
    /// Body of the event `FlagClearanceProposed`.
    FlagClearanceProposed { flag: FlagId, by: StaffId, reason: Reason, evidence: Digest }
    /// Body of the event `FlagCleared`.
    FlagCleared {
        flag: FlagId,
        by: StaffId,
        reason: Reason,
        /// Hash of the evidence, of a warning; a block's stands in its proposal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<Digest>,
        /// Hash of what they saw proposed, of a block: it was the standing proposal's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<Digest>,
    }
    /// Body of the event `CreditPointed`.
    CreditPointed {
        institution: InstitutionId,
        by: StaffId,
        code: Reason,
        points: i32,
        /// The score after it.
        score: i32,
        /// The class after it.
        class: CreditClass,
        evidence: Digest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finding: Option<FindingId>,
    }
    /// Body of the event `CreditRestored`.
    CreditRestored {
        institution: InstitutionId,
        by: StaffId,
        reason: Reason,
        /// The score after it.
        score: i32,
        /// The class after it.
        class: CreditClass,
        evidence: Digest,
    }
}
