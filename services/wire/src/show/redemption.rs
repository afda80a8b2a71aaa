//! Claim sheets shown, to those who see them and to the public.

use hefu_domain::state::*;
use hefu_domain::{Date, ObjectionId, Region, SheetId};

use super::{bytes, occasion, programme};
use crate::{names, v1};

/// A sheet.
pub fn sheet(region: &Region, id: SheetId, sheet: &Sheet) -> v1::Sheet {
    let (approval, notice_until, batch) = match &sheet.state {
        SheetState::Approved {
            approval,
            notice_until,
        } => (Some(approval), notice_until.as_ref(), None),
        SheetState::Paying {
            approval,
            notice_until,
            batch,
            ..
        }
        | SheetState::Paid {
            approval,
            notice_until,
            batch,
            ..
        } => (Some(approval), notice_until.as_ref(), Some(batch)),
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
        objections: sheet
            .objections
            .iter()
            .map(|(number, raised)| objection(region, id, *number, raised))
            .collect(),
        in_bank_file: matches!(sheet.state, SheetState::Paying { in_file: true, .. }),
    }
}

fn objection(
    region: &Region,
    sheet: SheetId,
    id: ObjectionId,
    objection: &Objection,
) -> v1::Objection {
    let state = match objection.upheld {
        None => "raised",
        Some(true) => "upheld",
        Some(false) => "dismissed",
    };
    v1::Objection {
        name: names::objection(region, sheet, id),
        state: state.to_owned(),
        statement: objection.statement.0.to_vec(),
    }
}

/// The public notice of a sheet that is approved, until that day; its payee's name and its people are the server's to add.
pub fn notice(region: &Region, id: SheetId, sheet: &Sheet, until: Date) -> v1::Notice {
    v1::Notice {
        sheet: names::child(region, "sheets", id),
        occasion: occasion(region, sheet.occasion),
        payee: names::child(region, "institutions", &sheet.payee),
        programme: programme(sheet.programme).into(),
        plan_year: u32::from(sheet.year.number()),
        heads: u32::try_from(sheet.standing().count()).unwrap_or(u32::MAX),
        amount_fen: sheet.total().0,
        until: until.to_string(),
        ..v1::Notice::default()
    }
}
