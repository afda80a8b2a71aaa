//! Canary people: the made-up people of the tests and the demo, looked for wherever a run left bytes behind.
//!
//! Invariant: what is personal stands in clear nowhere but in a request, an answer to it, and memory. So every folder of a test is looked
//! into before it goes ([`Folder`](crate::engines::Folder)), every cluster of PostgreSQL before it goes (`throwaway-postgres`), and every
//! log line as it is written ([`listen`]). What is found is named by file, kind and spelling, never by itself.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hefu_scenario::made_up::{self, MadeUpPerson};

/// The seeds of made-up people: of offices, and the demo's year; of the played year; of the tests below the API.
const SEEDS: [u64; 3] = [TOWN, 3, VILLAGE];
/// Offices' people and the demo's.
const TOWN: u64 = 1;
/// The people of tests that have no office.
const VILLAGE: u64 = 5;
/// How many people of each seed are canaries. Everybody's number, phone and name take the same ways through the code, and every test's
/// first people are among these; each more of them costs every test's process a little time.
const PEOPLE: u64 = 500;
/// How many of them are looked for in other spellings than their own, too.
const SPELLED: u64 = 40;
/// The part of an identity number that is looked for: day of birth and sequence code. The same person's number begins with another
/// region's code in another county of the demo, and ends in another check digit.
const OWN_DIGITS: std::ops::Range<usize> = 6..17;
/// A name of two characters stands in a file of hundreds of megabytes by chance.
const SHORTEST_NAME: usize = 3;

/// A person of an office by number; the same number is the same person everywhere.
pub fn person(number: u64) -> MadeUpPerson {
    made_up::person(TOWN, "140702", number)
}

/// A person of the tests that have no office, by number.
pub fn villager(number: u64) -> MadeUpPerson {
    made_up::person(VILLAGE, "140728", number)
}

/// What of a person was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    IdentityNumber,
    Phone,
    Name,
}

/// How it was spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spelling {
    /// As it is, in UTF-8.
    Text,
    /// As PostgreSQL's log and many programs write bytes.
    Hex,
    /// As in a token's claims, or bytes in JSON; either alphabet.
    Base64,
    /// As Rust's `{:?}` writes bytes: `49, 52, 48`.
    Decimals,
    /// `\u738b`, as some writers of JSON do.
    Escapes,
}

/// A kind of personal datum that stands where nothing personal may stand. It does not say whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Find {
    pub datum: Datum,
    pub spelling: Spelling,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.datum {
            Datum::IdentityNumber => "an identity number",
            Datum::Phone => "a phone number",
            Datum::Name => "a name",
        })?;
        f.write_str(match self.spelling {
            Spelling::Text => "",
            Spelling::Hex => " in hexadecimal",
            Spelling::Base64 => " in base64",
            Spelling::Decimals => " as a list of bytes",
            Spelling::Escapes => " in \\u escapes",
        })
    }
}

/// Everything looked for, and what each pattern is.
struct Search {
    automaton: AhoCorasick,
    finds: Vec<Find>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let (patterns, finds): (Vec<Vec<u8>>, Vec<Find>) = patterns().into_iter().unzip();
    let automaton = AhoCorasick::new(patterns).expect("these patterns are few and short");
    Search { automaton, finds }
});

fn patterns() -> Vec<(Vec<u8>, Find)> {
    let mut found = Vec::new();
    for seed in SEEDS {
        for number in 0..PEOPLE {
            for (datum, text) in data(&made_up::person(seed, "140702", number)) {
                let text = text.as_bytes();
                found.push((text.to_vec(), datum, Spelling::Text));
                if number < SPELLED {
                    let others = spelled(text).into_iter();
                    found.extend(others.map(|(spelling, bytes)| (bytes, datum, spelling)));
                }
            }
        }
    }
    let find = |(bytes, datum, spelling)| (bytes, Find { datum, spelling });
    found.into_iter().map(find).collect()
}

/// What is looked for of a person, in their own spelling.
fn data(person: &MadeUpPerson) -> Vec<(Datum, &str)> {
    let mut found = vec![
        (Datum::IdentityNumber, &person.identity[OWN_DIGITS]),
        (Datum::Phone, person.phone.as_str()),
    ];
    if person.name.chars().count() >= SHORTEST_NAME {
        found.push((Datum::Name, &person.name));
    }
    found
}

