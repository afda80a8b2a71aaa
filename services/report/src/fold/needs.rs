//! What must be known before an event is counted. It may be too much, never too little: the fold refuses what is missing.

use hefu_domain::state::Occasion;
use hefu_domain::{Event, PlanYear, SheetId, VoucherId};

use crate::book::Book;
use crate::fact::{self, Fact};

/// The ids of it, known or not.
pub(crate) fn needs(book: &Book, event: &Event) -> Vec<String> {
    match event {
        Event::PolicyAdopted(e) => vec![fact::policy(e.policy.year)],
        Event::CalendarAdopted(e) => vec![fact::calendar(e.year)],
        Event::InstitutionRegistered(e) => vec![fact::institution(&e.institution)],
        Event::InstitutionChanged(e) => vec![fact::institution(&e.institution)],
        Event::ClassifiedRegistered(e) => vec![fact::institution(&e.institution)],
        Event::TargetsSet(e) => vec![fact::year(e.year)],
        Event::Applied(e) => vec![fact::policy(e.year)],
        Event::Issued(e) => vec![fact::voucher(e.voucher)],
        Event::OverrideConfirmed(e) => vec![fact::voucher(e.voucher)],
        Event::Withdrawn(e)
        | Event::ApplicationRejected(e)
        | Event::Revoked(e)
        | Event::Expired(e)
        | Event::ClaimVoucherRefused(e) => with_sheet(book, e.voucher),
        Event::Reclaimed(e) => vec![fact::voucher(e.voucher)],
        Event::Enrolled(e) => vec![fact::voucher(e.voucher), fact::class(e.class)],
        Event::Dropped(e) => vec![fact::voucher(e.voucher), fact::class(e.class)],
        Event::Completed(e) => vec![fact::voucher(e.voucher), fact::class(e.class)],
        Event::WrittenOff(e) => vec![fact::voucher(e.voucher)],
        Event::ClawBackProposed(e) => vec![fact::voucher(e.voucher)],
        Event::ClawBackConfirmed(e) => vec![fact::voucher(e.voucher)],
        Event::ClawBackReceived(e) => vec![fact::voucher(e.voucher)],
        Event::Assessed(e) => {
            let mut needs = with_person(book, e.voucher);
            needs.push(fact::session(e.session));
            needs
        }
        Event::CertificateConfirmed(e) => with_person(book, e.voucher),
        Event::CertificatesImported(e) => {
            let people = e.certificates.iter().map(|one| one.person);
            people.map(fact::person).collect()
        }
        Event::CorrectionConfirmed(e) => {
            let mut needs = with_person(book, e.voucher);
            needs.push(fact::person(e.person));
            needs
        }
        Event::Redeemed(e) => {
            let at = match e.occasion {
                Occasion::Class(id) => fact::class(id),
                Occasion::Session(id) => fact::session(id),
            };
            vec![fact::voucher(e.voucher), fact::sheet(e.sheet), at]
        }
        Event::StruckOut(e) => vec![fact::voucher(e.voucher), fact::sheet(e.sheet)],
        Event::ClaimApproved(e) => with_vouchers(book, e.sheet),
        Event::PayoutRecorded(e) => {
            let mut needs = with_vouchers(book, e.sheet);
            needs.extend(years(book, e.sheet));
            needs
        }
        Event::PayoutReturned(e) => with_vouchers(book, e.sheet),
        Event::PlanYearClosed(e) => {
            let carried = e.carried.iter();
            let mut needs: Vec<String> = carried
                .flat_map(|sheet| with_vouchers(book, *sheet))
                .collect();
            needs.push(fact::year(e.year));
            needs
        }
        Event::ClassChanged(e) => vec![fact::class(e.class)],
        Event::ClassApproved(e) => vec![fact::class(e.class)],
        Event::ClassFinished(e) => vec![fact::class(e.class)],
        Event::ClassCancelled(e) => vec![fact::class(e.class)],
        Event::SessionFinished(e) => vec![fact::session(e.session)],
        Event::SessionCancelled(e) => vec![fact::session(e.session)],
        _ => Vec::new(),
    }
}

/// A voucher, and the sheet that it is on.
fn with_sheet(book: &Book, id: VoucherId) -> Vec<String> {
    let id = fact::voucher(id);
    let mut needs = Vec::with_capacity(2);
    if let Some(Fact::Voucher(voucher)) = book.get(&id) {
        needs.extend(voucher.sheet.map(fact::sheet));
    }
    needs.push(id);
    needs
}

/// A voucher, and whose it is.
fn with_person(book: &Book, id: VoucherId) -> Vec<String> {
    let id = fact::voucher(id);
    let mut needs = Vec::with_capacity(3);
    if let Some(Fact::Voucher(voucher)) = book.get(&id) {
        needs.push(fact::person(voucher.person));
    }
    needs.push(id);
    needs
}

/// A sheet, and the vouchers on it.
fn with_vouchers(book: &Book, id: SheetId) -> Vec<String> {
    let id = fact::sheet(id);
    let mut needs = Vec::new();
    if let Some(Fact::Sheet(sheet)) = book.get(&id) {
        needs.extend(
            sheet
                .lines
                .iter()
                .map(|(voucher, _)| fact::voucher(*voucher)),
        );
    }
    needs.push(id);
    needs
}

/// The plan years whose accounts a sheet's money may have gone on to.
fn years(book: &Book, id: SheetId) -> Vec<String> {
    let mut needs = Vec::new();
    let Some(Fact::Sheet(sheet)) = book.get(&fact::sheet(id)) else {
        return needs;
    };
    for (voucher, _) in &sheet.lines {
        if let Some(Fact::Voucher(voucher)) = book.get(&fact::voucher(*voucher))
            && let Some((money, _)) = &voucher.money
        {
            needs.extend(from(book, money.year));
        }
    }
    needs.sort();
    needs.dedup();
    needs
}

/// A year, and while they are closed those after it.
fn from(book: &Book, mut year: PlanYear) -> Vec<String> {
    let mut needs = vec![fact::year(year)];
    while let Some(Fact::Year(known)) = book.get(&fact::year(year))
        && known.closed
    {
        year = year.next();
        needs.push(fact::year(year));
    }
    needs
}
