//! Facts shown to callers.

mod funds;
mod issuance;
mod redemption;
mod registry;
mod reporting;
mod supervision;
mod training;

use hefu_domain::calendar::Calendar;
use hefu_domain::policy::{Adopted, Capacity};
use hefu_domain::state::*;
use hefu_domain::subsidy::TrailLine;
use hefu_domain::{Digest, Instant, PlanYear, Programme, Region, Source, StaffId};

use crate::{names, states, v1};

pub use funds::top_up;
pub use issuance::expiring;
pub use redemption::{notice, sheet};
pub use registry::{catalogue_entry, catalogue_event};
pub use reporting::{read_report, report, report_kinds};
pub use supervision::{credit, draw, finding, flag, inspection, sample, strata};
pub use training::{attendance, class, employment, session};

/// An instant as a timestamp.
pub fn timestamp(at: Instant) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1_000) * 1_000_000).unwrap_or_default();
    prost_types::Timestamp {
        seconds: at.0.div_euclid(1_000),
        nanos,
    }
}

/// A trail's lines.
pub fn trail(lines: &[TrailLine]) -> Vec<v1::TrailLine> {
    let show = |line: &TrailLine| v1::TrailLine {
        rule: line.rule.clone(),
        days: line.days.map(|days| u32::from(days.0)),
        rate_fen: line.rate.map(|fen| fen.0),
        amount_fen: line.amount.0,
    };
    lines.iter().map(show).collect()
}

/// A hash, or nothing.
fn bytes(hash: Option<Digest>) -> Vec<u8> {
    hash.map(|hash| hash.0.to_vec()).unwrap_or_default()
}

/// A programme on the wire.
pub fn programme(programme: Programme) -> v1::Programme {
    match programme {
        Programme::OrderProject => v1::Programme::OrderProject,
        Programme::EnterpriseStaff => v1::Programme::EnterpriseStaff,
        Programme::General => v1::Programme::General,
        Programme::Apprenticeship => v1::Programme::Apprenticeship,
        Programme::Entrepreneurship => v1::Programme::Entrepreneurship,
        Programme::Assessment => v1::Programme::Assessment,
    }
}

/// A programme of the wire, unless it is not said.
pub fn domain_programme(programme: v1::Programme) -> Option<Programme> {
    Programme::ALL
        .into_iter()
        .find(|known| self::programme(*known) == programme)
}

fn capacity(capacity: Capacity) -> v1::Capacity {
    match capacity {
        Capacity::TrainingBody => v1::Capacity::TrainingBody,
        Capacity::Enterprise => v1::Capacity::Enterprise,
        Capacity::School => v1::Capacity::School,
        Capacity::AssessmentBody => v1::Capacity::AssessmentBody,
    }
}

fn role(role: Role) -> v1::Role {
    match role {
        Role::Holder => v1::Role::Holder,
        Role::Institution => v1::Role::Institution,
        Role::Assessor => v1::Role::Assessor,
        Role::Clerk => v1::Role::Clerk,
        Role::Reviewer => v1::Role::Reviewer,
        Role::Finance => v1::Role::Finance,
        Role::Supervisor => v1::Role::Supervisor,
        Role::Auditor => v1::Role::Auditor,
        Role::Operator => v1::Role::Operator,
    }
}

/// Whose eyes see a thing: each sees all that the ones after see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Eyes {
    /// The bureau's own people and its auditors.
    Staff,
    /// Whoever it belongs to.
    Own,
    /// Everybody else who may see it.
    Others,
}

fn occasion(region: &Region, occasion: Occasion) -> String {
    match occasion {
        Occasion::Class(id) => names::child(region, "classes", id),
        Occasion::Session(id) => names::child(region, "sessions", id),
    }
}