/// The same bytes as others would write them. Not UTF-16: nothing here writes it.
fn spelled(text: &[u8]) -> Vec<(Spelling, Vec<u8>)> {
    let mut hex = String::new();
    for byte in text {
        let _ = write!(hex, "{byte:02x}");
    }
    let decimals: Vec<String> = text.iter().map(u8::to_string).collect();
    let mut found = vec![
        (Spelling::Hex, hex.to_uppercase().into_bytes()),
        (Spelling::Hex, hex.into_bytes()),
        (Spelling::Decimals, decimals.join(", ").into_bytes()),
    ];
    // Three bytes are four characters: by where it begins among others, a text reads in three ways. Its first and last character depend
    // on its neighbours and are left out.
    for before in 0..3 {
        let padded = [&[0; 2][..before.min(2)], text].concat();
        let inner = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for alphabet in [STANDARD, URL_SAFE] {
            let all = alphabet.encode(&padded).into_bytes();
            found.push((Spelling::Base64, all[inner.clone()].to_vec()));
        }
    }
    if !text.is_ascii() {
        let text = String::from_utf8_lossy(text);
        let escapes = text.encode_utf16().fold(String::new(), |mut all, unit| {
            let _ = write!(all, "\\u{unit:04x}");
            all
        });
        found.push((Spelling::Escapes, escapes.into_bytes()));
    }
    found.sort();
    found.dedup();
    found
}

/// What stands in these bytes, each kind once.
pub fn in_bytes(bytes: &[u8]) -> BTreeSet<Find> {
    let search = &*SEARCH;
    let found = search.automaton.find_iter(bytes);
    found.map(|m| search.finds[m.pattern()]).collect()
}

/// What was looked into, and what was found.
#[derive(Debug, Default)]
pub struct Looked {
    /// Each file by its path, with each kind once.
    pub found: Vec<(PathBuf, Find)>,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What stands in the files of a folder and of those below it, and in their names. A file that goes meanwhile is none.
///
/// # Errors
/// A folder or a file that cannot be read, by its path: what was not looked into is not clean.
pub fn in_folder(folder: &Path) -> io::Result<Looked> {
    let mut looked = Looked::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = unless_gone(std::fs::read_dir(&folder), &folder)?;
        for entry in entries.into_iter().flatten() {
            let entry = entry.map_err(|e| named(&folder, &e))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|e| named(&path, &e))?;
            let mut finds = in_bytes(entry.file_name().as_encoded_bytes());
            if kind.is_dir() {
                folders.push(path.clone());
            } else if kind.is_file() {
                let bytes = unless_gone(std::fs::read(&path), &path)?.unwrap_or_default();
                looked.bytes += bytes.len() as u64;
                finds.extend(in_bytes(&bytes));
            }
            let finds = finds.into_iter().map(|find| (path.clone(), find));
            looked.found.extend(finds);
        }
    }
    Ok(looked)
}

fn unless_gone<T>(read: io::Result<T>, path: &Path) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(named(path, &e)),
    }
}

fn named(path: &Path, e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), format!("{}: {e}", path.display()))
}

/// Says what was found and where, one line each.
pub fn report(found: &[(PathBuf, Find)]) -> String {
    let mut said = String::new();
    for (path, find) in found {
        let _ = writeln!(said, "{find} of a canary stands in {}", path.display());
    }
    said + "Nothing personal may stand there; CONTRIBUTING.md says under \"Canaries\" what to do."
}

/// Fails if one stands in these bytes; `place` says what they are.
pub fn none_in(place: &str, bytes: &[u8]) {
    let found = in_bytes(bytes);
    let found: Vec<_> = found.into_iter().map(|find| (place.into(), find)).collect();
    assert!(found.is_empty(), "{}", report(&found));
}

/// What was written into log lines of this process, each with what stands in its line before it.
static OVERHEARD: Mutex<BTreeSet<(PathBuf, Find)>> = Mutex::new(BTreeSet::new());

static LISTENING: Once = Once::new();

/// Never listens, in a process that measures: logging takes longer than what is logged. Call it before the first [`listen`].
pub fn do_not_listen() {
    LISTENING.call_once(|| {});
}

/// Listens to every log line of this process from now on, ours at every level and the libraries' at `debug`. A process that logs for
/// itself (`telemetry::start`) before is not listened to.
pub fn listen() {
    LISTENING.call_once(|| {
        let _ = tracing_subscriber::fmt()
            .with_env_filter("debug,hefu=trace")
            .with_ansi(false)
            .without_time()
            .with_writer(|| Ear)
            .try_init();
    });
}

