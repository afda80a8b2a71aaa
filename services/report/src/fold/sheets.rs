//! Claim sheets: claimed, approved, paid, returned, with the money of each line.

use hefu_domain::event::{
    ClaimApproved, PayoutRecorded, PayoutReturned, Redeemed, StruckOut, VoucherEnded,
};
use hefu_domain::state::Money;
use hefu_domain::{Date, Event, Fen, InstitutionId, SheetId, VoucherId};

use super::{Of, vouchers};
use crate::book::{Book, FoldError};
use crate::fact::{self, Bucket, Fact, SheetFact};

pub(super) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::Redeemed(e) => redeemed(book, day, e),
        Event::StruckOut(e) => struck_out(book, day, e),
        Event::ClaimVoucherRefused(e) => {
            not_approved_any_more(book, day, e.voucher)?;
            vouchers::ended(book, day, e)
        }
        Event::Reclaimed(e) => {
            book.shift(day, &e.money, None, Some(Bucket::Reserved));
            let money = Some((e.money.clone(), Bucket::Reserved));
            book.edit_voucher(&fact::voucher(e.voucher))?.money = money;
            Ok(())
        }
        Event::ClaimApproved(e) => approved(book, day, e),
        Event::PayoutRecorded(e) => paid(book, day, e),
        Event::PayoutReturned(e) => returned(book, day, e),
        _ => Ok(()),
    }
}

/// What a sheet is of, and who is paid.
fn of(book: &Book, id: SheetId) -> Result<(Of, InstitutionId), FoldError> {
    let sheet = book.sheet(&fact::sheet(id))?;
    Ok((Of(sheet.year, sheet.programme), sheet.payee.clone()))
}

/// Counts people and their money, of the plan and of whoever is paid.
fn count(
    book: &mut Book,
    day: Date,
    (of, payee): &(Of, InstitutionId),
    (people, money): (&str, &str),
    by: (i64, i64),
) {
    for (measure, by) in [(people, by.0), (money, by.1)] {
        book.plan(*of, measure, day, by);
        book.institution(payee, *of, measure, day, by);
    }
}

const CLAIMED: (&str, &str) = ("claimed", "claimed_fen");
const APPROVED: (&str, &str) = ("approved", "approved_fen");
const PAID: (&str, &str) = ("paid", "paid_fen");

fn redeemed(book: &mut Book, day: Date, e: &Redeemed) -> Result<(), FoldError> {
    let id = fact::sheet(e.sheet);
    if e.opened.is_some() {
        let Of(year, programme) = vouchers::of(book, e.voucher)?;
        let payee = book.place(&fact::occasion(e.occasion))?.payee.clone();
        let sheet = SheetFact {
            year,
            programme,
            payee,
            lines: Vec::new(),
            paid: false,
        };
        book.put(id.clone(), Fact::Sheet(sheet));
    }
    book.edit_sheet(&id)?.lines.push((e.voucher, e.amount));
    book.edit_voucher(&fact::voucher(e.voucher))?.sheet = Some(e.sheet);
    let of = of(book, e.sheet)?;
    count(book, day, &of, CLAIMED, (1, e.amount.0));
    Ok(())
}

/// An approved voucher leaves its sheet.
fn not_approved_any_more(book: &mut Book, day: Date, id: VoucherId) -> Result<(), FoldError> {
    let voucher = book.voucher(&fact::voucher(id))?;
    if let (Some((money, Bucket::Payable)), Some(sheet)) = (&voucher.money, voucher.sheet) {
        let amount = money.amount.0;
        let of = of(book, sheet)?;
        count(book, day, &of, APPROVED, (-1, -amount));
    }
    Ok(())
}

fn struck_out(book: &mut Book, day: Date, e: &StruckOut) -> Result<(), FoldError> {
    not_approved_any_more(book, day, e.voucher)?;
    let sheet = book.edit_sheet(&fact::sheet(e.sheet))?;
    sheet.lines.retain(|(voucher, _)| *voucher != e.voucher);
    let voucher = book.edit_voucher(&fact::voucher(e.voucher))?;
    voucher.sheet = None;
    if e.refuse {
        let ended = VoucherEnded {
            voucher: e.voucher,
            by: None,
            reason: None,
            release: e.release.clone(),
            frees: Vec::new(),
        };
        return vouchers::ended(book, day, &ended);
    }
    // Back to Completed: what was owed is reserved again.
    if let Some((money, bucket @ Bucket::Payable)) = &mut voucher.money {
        *bucket = Bucket::Reserved;
        let money = money.clone();
        book.shift(day, &money, Some(Bucket::Payable), Some(Bucket::Reserved));
    }
    Ok(())
}

fn approved(book: &mut Book, day: Date, e: &ClaimApproved) -> Result<(), FoldError> {
    let lines = book.sheet(&fact::sheet(e.sheet))?.lines.clone();
    for ((voucher, amount), rest) in lines.iter().zip(&e.released) {
        let voucher = book.edit_voucher(&fact::voucher(*voucher))?;
        let Some((money, bucket)) = &mut voucher.money else {
            continue;
        };
        (money.amount, *bucket) = (*amount, Bucket::Payable);
        let money = money.clone();
        let rest = Money {
            amount: *rest,
            ..money.clone()
        };
        book.shift(day, &rest, Some(Bucket::Reserved), None);
        book.shift(day, &money, Some(Bucket::Reserved), Some(Bucket::Payable));
    }
    let of = of(book, e.sheet)?;
    count(book, day, &of, APPROVED, sums(&lines));
    Ok(())
}

fn paid(book: &mut Book, day: Date, e: &PayoutRecorded) -> Result<(), FoldError> {
    let sheet = book.edit_sheet(&fact::sheet(e.sheet))?;
    sheet.paid = true;
    let lines = sheet.lines.clone();
    for (voucher, _) in &lines {
        let id = fact::voucher(*voucher);
        let Some((mut money, _)) = book.voucher(&id)?.money.clone() else {
            continue;
        };
        // What was owed when a year closed is owed by the next one's account.
        money.year = book.current_year(money.year);
        book.shift(day, &money, Some(Bucket::Payable), Some(Bucket::Paid));
        book.edit_voucher(&id)?.money = Some((money, Bucket::Paid));
    }
    let of = of(book, e.sheet)?;
    count(book, day, &of, PAID, sums(&lines));
    Ok(())
}

fn returned(book: &mut Book, day: Date, e: &PayoutReturned) -> Result<(), FoldError> {
    let sheet = book.edit_sheet(&fact::sheet(e.sheet))?;
    // The bank may return what it never confirmed.
    if !std::mem::take(&mut sheet.paid) {
        return Ok(());
    }
    let lines = sheet.lines.clone();
    for (voucher, _) in &lines {
        let id = fact::voucher(*voucher);
        let Some((paid_by, _)) = book.voucher(&id)?.money.clone() else {
            continue;
        };
        let year = e.owed_by.unwrap_or(paid_by.year);
        book.give_back(day, &paid_by, year, Some(Bucket::Payable));
        let money = Money { year, ..paid_by };
        book.edit_voucher(&id)?.money = Some((money, Bucket::Payable));
    }
    let of = of(book, e.sheet)?;
    let (people, fen) = sums(&lines);
    count(book, day, &of, PAID, (-people, -fen));
    Ok(())
}

/// People and fen of a sheet's lines.
fn sums(lines: &[(VoucherId, Fen)]) -> (i64, i64) {
    let people = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    (people, lines.iter().map(|(_, amount)| amount.0).sum())
}
