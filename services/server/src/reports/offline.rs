//! The same reports out of exported logs, with no database: what an auditor recomputes.

use std::io;
use std::ops::ControlFlow;

use hefu_audit::{Files, stretches};
use hefu_domain::{Event, Instant, Region};
use hefu_log::View;
use hefu_report::{
    Ask, AskError, Book, Fact, Figures, RegionFigures, Report, build, fact_of_region,
};

/// What a report out of files came to.
pub type OfflineReport = Result<Report, AskError>;

/// Makes a report of the logs in these files. Whether they are the logs that were signed, `hefu audit verify` says.
///
/// # Errors
/// Whatever kept a file from being read; `InvalidData` where an event is none, or is not what the log before makes it.
pub fn of_logs(files: &dyn Files, ask: &Ask) -> io::Result<OfflineReport> {
    let mut books = Vec::new();
    for region in files.regions()? {
        let book = fold(files, &region)?;
        let parent = book
            .under(fact_of_region())
            .find_map(|(_, fact)| match fact {
                Fact::Region(fact) => Some(fact.parent.clone()),
                _ => None,
            });
        books.push((region, parent.flatten(), book));
    }
    let parents: Vec<_> = books
        .iter()
        .map(|(region, parent, _)| (region.clone(), parent.clone()))
        .collect();
    let Some(tree) = super::tree(ask, &parents) else {
        return Ok(Err(AskError::NoRegion(ask.region.clone())));
    };
    let book = |region: &Region| {
        let found = books.iter().find(|(of, _, _)| of == region);
        found.map(|(_, _, book)| book)
    };
    let facts = |book: &Book| -> Vec<(String, Fact)> {
        let prefixes = ask.facts();
        let under = prefixes.iter().flat_map(|prefix| book.under(prefix));
        under
            .map(|(id, fact)| (id.to_owned(), fact.clone()))
            .collect()
    };
    let own = book(&ask.region).map(&facts).unwrap_or_default();
    let wants = match ask.plan_year(&own) {
        Ok(year) => ask.wants(year),
        Err(error) => return Ok(Err(error)),
    };
    let figures = tree.into_iter().filter_map(|region| {
        let book = book(&region)?;
        let wants = wants.iter();
        Some(RegionFigures {
            facts: facts(book),
            figures: wants
                .map(|wanted| Figures::of(wanted.select(book.counts())))
                .collect(),
            region,
        })
    });
    Ok(build(ask, &figures.collect::<Vec<_>>()))
}

/// A region's whole log, epoch after epoch.
fn fold(files: &dyn Files, region: &Region) -> io::Result<Book> {
    let mut book = Book::whole();
    for stretch in stretches(files, region)? {
        let mut failed = None;
        stretch.each(files, |bytes| match one(&mut book, stretch.epoch, bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(what) => {
                failed = Some(what);
                ControlFlow::Break(())
            }
        })?;
        if let Some(what) = failed {
            let what = format!("{}: {what}", stretch.folder);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    }
    Ok(book)
}

fn one(book: &mut Book, epoch: u64, bytes: &[u8]) -> Result<(), String> {
    let view = View::read(bytes).map_err(|error| error.to_string())?;
    let at: Instant = view
        .at
        .parse()
        .map_err(|_| "an event without a time".to_owned())?;
    let event = match Event::decode(view.kind, view.body) {
        Some(Ok(event)) => event,
        Some(Err(_)) | None => return Err(format!("event {} is none", view.index)),
    };
    let folded = book.fold(at, epoch, &event);
    folded.map_err(|error| format!("event {}: {error}", view.index))
}
