//! Certificates, and the people whom they make newly skilled: a person's first, and their first at 高级工 or above (2023 notice, part 2).
//!
//! A certificate counts with the pass that put it on record, until the register denies it. Whoever holds one is skilled once: if the first one
//! is denied, the next one counts instead. [`hold`] and [`lose`] are the one place for it: a certificate that comes without a voucher
//! is held with no programme, and counts in the year of the day on it, from the day of its import.

use hefu_domain::event::{Assessed, AssessmentResult, CertificatesImported};
use hefu_domain::{Date, Event, PersonId};

use super::{Of, STUDENT, vouchers};
use crate::book::{Book, FoldError};
use crate::fact::{self, CertificateFact, Fact, HeldCertificate, PersonFact};
use crate::words::Subject;

pub(super) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::Assessed(e) => assessed(book, day, e),
        Event::CertificateConfirmed(e) => {
            let id = fact::voucher(e.voucher);
            let voucher = book.voucher(&id)?;
            let person = voucher.person;
            let Some(before) = voucher.certificate.clone() else {
                return Ok(());
            };
            let denied = !e.known;
            if before.denied == denied {
                return Ok(());
            }
            let level = before.level;
            book.edit_voucher(&id)?.certificate = Some(CertificateFact { level, denied });
            match denied {
                true => lose(book, day, person, &id),
                false => hold_of(book, day, person, &id)?,
            }
            Ok(())
        }
        Event::CorrectionConfirmed(e) => {
            let id = fact::voucher(e.voucher);
            let voucher = book.edit_voucher(&id)?;
            let before = std::mem::replace(&mut voucher.person, e.person);
            let holds = voucher.certificate.as_ref().is_some_and(|one| !one.denied);
            if holds {
                lose(book, day, before, &id);
                hold_of(book, day, e.person, &id)?;
            }
            Ok(())
        }
        Event::CertificatesImported(e) => {
            imported(book, day, e);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Certificates without a voucher.
fn imported(book: &mut Book, day: Date, e: &CertificatesImported) {
    for one in &e.certificates {
        let held = HeldCertificate {
            year: one.on.year(),
            of: format!("certificate/{}", one.certificate),
            programme: None,
            category: None,
            school: None,
            level: one.level,
        };
        hold(book, day, one.person, held);
    }
}

fn assessed(book: &mut Book, day: Date, e: &Assessed) -> Result<(), FoldError> {
    let of: Of = vouchers::of(book, e.voucher)?;
    let session = book.place(&fact::session(e.session))?.clone();
    let taken = match e.result {
        AssessmentResult::Pass => ["assessed", "passed"].as_slice(),
        AssessmentResult::Fail => ["assessed"].as_slice(),
        AssessmentResult::Absent => ["absent"].as_slice(),
    };
    for measure in taken {
        book.plan(of, measure, day, 1);
        book.institution(&session.by, of, measure, day, 1);
    }
    if e.certificate.is_none() {
        return Ok(());
    }
    let id = fact::voucher(e.voucher);
    let level = session.level;
    let voucher = book.edit_voucher(&id)?;
    let person = voucher.person;
    let certificate = CertificateFact {
        level,
        denied: false,
    };
    let before = voucher.certificate.replace(certificate);
    if before.is_some_and(|before| !before.denied) {
        lose(book, day, person, &id);
    }
    hold_of(book, day, person, &id)
}

/// A person holds the certificate that is on record for a voucher.
fn hold_of(book: &mut Book, day: Date, person: PersonId, voucher: &str) -> Result<(), FoldError> {
    let of = book.voucher(voucher)?;
    let Some(certificate) = &of.certificate else {
        return Ok(());
    };
    let held = HeldCertificate {
        of: voucher.to_owned(),
        year: i16::try_from(of.year.number()).unwrap_or(i16::MAX),
        programme: Some(of.programme),
        category: Some(of.category.clone()),
        school: of.school.clone(),
        level: certificate.level,
    };
    hold(book, day, person, held);
    Ok(())
}

/// A person holds one certificate more.
pub(super) fn hold(book: &mut Book, day: Date, person: PersonId, held: HeldCertificate) {
    change(book, day, person, |all| all.push(held));
}

/// A person's certificate is none.
pub(super) fn lose(book: &mut Book, day: Date, person: PersonId, of: &str) {
    change(book, day, person, |all| all.retain(|held| held.of != of));
}

/// Changes what a person holds: what they counted for goes, what they count for comes.
fn change(
    book: &mut Book,
    day: Date,
    person: PersonId,
    change: impl FnOnce(&mut Vec<HeldCertificate>),
) {
    let id = fact::person(person);
    let mut all = match book.get(&id) {
        Some(Fact::Person(fact)) => fact.certificates.clone(),
        _ => Vec::new(),
    };
    count(book, day, &all, -1);
    change(&mut all);
    count(book, day, &all, 1);
    book.put(id, Fact::Person(PersonFact { certificates: all }));
}

/// A certificate on record.
pub(crate) const CERTIFICATES: &str = "certificates";
/// The first one of a person (新增技能人才).
pub(crate) const FIRST: &str = "first";
/// The first one at 高级工 or above (新增高技能人才).
pub(crate) const FIRST_HIGH: &str = "first_high";

fn count(book: &mut Book, day: Date, all: &[HeldCertificate], by: i64) {
    let mut one = |held: &HeldCertificate, measure: &str| {
        let programme = held.programme.map_or("none", |of| of.as_str());
        let category = held.category.as_ref().map_or("none", |of| of.as_str());
        let (year, level) = (held.year, held.level.ordinal());
        let item = format!("{year}/{programme}/{level}/{category}/{measure}");
        book.count(Subject::Certificate, item, day, by);
    };
    for held in all {
        one(held, CERTIFICATES);
    }
    if let Some(first) = all.first() {
        one(first, FIRST);
    }
    let high = |held: &&HeldCertificate| held.level.is_high_skilled();
    if let Some(first) = all.iter().find(high) {
        one(first, FIRST_HIGH);
    }
    // A school's students count for its county (part 4, item 2).
    if let Some(first) = all.first()
        && let Some(school) = &first.school
    {
        book.share(first.year, STUDENT, school.as_str(), day, by);
    }
}
