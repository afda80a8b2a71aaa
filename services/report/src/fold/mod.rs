//! What each event changes in the counters. Amounts, people and days are the event's own, or follow from the events before it, as the
//! rules' `apply` has them; where both count the same (accounts, states of vouchers) the tests hold one against the other.

mod certificates;
mod funds;
mod institutions;
mod needs;
mod sheets;
mod vouchers;

use hefu_domain::calendar::Calendar;
use hefu_domain::policy::{Adopted, Programme};
use hefu_domain::{Date, Event, InstitutionId, PlanYear};

use crate::book::{Book, FoldError};
use crate::fact::{
    self, Fact, InstitutionFact, PersonFact, PlaceFact, PolicyFact, RegionFact, SheetFact, Since,
    VoucherFact, YearFact,
};
use crate::words::Subject;

pub(crate) use certificates::{CERTIFICATES, FIRST, FIRST_HIGH};
pub(crate) use funds::{ALLOCATED, AVAILABLE, PAID, PAYABLE, RESERVED};
pub(crate) use needs::needs;

/// Typed access to what the log before must have made.
macro_rules! known {
    ($($get:ident, $edit:ident -> $kind:ident($fact:ty);)+) => {
        impl Book {$(
            #[allow(dead_code)] // some are only edited
            pub(crate) fn $get(&self, id: &str) -> Result<&$fact, FoldError> {
                match self.get(id) {
                    Some(Fact::$kind(fact)) => Ok(fact),
                    _ => Err(FoldError { id: id.to_owned() }),
                }
            }

            #[allow(dead_code)] // some are only read
            pub(crate) fn $edit(&mut self, id: &str) -> Result<&mut $fact, FoldError> {
                match self.edit(id)? {
                    Fact::$kind(fact) => Ok(fact),
                    _ => Err(FoldError { id: id.to_owned() }),
                }
            }
        )+}
    };
}

known! {
    year, edit_year -> Year(YearFact);
    place, edit_place -> Place(PlaceFact);
    voucher, edit_voucher -> Voucher(VoucherFact);
    sheet, edit_sheet -> Sheet(SheetFact);
    person, edit_person -> Person(PersonFact);
}

/// Counts one event. What changes no figure of a report changes nothing here.
pub(crate) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::RegionOpened(e) => {
            let fact = RegionFact {
                parent: e.parent.clone(),
                name: e.name.clone(),
                name_en: e.name_en.clone(),
            };
            book.put(fact::REGION.to_owned(), Fact::Region(fact));
            Ok(())
        }
        Event::PolicyAdopted(e) => policy_adopted(book, day, e),
        Event::CalendarAdopted(e) => calendar_adopted(book, day, e),
        Event::InstitutionRegistered(e) => {
            let what = InstitutionFact {
                name: e.record.name.clone(),
                capacities: e.record.capacities.clone(),
                affiliation: e.record.affiliation.clone(),
            };
            institution_registered(book, day, &e.institution, what)
        }
        Event::InstitutionChanged(e) => {
            let what = InstitutionFact {
                name: e.name.clone(),
                capacities: e.capacities.clone(),
                affiliation: e.affiliation.clone(),
            };
            institution_registered(book, day, &e.institution, what)
        }
        Event::ClassifiedRegistered(e) => {
            let what = InstitutionFact {
                name: String::new(),
                capacities: e.capacities.clone(),
                affiliation: None,
            };
            institution_registered(book, day, &e.institution, what)
        }
        Event::PlanYearOpened(e) => {
            let fact = YearFact {
                opened: day,
                closed: false,
                targets: Default::default(),
            };
            book.put(fact::year(e.year), Fact::Year(fact));
            Ok(())
        }
        Event::TargetsSet(e) => {
            for (code, people) in &e.targets {
                let targets = &mut book.edit_year(&fact::year(e.year))?.targets;
                let before = targets.insert(code.clone(), *people).unwrap_or_default();
                let by = i64::from(*people) - i64::from(before);
                book.count(Subject::Target, format!("{}/{code}", e.year), day, by);
            }
            Ok(())
        }
        Event::Applied(_)
        | Event::Issued(_)
        | Event::OverrideConfirmed(_)
        | Event::Withdrawn(_)
        | Event::ApplicationRejected(_)
        | Event::Revoked(_)
        | Event::Expired(_)
        | Event::Enrolled(_)
        | Event::Dropped(_)
        | Event::Completed(_)
        | Event::WrittenOff(_)
        | Event::ClawBackProposed(_)
        | Event::ClawBackConfirmed(_)
        | Event::ClawBackReceived(_) => vouchers::fold(book, day, event),
        Event::Assessed(_)
        | Event::CertificateConfirmed(_)
        | Event::CertificatesImported(_)
        | Event::CorrectionConfirmed(_) => certificates::fold(book, day, event),
        Event::Redeemed(_)
        | Event::StruckOut(_)
        | Event::ClaimVoucherRefused(_)
        | Event::Reclaimed(_)
        | Event::ClaimApproved(_)
        | Event::PayoutRecorded(_)
        | Event::PayoutReturned(_) => sheets::fold(book, day, event),
        Event::FundsAppropriated(_)
        | Event::FundsAllocatedOut(_)
        | Event::FundsAllocatedIn(_)
        | Event::PlanYearClosed(_) => funds::fold(book, day, event),
        Event::ClassFiled(_)
        | Event::ClassChanged(_)
        | Event::ClassApproved(_)
        | Event::ClassFinished(_)
        | Event::ClassCancelled(_)
        | Event::SessionFiled(_)
        | Event::SessionFinished(_)
        | Event::SessionCancelled(_) => institutions::fold(book, day, event),
        _ => Ok(()),
    }
}

