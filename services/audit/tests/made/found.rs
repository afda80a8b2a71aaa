//! What is found of a folder, by one thread and by two alike.

use std::fs;
use std::path::Path;

use hefu_audit::Dir;
use hefu_audit::verify::{Asked, Check, Failure, Head, Keys, Report, verify};
use hefu_domain::Event;
use hefu_log::NoteSigner;

use super::{COUNTY, Chain, History, county, put};

pub(crate) fn asked(signers: &[&NoteSigner]) -> Asked {
    let lines: Vec<String> = signers
        .iter()
        .map(|signer| signer.vkey().to_string())
        .collect();
    Asked::all(Keys::from_outside(&lines.join("\n")).unwrap())
}

pub(crate) fn run(dir: &Path, asked: &Asked) -> Report {
    run_with_heads(dir, asked, &[])
}

pub(crate) fn run_with_heads(dir: &Path, asked: &Asked, heads: &[Head]) -> Report {
    let heads = || Ok(heads.to_vec());
    verify(&Dir::new(dir), asked, &heads, |_| (), |_, ()| {}).unwrap()
}

/// The failure of an export, however it is verified.
pub(crate) fn failure(dir: &Path, asked: &Asked) -> Failure {
    let report = any(dir, asked);
    assert!(!report.verified);
    report.failure.expect("something is wrong with it")
}

pub(crate) fn holds(dir: &Path, asked: &Asked) -> Report {
    let report = any(dir, asked);
    assert_eq!(report.failure, None);
    report
}

/// What is found by one thread and by two, in memory and in temporary files alike.
fn any(dir: &Path, asked: &Asked) -> Report {
    let ways = [(1, asked.streams), (2, asked.streams), (2, 0), (1, 20)];
    let [one, others @ ..] = ways.map(|(threads, streams)| {
        let asked = asked.clone();
        run(
            dir,
            &Asked {
                threads,
                streams,
                ..asked
            },
        )
    });
    for other in others {
        assert_eq!(one, other);
    }
    one
}

#[track_caller]
pub(crate) fn expect(failure: &Failure, check: impl Into<Check>, index: u64) {
    assert_eq!(
        (failure.check, failure.index),
        (check.into(), index),
        "{failure}"
    );
}

pub(crate) fn flip(folder: &Path, path: &str, at: usize) {
    let mut bytes = fs::read(folder.join(path)).unwrap();
    bytes[at] ^= 1;
    put(folder, path, &bytes);
}

/// The same county, but event 410 says that another applied, and all after it is chained again.
pub(crate) fn another_county() -> impl Iterator<Item = Event> {
    county().enumerate().map(|(index, event)| match event {
        Event::Applied(mut event) if index == 410 => {
            event.by_holder = false;
            Event::Applied(event)
        }
        other => other,
    })
}

/// 700 events of it.
pub(crate) fn rewritten() -> History {
    Chain::default().log(COUNTY, 0, another_county().take(700))
}
