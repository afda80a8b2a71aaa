//! Registers whose answers come as files: another department sends a list, the office puts it into a folder. `{check}.csv` has a header
//! and the columns `identity_number` (or `certificate_number`, or `sha256`: the hexadecimal hash of the number, so that none lies about in
//! clear), `answer`, and as far as there are any `valid_until`, `reference` and `employer`. `{check}.json` is a list of the same.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hefu_domain::Check;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Said, Subject, Written};

/// A folder of such files.
pub(super) struct Folder {
    path: PathBuf,
    read: Mutex<HashMap<PathBuf, Arc<Read>>>,
}

type Number = [u8; 32];

/// A file as it was read, and how it looked then.
struct Read {
    looks: (SystemTime, u64),
    answers: HashMap<Number, Said>,
}

/// A line.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    identity_number: Option<String>,
    #[serde(default)]
    certificate_number: Option<String>,
    #[serde(default)]
    sha256: Option<String>,
    answer: String,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    employer: Option<String>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Folder {
        Folder {
            path,
            read: Mutex::default(),
        }
    }

    /// What the check's file says; `None` where it does not name the number.
    pub(super) async fn look_up(
        &self,
        check: &Check,
        subject: &Subject,
    ) -> Result<Option<Said>, String> {
        let file = self.file(check)?;
        let known = self.kept(&file);
        let place = file.clone();
        let read = tokio::task::spawn_blocking(move || read(&place, known)).await;
        let read = read.map_err(|_| "could not be read".to_owned())??;
        let found = read.answers.get(&hash(subject.number())).cloned();
        self.keep(file, read);
        Ok(found)
    }

    /// The one file of a check.
    fn file(&self, check: &Check) -> Result<PathBuf, String> {
        let named = |ending: &str| self.path.join(format!("{check}.{ending}"));
        let (csv, json) = (named("csv"), named("json"));
        match (csv.is_file(), json.is_file()) {
            (true, false) => Ok(csv),
            (false, true) => Ok(json),
            (true, true) => Err(format!(
                "has two files, {} and {}: take one of them away",
                csv.display(),
                json.display()
            )),
            (false, false) => Err(format!(
                "has no file {} or .json: put it there",
                csv.display()
            )),
        }
    }

    fn kept(&self, file: &Path) -> Option<Arc<Read>> {
        let kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(file).cloned()
    }

    fn keep(&self, file: PathBuf, read: Arc<Read>) {
        let mut kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(file, read);
    }
}

fn hash(number: &str) -> Number {
    Sha256::digest(number).into()
}

/// Reads a file, unless it looks as it did before.
fn read(file: &Path, known: Option<Arc<Read>>) -> Result<Arc<Read>, String> {
    let cannot =
        |what: &dyn std::fmt::Display| format!("cannot be read: {}: {what}", file.display());
    let look = std::fs::metadata(file).and_then(|of| Ok((of.modified()?, of.len())));
    let looks = look.map_err(|error| cannot(&error))?;
    if let Some(known) = known.filter(|known| known.looks == looks) {
        return Ok(known);
    }
    let text = std::fs::read(file).map_err(|error| cannot(&error))?;
    let lines: Vec<Line> = match file.extension().is_some_and(|ending| ending == "json") {
        // Where it is wrong is said, and not what stands there.
        true => serde_json::from_slice(&text)
            .map_err(|error| cannot(&format!("line {} is no list of answers", error.line())))?,
        false => csv_lines(&text).map_err(|why| cannot(&why))?,
    };
    let mut answers = HashMap::with_capacity(lines.len());
    for (number, line) in lines.into_iter().enumerate() {
        let wrong = |why: String| cannot(&format!("entry {}: {why}", number + 1));
        let key = key(&line).map_err(wrong)?;
        let said = Written {
            answer: line.answer,
            valid_until: line.valid_until,
            reference: line.reference,
            employer: line.employer,
        };
        let wrong = |why: String| cannot(&format!("entry {}: {why}", number + 1));
        let said = said.read().map_err(wrong)?;
        // Which of two would count nobody can say, least of all the order of a file.
        if answers
            .insert(key, said.clone())
            .is_some_and(|before| before != said)
        {
            let why =
                "another entry says something else of the same number: keep the one that holds";
            return Err(cannot(&format!("entry {}: {why}", number + 1)));
        }
    }
    Ok(Arc::new(Read { looks, answers }))
}

fn csv_lines(text: &[u8]) -> Result<Vec<Line>, String> {
    // A spreadsheet writes the mark of UTF-8 before the header.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let mut lines = Vec::new();
    for (number, line) in reader.deserialize().enumerate() {
        // The reader's own words may repeat what stands in a field.
        let line = line.map_err(|_| {
            format!(
                "entry {} has not the header's columns; `answer` and a number must be among them",
                number + 1
            )
        })?;
        lines.push(line);
    }
    Ok(lines)
}

/// The hash of the number that a line is about.
fn key(line: &Line) -> Result<Number, String> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let clear = given(&line.identity_number).or_else(|| given(&line.certificate_number));
    match (clear, given(&line.sha256)) {
        // Departments write the last letter of a number small, too.
        (Some(number), None) => Ok(hash(&number.to_ascii_uppercase())),
        (None, Some(hex)) => {
            let byte = |pair: &[u8]| {
                let pair = std::str::from_utf8(pair).ok()?;
                u8::from_str_radix(pair, 16).ok()
            };
            let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(byte).collect();
            let number = bytes.and_then(|bytes| bytes.try_into().ok());
            number.ok_or_else(|| "sha256: 64 hexadecimal digits".to_owned())
        }
        (Some(_), Some(_)) | (None, None) => {
            Err("name one of identity_number, certificate_number and sha256".to_owned())
        }
    }
}