fn policy_adopted(book: &mut Book, day: Date, e: &Adopted) -> Result<(), FoldError> {
    let rules = e.policy.programmes.iter();
    let counts = rules.filter_map(|(of, rules)| Some((*of, rules.counts_towards.clone()?)));
    let categories = e.policy.categories.iter();
    let graduating = categories.filter(|(_, rules)| rules.graduating);
    let what = PolicyFact {
        dates: e.policy.dates.clone(),
        counts_towards: counts.collect(),
        graduating: graduating
            .map(|(category, rules)| (category.clone(), rules.requires.keys().cloned().collect()))
            .collect(),
        brands: e.policy.brands.clone(),
        reports: e.policy.reports.as_deref().cloned(),
    };
    // What a report asks of it takes effect with its adoption: reports look at whole years.
    let id = fact::policy(e.policy.year);
    let mut all = match book.get(&id) {
        Some(Fact::Policy(all)) => all.clone(),
        _ => Vec::new(),
    };
    all.push(Since { day, what });
    book.put(id, Fact::Policy(all));
    Ok(())
}

fn calendar_adopted(book: &mut Book, day: Date, e: &Calendar) -> Result<(), FoldError> {
    let id = fact::calendar(e.year);
    let mut all = match book.get(&id) {
        Some(Fact::Calendar(all)) => all.clone(),
        _ => Vec::new(),
    };
    let what = e.clone();
    all.push(Since { day, what });
    book.put(id, Fact::Calendar(all));
    Ok(())
}

fn institution_registered(
    book: &mut Book,
    day: Date,
    of: &InstitutionId,
    what: InstitutionFact,
) -> Result<(), FoldError> {
    let id = fact::institution(of);
    let mut all = match book.get(&id) {
        Some(Fact::Institution(all)) => all.clone(),
        _ => Vec::new(),
    };
    all.push(Since { day, what });
    book.put(id, Fact::Institution(all));
    Ok(())
}

/// Staff trained, by host enterprise.
pub(crate) const STAFF: &str = "staff";
/// People trained for a local brand.
pub(crate) const BRAND: &str = "brand";
/// First certificates of graduating students, by school.
pub(crate) const STUDENT: &str = "student";

/// Where a voucher, class or sheet counts.
#[derive(Clone, Copy)]
pub(crate) struct Of(pub(crate) PlanYear, pub(crate) Programme);

impl Book {
    /// Counts vouchers, or their money, of a plan year and programme.
    pub(crate) fn plan(&mut self, Of(year, programme): Of, measure: &str, day: Date, by: i64) {
        let item = format!("{year}/{}/{measure}", programme.as_str());
        self.count(Subject::Plan, item, day, by);
    }

    /// Counts people of whom a share is asked for: of an institution's, or of a brand.
    pub(crate) fn share(
        &mut self,
        year: impl std::fmt::Display,
        of: &str,
        which: &str,
        day: Date,
        by: i64,
    ) {
        self.count(Subject::Share, format!("{year}/{of}/{which}"), day, by);
    }

    /// Counts what an institution did or was paid.
    pub(crate) fn institution(
        &mut self,
        who: &InstitutionId,
        Of(year, programme): Of,
        measure: &str,
        day: Date,
        by: i64,
    ) {
        let item = format!("{who}/{year}/{}/{measure}", programme.as_str());
        self.count(Subject::Institution, item, day, by);
    }
}
