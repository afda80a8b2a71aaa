//! A spreadsheet's import that is cut off, because the server is killed in the middle of it or the clerk's own program is: each part of a
//! roster is there whole or not at all, of certificates all or none; the same file again finishes it, and once more changes nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hefu_domain::{Date, Event, Instant, MOST_CERTIFICATES};
use hefu_engine::Clock;
use hefu_scenario::made_up::{MadeUpPerson, person, pick};
use hefu_spreadsheet::{Cell, Prefilled, Template};
use hefu_store::{OpenOptions, Store};
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::Office;

use crate::field::COUNTY;
use crate::process::{Server, binary};
use crate::{kills, tables};

/// Decides the moments.
const SEED: u64 = 20_231_118;
/// People of a roster, and the days that each of them is away: several events' worth.
const AWAY: (u64, u16) = (60, 90);
/// Certificates of a list, each somebody's first: several parts, and a registration for each.
const CERTIFIED: u64 = 450;
const OCCUPATION: &str = "6-31-01-03";

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sheet {
    Roster,
    Certificates,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Client,
}

/// What of one sheet stands in the log.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stands {
    /// Of how many events the log is.
    size: usize,
    /// Parts in the order of the log, with the days or certificates of each.
    parts: Vec<(u16, usize)>,
    /// Of how many parts the list is, as each of them says.
    of: u16,
    registered: usize,
}

impl Stands {
    fn lines(&self) -> usize {
        self.parts.iter().map(|(_, lines)| lines).sum()
    }
}

/// What the log of the county says of a sheet from an event on, read from the database itself.
async fn stands(place: &Place, sheet: Sheet, from: usize) -> Stands {
    let store = Store::open(&place.url(), OpenOptions::reading())
        .await
        .unwrap();
    let mut found = Stands {
        size: from,
        ..Stands::default()
    };
    loop {
        let next = (0, found.size as u64);
        let rows = store.events_onwards(COUNTY, next, 500).await.unwrap();
        if rows.is_empty() {
            break;
        }
        found.size += rows.len();
        for row in &rows {
            let (part, lines) = match hefu_engine::decode(row).unwrap() {
                Event::RosterImported(e) if sheet == Sheet::Roster => {
                    assert!(e.held.is_empty(), "nobody else has these people's days");
                    (e.part, e.takes.values().map(Vec::len).sum())
                }
                Event::CertificatesImported(e) if sheet == Sheet::Certificates => {
                    (e.part, e.certificates.len())
                }
                Event::PersonRegistered(_) => {
                    found.registered += 1;
                    continue;
                }
                _ => continue,
            };
            found.parts.push((part.part, lines));
            found.of = part.parts;
        }
    }
    store.close().await;
    found
}

/// The file of one round: nobody in it was in another one.
fn file(folder: &Path, sheet: Sheet, round: u64, today: Date) -> PathBuf {
    let people = |count: u64| (0..count).map(move |n| person(SEED, COUNTY, round * 1_000 + n));
    let (template, rows): (_, Vec<Vec<Cell>>) = match sheet {
        Sheet::Roster => {
            let last = hefu_domain::plus_days(today, AWAY.1 - 1);
            let row = |person: MadeUpPerson| {
                let (first, last) = (today.to_string(), last.to_string());
                vec![
                    "农业农村局".into(),
                    person.name.as_str().into(),
                    person.identity.as_str().into(),
                    Cell::Empty,
                    first.as_str().into(),
                    last.as_str().into(),
                ]
            };
            (Template::Roster, people(AWAY.0).map(row).collect())
        }
        Sheet::Certificates => {
            let row = |(n, person): (usize, MadeUpPerson)| {
                let number = format!("S0000140725{round:04}{n:06}");
                vec![
                    person.name.as_str().into(),
                    person.identity.as_str().into(),
                    person.phone.as_str().into(),
                    OCCUPATION.into(),
                    "3".into(),
                    today.to_string().as_str().into(),
                    number.as_str().into(),
                ]
            };
            let rows = people(CERTIFIED).enumerate().map(row);
            (Template::Certificates, rows.collect())
        }
    };
    let prefilled = Prefilled {
        context: String::new(),
        rows,
    };
    let path = folder.join(format!("{}-{round}.xlsx", template.name()));
    std::fs::write(&path, template.workbook(&prefilled).unwrap()).unwrap();
    path
}