/// A voucher; what waits for a checker, and what is claimed back, is the bureau's own affair.
pub fn voucher(
    region: &Region,
    id: &str,
    version: u64,
    voucher: &Voucher,
    eyes: Eyes,
) -> v1::Voucher {
    let staff = eyes == Eyes::Staff;
    let (place, seat, sheet) = match &voucher.state {
        VoucherState::Enrolled { class, seat } => (Some(Occasion::Class(*class)), *seat, None),
        VoucherState::Completed { occasion, seat } => (Some(*occasion), *seat, None),
        VoucherState::Claimed {
            occasion,
            seat,
            sheet,
        }
        | VoucherState::Approved {
            occasion,
            seat,
            sheet,
        }
        | VoucherState::Paid {
            occasion,
            seat,
            sheet,
        } => (Some(*occasion), *seat, Some(*sheet)),
        VoucherState::WrittenOff { sheet } => (None, 0, Some(*sheet)),
        VoucherState::Ended { claim, .. } => (
            claim.as_ref().map(|c| c.occasion),
            claim.as_ref().map_or(0, |c| c.seat),
            claim.as_ref().map(|c| c.sheet),
        ),
        VoucherState::Applied | VoucherState::Issued => (None, 0, None),
    };
    v1::Voucher {
        name: names::child(region, "vouchers", id),
        person: names::child(region, "people", voucher.person),
        plan_year: u32::from(voucher.year.number()),
        programme: programme(voucher.programme).into(),
        category: voucher.category.to_string(),
        occupation: voucher
            .occupation
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        skill_level: voucher.level.map_or(0, |level| u32::from(level.ordinal())),
        state: voucher.state.code().to_owned(),
        frozen: voucher
            .frozen
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        due: voucher.due.map(timestamp),
        money: voucher.money.as_ref().map(|money| v1::Money {
            account: names::account(region, money.year, &money.source),
            amount_fen: money.amount.0,
        }),
        occasion: place
            .map(|place| occasion(region, place))
            .unwrap_or_default(),
        seat: u32::from(seat),
        sheet: sheet
            .map(|sheet| names::child(region, "sheets", sheet))
            .unwrap_or_default(),
        version,
        r#override: voucher.override_.as_deref().filter(|_| staff).map(proposed),
        correction: voucher
            .correction
            .as_ref()
            .filter(|_| staff)
            .map(|correction| v1::Correction {
                person: names::child(region, "people", correction.person),
                proposed_by: correction.proposed_by.to_string(),
            }),
        claw_back: voucher
            .claw_back
            .as_ref()
            .filter(|_| staff)
            .map(|claw_back| clawed_back(region, claw_back)),
        awaits_holder: !voucher.hands.known_to_holder(),
        lifted: Some(v1::Lifted {
            cap_fen: voucher.lifted.cap.map(|cap| cap.0),
            gate: voucher.lifted.gate,
            catalogue: voucher.lifted.catalogue,
        }),
    }
}

fn proposed(given: &Override) -> v1::Override {
    let (kind, cap) = match given.lift {
        Lift::Cap { fen } => (v1::LiftKind::Cap, fen.0),
        Lift::Gate => (v1::LiftKind::Gate, 0),
        Lift::Catalogue => (v1::LiftKind::Catalogue, 0),
    };
    v1::Override {
        kind: kind.into(),
        cap_fen: cap,
        reason: given.reason.to_string(),
        proposed_by: given.proposed_by.to_string(),
        proposal: given.digest().0.to_vec(),
    }
}

fn clawed_back(region: &Region, given: &ClawBack) -> v1::ClawBack {
    v1::ClawBack {
        amount_fen: given.amount.0,
        reason: given.reason.to_string(),
        decision: given.decision.0.to_vec(),
        hearing: given.hearing.0.to_vec(),
        due: given.due.to_string(),
        payee: names::child(region, "institutions", &given.payee),
        proposed_by: given.proposed_by.to_string(),
        confirmed_by: staff(given.confirmed_by.as_ref()),
        received_fen: given.received.0,
        proposal: given.digest().0.to_vec(),
    }
}

fn staff(person: Option<&StaffId>) -> String {
    person.map(ToString::to_string).unwrap_or_default()
}

/// A plan year.
pub fn year(region: &Region, id: PlanYear, year: &YearState) -> v1::PlanYear {
    use v1::plan_year::Count;
    let phase = match year.phase {
        YearPhase::Open => "open",
        YearPhase::Closing => "closing",
        YearPhase::Closed => "closed",
    };
    let vouchers = year.vouchers.iter().flat_map(|(of, counts)| {
        counts.iter().map(|(state, count)| Count {
            programme: programme(*of).into(),
            state: state.clone(),
            count: *count,
        })
    });
    let sheets = year.sheets.iter().map(|(state, count)| Count {
        programme: 0,
        state: state.clone(),
        count: *count,
    });
    v1::PlanYear {
        name: names::child(region, "planYears", id),
        phase: phase.to_owned(),
        vouchers: vouchers.collect(),
        sheets: sheets.collect(),
        targets: year
            .targets
            .iter()
            .map(|(code, people)| v1::Target {
                code: code.clone(),
                people: *people,
            })
            .collect(),
        targets_below: Vec::new(),
    }
}

/// An account.
pub fn account(region: &Region, year: PlanYear, source: &Source, account: &Account) -> v1::Account {
    v1::Account {
        name: names::account(region, year, source),
        allocated_fen: account.allocated.0,
        available_fen: account.available.0,
        reserved_fen: account.reserved.0,
        payable_fen: account.payable.0,
        paid_fen: account.paid.0,
    }
}

