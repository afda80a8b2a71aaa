//! Samples, inspections, findings, flags and credit.

use std::collections::BTreeSet;

use crate::audit::LogTree;
use crate::ids::*;
use crate::policy::{FraudRule, Severity};
use crate::state::*;
use crate::time::Date;

moves! {
    /// Freezes a voucher.
    Freeze {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Unfreezes a voucher.
    Unfreeze {
        /// Which.
        voucher: VoucherId,
        /// Why.
        reason: Reason,
    }
    /// Plans a sample (抽查): of what, by which strata, which share. Nobody can know yet what it draws.
    PlanSample {
        /// Its id, drawn at the edge.
        sample: SampleId,
        /// Why.
        kind: SampleKind,
        /// Of what.
        frame: Frame,
        /// By what it is stratified.
        by: Strata,
        /// Which share.
        share: Share,
        /// The population, as found at the edge; each member is looked at anew.
        members: Vec<About>,
        /// SHA-256 of the planner's secret.
        commitment: Option<Digest>,
    }
    /// Publishes a sample's draw, which follows from the first signed tree that covers its plan.
    DrawSample {
        /// Which.
        sample: SampleId,
        /// Where the plan stands in the log, as the server found; the log says so, too.
        planned: LogPlace,
        /// The first signed tree that covers it.
        tree: LogTree,
        /// The planner's secret.
        secret: Option<Digest>,
    }
    /// Enters an unannounced inspection of one session: the first officer's half.
    Inspect {
        /// Its id, drawn at the edge.
        inspection: InspectionId,
        /// Of which class.
        class: ClassId,
        /// The slot's number in the timetable, from 0.
        slot: u16,
        /// Who was there, by seat number.
        present: BTreeSet<u16>,
        /// Hash of the record that both officers signed.
        evidence: Digest,
        /// The sample that drew the class.
        sample: Option<SampleId>,
    }
    /// Confirms an inspection: the second officer's half. Whoever was missing loses the day.
    ConfirmInspection {
        /// Which.
        inspection: InspectionId,
        /// Hash of what the officer saw entered; must be the inspection's.
        proposal: Digest,
        /// The id of the finding that is recorded if the gap is too wide, drawn at the edge.
        finding: FindingId,
    }
    /// Records a finding; a grave one stands in the city's log in the same transaction (要情报告).
    RecordFinding {
        /// Its id, drawn at the edge.
        finding: FindingId,
        /// About what.
        about: About,
        /// What was found.
        code: Reason,
        /// Whether it is grave.
        grave: bool,
        /// Whether no claim that it touches goes on before it is closed.
        blocks: bool,
        /// Until when it is put right.
        due: Date,
        /// Hash of the evidence.
        evidence: Digest,
        /// The inspection that found it.
        inspection: Option<InspectionId>,
        /// The city that hears of it, if it is grave.
        report_to: Option<Region>,
    }
    /// The institution says that it put a finding right (整改).
    Rectify {
        /// Which.
        finding: FindingId,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Another officer looks again (复查).
    Recheck {
        /// Which.
        finding: FindingId,
        /// Hash of the evidence.
        evidence: Digest,
        /// Until when it is put right now, if it stands; none closes it.
        due: Option<Date>,
        /// The city that heard of a county's grave finding, when it is closed.
        report_to: Option<Region>,
    }
    /// Raises a flag that a fraud rule made.
    RaiseFlag {
        /// The rule.
        rule: FraudRule,
        /// Its version.
        version: u16,
        /// What the flag does.
        severity: Severity,
        /// About what.
        about: About,
        /// The events that it rests on, in the log's order.
        evidence: Vec<LogPlace>,
    }
    /// Clears a warning, or proposes to clear a block.
    ClearFlag {
        /// Which.
        flag: FlagId,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
    /// Clears a block as the second person.
    ConfirmClearFlag {
        /// Which.
        flag: FlagId,
        /// Hash of what was seen proposed; must be the standing proposal's.
        proposal: Digest,
    }
    /// Records a coded event of an institution's credit; the policy says how many points it gives or takes.
    CreditPoints {
        /// Whose.
        institution: InstitutionId,
        /// The coded event.
        code: Reason,
        /// Hash of the evidence.
        evidence: Digest,
        /// The finding that led to it.
        finding: Option<FindingId>,
    }
    /// Restores an institution's credit (信用修复).
    RestoreCredit {
        /// Whose.
        institution: InstitutionId,
        /// Why.
        reason: Reason,
        /// Hash of the evidence.
        evidence: Digest,
    }
}