/// `hefu import`, as a clerk starts it.
fn import(server: &Server, key: &str, sheet: Sheet, file: &Path) -> Child {
    let template = match sheet {
        Sheet::Roster => "roster",
        Sheet::Certificates => "certificates",
    };
    Command::new(binary())
        .args(["import", template])
        .arg(file)
        .args(["--region", COUNTY, "--server", server.address()])
        .env("HEFU_KEY", key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The same, to its end, which must be a good one.
fn imported(server: &Server, key: &str, sheet: Sheet, file: &Path) {
    let import = import(server, key, sheet, file).wait_with_output().unwrap();
    let said = [import.stdout, import.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(import.status.success(), "{sheet:?}: {said}");
}

/// Waits until the sheet has left so many events behind, or its import is over.
async fn wait_for(place: &Place, import: &mut Child, from: usize, events: u64) {
    let store = Store::open(&place.url(), OpenOptions::reading())
        .await
        .unwrap();
    let enough = from as u64 + events;
    while import.try_wait().unwrap().is_none() {
        let heads = store.heads(&[COUNTY.to_owned()]).await.unwrap();
        if heads[0].size >= enough {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    store.close().await;
}

/// Each part is whole and there once, in order; certificates are all there or none.
fn nothing_is_there_by_half(sheet: Sheet, found: &Stands) {
    let numbers: Vec<u16> = found.parts.iter().map(|(part, _)| *part).collect();
    let in_order: Vec<u16> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, in_order, "{sheet:?}");
    if sheet == Sheet::Certificates {
        let all = [0, CERTIFIED as usize].contains(&found.lines());
        assert!(all, "{found:?}");
        let parts = (CERTIFIED as usize).div_ceil(MOST_CERTIFICATES);
        assert!([0, parts].contains(&found.parts.len()), "{found:?}");
    }
}

/// All of it is there, and nothing twice.
fn is_whole(sheet: Sheet, found: &Stands) {
    assert_eq!(found.parts.len(), usize::from(found.of), "{found:?}");
    assert!(found.of > 2, "a sheet of several parts: {found:?}");
    let (lines, registered) = match sheet {
        Sheet::Roster => (AWAY.0 as usize * usize::from(AWAY.1), 0),
        Sheet::Certificates => (CERTIFIED as usize, CERTIFIED as usize),
    };
    assert_eq!((found.lines(), found.registered), (lines, registered));
}

async fn cut_off(engine: Engine) {
    let place = Place::new(engine).await;
    let folder = Folder::new("hefu-import");
    let state = folder.path().join("state");
    let mut server = Server::start(&place.url(), &state);
    let client = server.client().await;
    let now: Instant = Clock::system().now();
    let office = Office::open(&client, server.operator(), COUNTY, now, 1, 1).await;
    let key = &office.clerks[0];
    let sheets = [Sheet::Roster, Sheet::Certificates];
    let mut cut = Vec::new();
    let mut from = stands(&place, Sheet::Roster, 0).await.size;
    // Each of both, by the death of either.
    for round in 0..kills().max(4) {
        let sheet = sheets[round as usize % 2];
        let victim = [Victim::Server, Victim::Client][round as usize / 2 % 2];
        let file = file(folder.path(), sheet, round, now.date());
        let most = match sheet {
            Sheet::Roster => 3,
            Sheet::Certificates => CERTIFIED,
        };
        let mut running = import(&server, key, sheet, &file);
        let moment = 1 + pick(SEED, "moment", round, most);
        wait_for(&place, &mut running, from, moment).await;
        match victim {
            Victim::Server => {
                server.kill();
                running.wait().unwrap();
                server = Server::start(&place.url(), &state);
            }
            Victim::Client => {
                running.kill().unwrap();
                running.wait().unwrap();
            }
        }
        let found = stands(&place, sheet, from).await;
        nothing_is_there_by_half(sheet, &found);
        tables::are_what_the_logs_say(&place).await;
        if found.parts.is_empty() || found.parts.len() < usize::from(found.of) {
            cut.push((sheet, victim));
        }
        // While a server may still be at what its dead client had sent.
        imported(&server, key, sheet, &file);
        let found = stands(&place, sheet, from).await;
        nothing_is_there_by_half(sheet, &found);
        is_whole(sheet, &found);
        imported(&server, key, sheet, &file);
        assert_eq!(stands(&place, sheet, from).await, found, "{sheet:?}");
        from = found.size;
    }
    println!("{engine:?}: cut off {cut:?}");
    for victim in [Victim::Server, Victim::Client] {
        let met = cut.iter().any(|(_, of)| *of == victim);
        assert!(met, "{victim:?}: no kill met an import under way");
    }
    tables::are_what_the_logs_say(&place).await;
    tables::are_signed(&place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_cut_off_is_not_there_by_half_and_the_same_file_finishes_it_on_sqlite() {
    cut_off(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_cut_off_is_not_there_by_half_and_the_same_file_finishes_it_on_postgres()
{
    cut_off(Engine::Postgres).await;
}
