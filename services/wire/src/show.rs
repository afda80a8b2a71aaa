//! Facts shown to callers.

use std::collections::BTreeMap;

use hefu_domain::calendar::Calendar;
use hefu_domain::policy::{Adopted, Capacity, Module};
use hefu_domain::state::*;
use hefu_domain::subsidy::TrailLine;
use hefu_domain::{Digest, Instant, PlanYear, Programme, Region, Source};

use crate::{names, v1};

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

fn class_state(state: ClassState) -> &'static str {
    match state {
        ClassState::Filed => "filed",
        ClassState::Approved => "approved",
        ClassState::Running => "running",
        ClassState::Finished => "finished",
        ClassState::Closed => "closed",
        ClassState::Rejected => "rejected",
        ClassState::Cancelled => "cancelled",
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Filed => "filed",
        Standing::Good => "good",
        Standing::Suspended => "suspended",
        Standing::StruckOff => "struck_off",
    }
}

fn occasion(region: &Region, occasion: Occasion) -> String {
    match occasion {
        Occasion::Class(id) => names::child(region, "classes", id),
        Occasion::Session(id) => names::child(region, "sessions", id),
    }
}

/// A voucher.
pub fn voucher(region: &Region, id: &str, version: u64, voucher: &Voucher) -> v1::Voucher {
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
        pending_override: bytes(voucher.override_.as_ref().map(Override::digest)),
        pending_claw_back: bytes(
            voucher
                .claw_back
                .as_ref()
                .filter(|claw_back| claw_back.confirmed_by.is_none())
                .map(ClawBack::digest),
        ),
        correction: voucher
            .correction
            .as_ref()
            .map(|proposed| names::child(region, "people", proposed.person))
            .unwrap_or_default(),
    }
}

fn seats(region: &Region, seats: &[Seat]) -> Vec<v1::Seat> {
    let show = |(number, seat): (usize, &Seat)| v1::Seat {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        voucher: names::child(region, "vouchers", seat.voucher),
        left: seat.left.map(timestamp),
    };
    seats.iter().enumerate().map(show).collect()
}

fn sheets(region: &Region, sheets: &[hefu_domain::SheetId]) -> Vec<String> {
    sheets
        .iter()
        .map(|sheet| names::child(region, "sheets", sheet))
        .collect()
}

/// A class.
pub fn class(region: &Region, id: &str, class: &TrainingClass) -> v1::TrainingClass {
    let filing = &class.filing;
    let slot = |slot: &Slot| v1::Slot {
        date: slot.date.to_string(),
        part: match slot.part {
            DayPart::Morning => v1::DayPart::Morning,
            DayPart::Afternoon => v1::DayPart::Afternoon,
            DayPart::Evening => v1::DayPart::Evening,
        }
        .into(),
        lessons: u32::from(slot.lessons),
        modules: slot.modules.iter().map(|m| module(*m).into()).collect(),
    };
    v1::TrainingClass {
        name: names::child(region, "classes", id),
        filing: Some(v1::ClassFiling {
            plan_year: u32::from(filing.year.number()),
            programme: programme(filing.programme).into(),
            occupation: filing.occupation.to_string(),
            skill_level: u32::from(filing.level.ordinal()),
            sponsor: names::child(region, "institutions", &filing.sponsor),
            deliverer: names::child(region, "institutions", &filing.deliverer),
            payee: names::child(region, "institutions", &filing.payee),
            contract: bytes(filing.contract),
            site: filing.site.to_string(),
            trainers: filing.trainers.iter().map(ToString::to_string).collect(),
            capacity: u32::from(filing.capacity),
            putonghua: filing.putonghua,
            timetable: filing.timetable.iter().map(slot).collect(),
        }),
        state: class_state(class.state).to_owned(),
        seats: seats(region, &class.seats),
        sheets: sheets(region, &class.sheets),
        late_entries: Vec::new(),
    }
}

