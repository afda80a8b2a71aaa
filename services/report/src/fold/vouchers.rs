//! Single vouchers: applied for, issued, trained, ended, written off, claimed back.

use hefu_domain::event::{Applied, VoucherEnded};
use hefu_domain::state::Money;
use hefu_domain::{Date, Event, Fen, InstitutionId, Programme, VoucherId};

use super::{BRAND, Of, STAFF};
use crate::book::{Book, FoldError};
use crate::fact::{self, Bucket, Fact, VoucherFact};

pub(super) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::Applied(e) => applied(book, day, e),
        Event::Issued(e) => {
            let of = of(book, e.voucher)?;
            book.shift(day, &e.money, None, Some(Bucket::Reserved));
            let money = Some((e.money.clone(), Bucket::Reserved));
            book.edit_voucher(&fact::voucher(e.voucher))?.money = money;
            book.plan(of, "issued", day, 1);
        }
        Event::OverrideConfirmed(e) => set_reserve(book, day, e.voucher, e.reserve)?,
        Event::Enrolled(e) => {
            set_reserve(book, day, e.voucher, e.reserve)?;
            in_class(book, day, e.voucher, &fact::class(e.class), "enrolled")?;
        }
        Event::Dropped(e) => in_class(book, day, e.voucher, &fact::class(e.class), "dropped")?,
        Event::Completed(e) => {
            let class = fact::class(e.class);
            in_class(book, day, e.voucher, &class, "completed")?;
            shares(book, day, &class)?;
        }
        Event::Withdrawn(e) | Event::ApplicationRejected(e) | Event::Revoked(e) => {
            ended(book, day, e)?;
        }
        Event::Expired(e) => {
            // Its line on an open sheet is struck out.
            let id = fact::voucher(e.voucher);
            if let Some(sheet) = book.voucher(&id)?.sheet {
                book.edit_voucher(&id)?.sheet = None;
                let sheet = book.edit_sheet(&fact::sheet(sheet))?;
                sheet.lines.retain(|(voucher, _)| *voucher != e.voucher);
            }
            ended(book, day, e)?;
        }
        Event::WrittenOff(e) => {
            let of = of(book, e.voucher)?;
            book.plan(of, "written_off", day, 1);
        }
        Event::ClawBackProposed(e) => {
            let owed = (e.claw_back.payee.clone(), e.claw_back.amount);
            book.edit_voucher(&fact::voucher(e.voucher))?.claw_back = Some(owed);
        }
        Event::ClawBackConfirmed(e) => {
            let of = of(book, e.voucher)?;
            let id = fact::voucher(e.voucher);
            let owed = book.voucher(&id)?.claw_back.clone();
            let (payee, amount) = owed.ok_or(FoldError { id })?;
            book.plan(of, "clawed_back", day, 1);
            book.plan(of, "clawed_back_fen", day, amount.0);
            book.institution(&payee, of, "clawed_back_fen", day, amount.0);
        }
        Event::ClawBackReceived(e) => {
            let id = fact::voucher(e.voucher);
            let money = book.voucher(&id)?.money.clone();
            let (money, _) = money.ok_or(FoldError { id })?;
            let amount = e.amount;
            book.give_back(day, &Money { amount, ..money }, e.year, None);
        }
        _ => {}
    }
    Ok(())
}

/// Where a voucher counts.
pub(super) fn of(book: &Book, id: VoucherId) -> Result<Of, FoldError> {
    let voucher = book.voucher(&fact::voucher(id))?;
    Ok(Of(voucher.year, voucher.programme))
}

fn applied(book: &mut Book, day: Date, e: &Applied) {
    let fact = VoucherFact {
        person: e.person,
        year: e.year,
        programme: e.programme,
        category: e.category.clone(),
        school: school(book, e),
        money: None,
        sheet: None,
        certificate: None,
        claw_back: None,
    };
    book.put(fact::voucher(e.voucher), Fact::Voucher(fact));
    book.plan(Of(e.year, e.programme), "applied", day, 1);
}

/// Somebody enters a class, leaves it or completes it.
fn in_class(
    book: &mut Book,
    day: Date,
    id: VoucherId,
    class: &str,
    measure: &str,
) -> Result<(), FoldError> {
    let of = of(book, id)?;
    let deliverer = book.place(class)?.by.clone();
    book.plan(of, measure, day, 1);
    book.institution(&deliverer, of, measure, day, 1);
    Ok(())
}

/// Somebody trained counts towards the shares that are asked for: the host enterprise's and the brand's (part 3, items 2 and 6).
fn shares(book: &mut Book, day: Date, class: &str) -> Result<(), FoldError> {
    let place = book.place(class)?.clone();
    if place.programme == Programme::EnterpriseStaff {
        book.share(place.year, STAFF, place.payee.as_str(), day, 1);
    }
    if let Some(brand) = &place.brand {
        book.share(place.year, BRAND, brand.as_str(), day, 1);
    }
    Ok(())
}

/// The school that a register's answer names: one to a check that proves the category of a person in their graduating year.
fn school(book: &Book, e: &Applied) -> Option<InstitutionId> {
    let Some(Fact::Policy(all)) = book.get(&fact::policy(e.year)) else {
        return None;
    };
    let checks = all.last()?.what.graduating.get(&e.category)?;
    let mut proofs = e.answers.iter().filter(|one| checks.contains(&one.check));
    proofs.find_map(|one| one.employer.clone())
}

/// Sets what is reserved for a voucher, up or down.
fn set_reserve(book: &mut Book, day: Date, id: VoucherId, reserve: Fen) -> Result<(), FoldError> {
    let Some((money, _)) = &mut book.edit_voucher(&fact::voucher(id))?.money else {
        return Ok(());
    };
    let more = Fen(reserve.0 - money.amount.0);
    money.amount = reserve;
    let money = money.clone();
    let more = Money {
        amount: more,
        ..money
    };
    book.shift(day, &more, None, Some(Bucket::Reserved));
    Ok(())
}

/// A voucher's life ends unpaid: its money is available again.
pub(super) fn ended(book: &mut Book, day: Date, e: &VoucherEnded) -> Result<(), FoldError> {
    let voucher = book.edit_voucher(&fact::voucher(e.voucher))?;
    let bucket = voucher.money.take().map(|(_, bucket)| bucket);
    if let Some(released) = &e.release {
        let bucket = bucket.unwrap_or(Bucket::Reserved);
        book.shift(day, released, Some(bucket), None);
    }
    Ok(())
}
