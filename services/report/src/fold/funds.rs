//! Accounts: allocated = available + reserved + payable + paid, as the events move money (DOMAIN.md, section 6).

use hefu_domain::event::PlanYearClosed;
use hefu_domain::state::Money;
use hefu_domain::{Date, Event, Fen, PlanYear, Source};

use crate::book::{Book, FoldError};
use crate::fact::{self, Bucket, Fact};
use crate::words::Subject;

/// 已下达.
pub(crate) const ALLOCATED: &str = "allocated";
/// 可用.
pub(crate) const AVAILABLE: &str = "available";
/// 预留.
pub(crate) const RESERVED: &str = "reserved";
/// 应付.
pub(crate) const PAYABLE: &str = "payable";
/// 已付.
pub(crate) const PAID: &str = "paid";

impl Bucket {
    fn name(self) -> &'static str {
        match self {
            Bucket::Reserved => RESERVED,
            Bucket::Payable => PAYABLE,
            Bucket::Paid => PAID,
        }
    }
}

pub(super) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::FundsAppropriated(e) => credit(book, day, e.year, &e.source, e.amount),
        Event::FundsAllocatedIn(e) => credit(book, day, e.year, &e.source, e.amount),
        Event::FundsAllocatedOut(e) => {
            let out = Fen(-e.amount.0);
            credit(book, day, e.year, &e.source, out);
        }
        Event::PlanYearClosed(e) => return closed(book, day, e),
        _ => {}
    }
    Ok(())
}

/// Money enters an account, or leaves it.
fn credit(book: &mut Book, day: Date, year: PlanYear, source: &Source, amount: Fen) {
    book.fund(day, year, source, ALLOCATED, amount.0);
    book.fund(day, year, source, AVAILABLE, amount.0);
}

/// What is owed and the rest go on to the next year's account of the same source.
fn closed(book: &mut Book, day: Date, e: &PlanYearClosed) -> Result<(), FoldError> {
    for carried in &e.accounts {
        let all = carried.payable.0 + carried.rest.0;
        for (year, sign) in [(e.year, -1), (e.year.next(), 1)] {
            let source = &carried.source;
            book.fund(day, year, source, ALLOCATED, sign * all);
            book.fund(day, year, source, PAYABLE, sign * carried.payable.0);
            book.fund(day, year, source, AVAILABLE, sign * carried.rest.0);
        }
    }
    for sheet in &e.carried {
        let sheet = book.sheet(&fact::sheet(*sheet))?;
        // What is paid already stays in the old account.
        if sheet.paid {
            continue;
        }
        for (voucher, _) in sheet.lines.clone() {
            let id = fact::voucher(voucher);
            if let Some((money, _)) = &book.voucher(&id)?.money
                && money.year == e.year
                && let Some((money, _)) = &mut book.edit_voucher(&id)?.money
            {
                money.year = e.year.next();
            }
        }
    }
    book.edit_year(&fact::year(e.year))?.closed = true;
    Ok(())
}

impl Book {
    fn fund(&mut self, day: Date, year: PlanYear, source: &Source, bucket: &str, by: i64) {
        let item = format!("{year}/{source}/{bucket}");
        self.count(Subject::Fund, item, day, by);
    }

    /// Moves a voucher's money from one bucket of its account to another; none is the available rest.
    pub(super) fn shift(
        &mut self,
        day: Date,
        money: &Money,
        from: Option<Bucket>,
        to: Option<Bucket>,
    ) {
        let name = |bucket: Option<Bucket>| bucket.map_or(AVAILABLE, Bucket::name);
        self.fund(day, money.year, &money.source, name(from), -money.amount.0);
        self.fund(day, money.year, &money.source, name(to), money.amount.0);
    }

    /// Paid money comes back into a bucket: its own account's, or after the year's closing the current one's.
    pub(super) fn give_back(
        &mut self,
        day: Date,
        paid_by: &Money,
        into: PlanYear,
        to: Option<Bucket>,
    ) {
        if into == paid_by.year {
            return self.shift(day, paid_by, Some(Bucket::Paid), to);
        }
        let (source, amount) = (&paid_by.source, paid_by.amount.0);
        self.fund(day, paid_by.year, source, PAID, -amount);
        self.fund(day, paid_by.year, source, ALLOCATED, -amount);
        self.fund(day, into, source, ALLOCATED, amount);
        let to = to.map_or(AVAILABLE, Bucket::name);
        self.fund(day, into, source, to, amount);
    }

    /// The plan year whose account holds now what an account owed: its own, or the first after it that is not closed.
    pub(super) fn current_year(&self, mut year: PlanYear) -> PlanYear {
        while let Some(Fact::Year(known)) = self.get(&fact::year(year))
            && known.closed
        {
            year = year.next();
        }
        year
    }
}