/// Late entries that wait for a clerk, by slot.
pub fn late_entries(waiting: &BTreeMap<u16, LateRequest>) -> Vec<v1::LateEntry> {
    let show = |(slot, request): (&u16, &LateRequest)| v1::LateEntry {
        slot: u32::from(*slot),
        entries: request.entries.iter().map(entry).collect(),
        reason: request.reason.to_string(),
        evidence: request.evidence.0.to_vec(),
        proposal: request.digest().0.to_vec(),
    };
    waiting.iter().map(show).collect()
}

fn entry(entry: &AttendanceEntry) -> v1::AttendanceEntry {
    v1::AttendanceEntry {
        seat: u32::from(entry.seat),
        lessons: u32::from(entry.lessons),
        method: match entry.method {
            Method::Face => v1::Method::Face,
            Method::Card => v1::Method::Card,
            Method::Qr => v1::Method::Qr,
            Method::Paper => v1::Method::Paper,
            Method::Online => v1::Method::Online,
        }
        .into(),
        evidence: entry.evidence.0.to_vec(),
        presence_checks: u32::from(entry.presence_checks),
    }
}

fn module(module: Module) -> v1::Module {
    match module {
        Module::Safety => v1::Module::Safety,
        Module::Fire => v1::Module::Fire,
        Module::Legal => v1::Module::Legal,
        Module::Putonghua => v1::Module::Putonghua,
    }
}

/// An assessment session.
pub fn session(region: &Region, id: &str, session: &Session) -> v1::AssessmentSession {
    let filing = &session.filing;
    v1::AssessmentSession {
        name: names::child(region, "sessions", id),
        filing: Some(v1::SessionFiling {
            plan_year: u32::from(filing.year.number()),
            body: names::child(region, "institutions", &filing.body),
            payee: names::child(region, "institutions", &filing.payee),
            occupation: filing.occupation.to_string(),
            skill_level: u32::from(filing.level.ordinal()),
            date: filing.date.to_string(),
            examiners: filing.examiners.iter().map(ToString::to_string).collect(),
            capacity: u32::from(filing.capacity),
            contract: bytes(filing.contract),
        }),
        state: class_state(session.state).to_owned(),
        seats: seats(region, &session.seats),
        sheets: sheets(region, &session.sheets),
    }
}

/// A sheet.
pub fn sheet(region: &Region, id: &str, sheet: &Sheet) -> v1::Sheet {
    let (approval, notice_until, batch) = match &sheet.state {
        SheetState::Approved {
            approval,
            notice_until,
        } => (Some(approval), Some(notice_until), None),
        SheetState::Paying {
            approval,
            notice_until,
            batch,
        }
        | SheetState::Paid {
            approval,
            notice_until,
            batch,
            ..
        } => (Some(approval), Some(notice_until), Some(batch)),
        SheetState::Open
        | SheetState::Submitted { .. }
        | SheetState::Closed
        | SheetState::Refused { .. } => (None, None, None),
    };
    let line = |line: &Line| v1::sheet::Line {
        voucher: names::child(region, "vouchers", line.voucher),
        amount_fen: line.amount.0,
        struck: line
            .struck
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    v1::Sheet {
        name: names::child(region, "sheets", id),
        occasion: occasion(region, sheet.occasion),
        number: u32::from(sheet.number),
        payee: names::child(region, "institutions", &sheet.payee),
        programme: programme(sheet.programme).into(),
        plan_year: u32::from(sheet.year.number()),
        state: sheet.state.code().to_owned(),
        lines: sheet.lines.iter().map(line).collect(),
        total_fen: sheet.total().0,
        approval: bytes(approval.copied()),
        notice_until: notice_until.map(ToString::to_string).unwrap_or_default(),
        batch: bytes(batch.copied()),
    }
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

/// An institution.
pub fn institution(region: &Region, id: &str, institution: &Institution) -> v1::Institution {
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
        standing: standing(institution.standing).to_owned(),
        has_account: institution.account.is_some(),
        owes_fen: institution.owes.0,
        pending_account: bytes(
            institution
                .pending_account
                .as_ref()
                .map(PendingAccount::digest),
        ),
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