/// What was overheard since this was asked last, as in [`Looked::found`].
pub fn overheard() -> BTreeSet<(PathBuf, Find)> {
    let mut heard = OVERHEARD.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *heard)
}

/// Gets each line whole.
struct Ear;

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let search = &*SEARCH;
        if let Some(first) = search.automaton.find(line) {
            let before = String::from_utf8_lossy(&line[..first.start()]);
            let place = format!("a log line behind {before:?}").into();
            let mut heard = OVERHEARD.lock().unwrap_or_else(PoisonError::into_inner);
            heard.insert((place, search.finds[first.pattern()]));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(datum: Datum, spelling: Spelling) -> BTreeSet<Find> {
        [Find { datum, spelling }].into()
    }

    /// Somebody with a name of three characters.
    fn somebody() -> MadeUpPerson {
        let mut all = (0..SPELLED).map(person);
        let long = all.find(|p| p.name.chars().count() == SHORTEST_NAME);
        long.expect("three in four have one")
    }

    #[test]
    fn each_datum_is_found_in_each_spelling_wherever_it_begins() {
        let who = somebody();
        for (datum, text) in [
            (Datum::IdentityNumber, &who.identity),
            (Datum::Phone, &who.phone),
            (Datum::Name, &who.name),
        ] {
            for before in 0..4 {
                let mut bytes = vec![b'\x07'; before];
                bytes.extend_from_slice(text.as_bytes());
                bytes.extend_from_slice(b"\xff~");
                assert_eq!(in_bytes(&bytes), one(datum, Spelling::Text));
                let mut hex = String::new();
                bytes.iter().for_each(|b| hex += &format!("{b:02x}"));
                assert_eq!(in_bytes(hex.as_bytes()), one(datum, Spelling::Hex));
                let shouted = hex.to_uppercase();
                assert_eq!(in_bytes(shouted.as_bytes()), one(datum, Spelling::Hex));
                let debugged = format!("{bytes:?}");
                let found = in_bytes(debugged.as_bytes());
                assert_eq!(found, one(datum, Spelling::Decimals));
                for alphabet in [STANDARD, URL_SAFE] {
                    let found = in_bytes(alphabet.encode(&bytes).as_bytes());
                    assert_eq!(found, one(datum, Spelling::Base64), "{datum:?} {before}");
                }
            }
        }
        let escaped = r#"{"name":"\u738b\u4f1f"}"#;
        assert_eq!(in_bytes(escaped.as_bytes()), BTreeSet::new());
        let escaped: String = who
            .name
            .chars()
            .map(|c| format!("{}", c.escape_unicode()))
            .collect();
        let escaped = escaped.replace(['{', '}'], "");
        let found = in_bytes(escaped.as_bytes());
        assert_eq!(found, one(Datum::Name, Spelling::Escapes));
    }

    #[test]
    fn everybody_of_every_cast_is_found_in_whatever_county_they_are_registered() {
        for number in 0..PEOPLE {
            for person in [
                person(number),
                villager(number),
                made_up::person(3, "140781", number),
                made_up::person(1, "140700", number),
            ] {
                for (datum, text) in [
                    (Datum::IdentityNumber, &person.identity),
                    (Datum::Phone, &person.phone),
                ] {
                    assert_eq!(in_bytes(text.as_bytes()), one(datum, Spelling::Text));
                }
            }
        }
    }

    #[test]
    fn two_of_a_kind_are_both_said_and_nobody_else_is() {
        let (one, other) = (somebody(), villager(7));
        let both = format!("{}{}", one.phone, other.identity);
        assert_eq!(in_bytes(both.as_bytes()).len(), 2);
        let stranger = made_up::person(99, "140702", 3);
        assert_eq!(in_bytes(stranger.identity.as_bytes()), BTreeSet::new());
    }

    /// What hefu writes of its own accord: a name that stood in it would be a false alarm in every run.
    #[test]
    fn nobody_stands_in_what_hefu_brings_along() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for folder in [
            "policy",
            "migrations",
            "proto",
            "docs",
            "deploy",
            "services",
        ] {
            let looked = in_folder(&root.join(folder)).unwrap();
            assert_eq!(looked.found, []);
            assert!(looked.bytes > 1_000, "{folder}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_by_its_path() {
        let file = std::env::current_exe().unwrap();
        let said = in_folder(&file).unwrap_err().to_string();
        assert!(said.contains(&file.display().to_string()), "{said}");
    }
}
