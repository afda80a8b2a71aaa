//! Classes and assessment sessions, of whoever teaches or assesses.

use hefu_domain::state::{ClassFiling, SessionFiling};
use hefu_domain::{Date, Event, Programme};

use super::Of;
use crate::book::{Book, FoldError};
use crate::fact::{self, Fact, PlaceFact};

pub(super) fn fold(book: &mut Book, day: Date, event: &Event) -> Result<(), FoldError> {
    match event {
        Event::ClassFiled(e) => {
            let id = fact::class(e.class);
            book.put(id.clone(), Fact::Place(of_class(&e.filing)));
            count(book, day, &id, "classes_filed")
        }
        Event::ClassChanged(e) => {
            // A class that is filed anew under another programme or deliverer has been filed by them, not by those before.
            let id = fact::class(e.class);
            uncount(book, day, &id, "classes_filed")?;
            *book.edit_place(&id)? = of_class(&e.filing);
            count(book, day, &id, "classes_filed")
        }
        Event::ClassApproved(e) => count(book, day, &fact::class(e.class), "classes_approved"),
        Event::ClassFinished(e) => count(book, day, &fact::class(e.class), "classes_finished"),
        Event::ClassCancelled(e) => count(book, day, &fact::class(e.class), "classes_cancelled"),
        Event::SessionFiled(e) => {
            let id = fact::session(e.session);
            book.put(id.clone(), Fact::Place(of_session(&e.filing)));
            count(book, day, &id, "sessions_filed")
        }
        Event::SessionFinished(e) => {
            count(book, day, &fact::session(e.session), "sessions_finished")
        }
        Event::SessionCancelled(e) => {
            count(book, day, &fact::session(e.session), "sessions_cancelled")
        }
        _ => Ok(()),
    }
}

fn of_class(filing: &ClassFiling) -> PlaceFact {
    PlaceFact {
        year: filing.year,
        programme: filing.programme,
        by: filing.deliverer.clone(),
        payee: filing.payee.clone(),
        level: filing.level,
        brand: filing.brand.clone(),
    }
}

fn of_session(filing: &SessionFiling) -> PlaceFact {
    PlaceFact {
        year: filing.year,
        programme: Programme::Assessment,
        by: filing.body.clone(),
        payee: filing.payee.clone(),
        level: filing.level,
        brand: None,
    }
}

fn count(book: &mut Book, day: Date, id: &str, measure: &str) -> Result<(), FoldError> {
    by(book, day, id, measure, 1)
}

fn uncount(book: &mut Book, day: Date, id: &str, measure: &str) -> Result<(), FoldError> {
    by(book, day, id, measure, -1)
}

fn by(book: &mut Book, day: Date, id: &str, measure: &str, by: i64) -> Result<(), FoldError> {
    let place = book.place(id)?.clone();
    let of = Of(place.year, place.programme);
    book.institution(&place.by, of, measure, day, by);
    Ok(())
}