/// A person's recorded answers.
pub fn answers(region: &Region, person: &Person) -> Vec<v1::CheckAnswer> {
    let show = |(check, answered): (&hefu_domain::Check, &Answered)| v1::CheckAnswer {
        check: check.to_string(),
        answer: answered.answer.to_string(),
        valid_until: answered.valid_until.to_string(),
        at: Some(timestamp(answered.at)),
        reference: answered
            .reference
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        by: answered.by.to_string(),
        employer: answered
            .employer
            .as_ref()
            .map(|employer| names::child(region, "institutions", employer))
            .unwrap_or_default(),
    };
    person.answers.iter().map(show).collect()
}

/// An answer as it was just put on record; whoever is outside learns that it is there.
pub fn recorded_answer(
    region: &Region,
    at: Instant,
    by: &StaffId,
    given: &hefu_domain::command::CheckAnswer,
    outside: bool,
) -> v1::CheckAnswer {
    let inside = |text: String| if outside { String::new() } else { text };
    v1::CheckAnswer {
        check: given.check.to_string(),
        answer: inside(given.answer.to_string()),
        valid_until: given.valid_until.to_string(),
        at: Some(timestamp(at)),
        reference: inside(
            given
                .reference
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        by: by.to_string(),
        employer: inside(
            given
                .employer
                .as_ref()
                .map(|employer| names::child(region, "institutions", employer))
                .unwrap_or_default(),
        ),
    }
}

/// An institution; its debts are its own and the bureau's to know.
pub fn institution(
    region: &Region,
    id: &str,
    institution: &Institution,
    eyes: Eyes,
) -> v1::Institution {
    let pending = |pending: &PendingAccount| v1::PendingAccount {
        commitment: pending.commitment.0.to_vec(),
        made_by: pending.maker.to_string(),
        proposal: pending.digest().0.to_vec(),
    };
    v1::Institution {
        name: names::child(region, "institutions", id),
        display_name: institution.name.clone(),
        capacities: institution
            .capacities
            .iter()
            .map(|c| capacity(*c).into())
            .collect(),
        licensed_occupations: institution
            .licence
            .iter()
            .map(ToString::to_string)
            .collect(),
        standing: states::standing(institution.standing).to_owned(),
        has_account: institution.account.is_some(),
        owes_fen: (eyes <= Eyes::Own).then_some(institution.owes.0),
        pending_account: institution
            .pending_account
            .as_ref()
            .filter(|_| eyes == Eyes::Staff)
            .map(pending),
        classified: institution.classified.as_ref().map(classified),
        affiliation: institution
            .affiliation
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

fn classified(ground: &Classified) -> v1::Classified {
    v1::Classified {
        document: ground.document.0.to_vec(),
        display_name_commitment: ground.name.0.to_vec(),
    }
}

/// A grant as it stands.
pub fn caller(region: &Region, id: &str, credential: &Credential) -> v1::Caller {
    let of = |collection: &str, id: String| names::child(region, collection, id);
    v1::Caller {
        name: names::child(region, "credentials", id),
        grant: Some(v1::Grant {
            subject: credential.subject.to_string(),
            person: credential.person.to_string(),
            roles: credential.roles.iter().map(|r| role(*r).into()).collect(),
            institution: credential
                .institution
                .as_ref()
                .map(|i| of("institutions", i.to_string()))
                .unwrap_or_default(),
            holder: credential
                .holder
                .map(|p| of("people", p.to_string()))
                .unwrap_or_default(),
            expires: credential.expires.map(timestamp),
        }),
        revoked: credential.revoked.map(timestamp),
    }
}

/// A policy as adopted.
pub fn policy(region: &Region, adopted: &Adopted) -> v1::Policy {
    v1::Policy {
        name: names::child(region, "policies", adopted.policy.year),
        version: adopted.version,
        effective: Some(timestamp(adopted.effective)),
        policy_json: serde_json::to_string(&adopted.policy).unwrap_or_default(),
    }
}

/// A calendar.
pub fn calendar(calendar: &Calendar) -> v1::Calendar {
    let days = |days: &std::collections::BTreeSet<hefu_domain::Date>| {
        days.iter().map(ToString::to_string).collect()
    };
    v1::Calendar {
        year: u32::from(calendar.year),
        source: calendar.source.clone(),
        holidays: days(&calendar.holidays),
        working_weekends: days(&calendar.working_weekends),
    }
}

/// A region.
pub fn region(code: &Region, state: &RegionState) -> v1::RegionInfo {
    v1::RegionInfo {
        name: names::region(code),
        parent: state.parent.as_ref().map(names::region).unwrap_or_default(),
        display_name: state.name.clone(),
        display_name_en: state.name_en.clone(),
    }
}
