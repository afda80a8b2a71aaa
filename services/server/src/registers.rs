//! Outside registers (real name, job-seekers, insurance, certificates): who is asked which check, and what an answer is. A rule never waits
//! for another department: what a register says is put on record as an event first, and decided on like any recorded answer.
//!
//! The invariant: an identity number leaves this module only towards the register that is asked, and stands in no error and no log line.

mod files;
mod http;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hefu_domain::{Answer, Check, Date, InstitutionId, Reference};
use serde::Deserialize;
use zeroize::Zeroizing;

use files::Folder;
use http::Address;

/// The check under which the register of certificates is configured.
pub const CERTIFICATE: &str = "certificate";

/// A register as the configuration names it: a folder of files that another department sends, or an address that is asked over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAt {
    /// The checks that it answers, codes of the policy; `certificate` for certificates.
    pub checks: Vec<String>,
    /// Where `{check}.csv` or `{check}.json` lie.
    pub folder: Option<PathBuf>,
    /// Where `{url}/{check}` is asked, with POST.
    pub url: Option<String>,
    /// A private file with the key that is shown there, `authorization: Bearer …`.
    pub key_file: Option<PathBuf>,
    /// The authority that vouches for the address, in PEM; the system's, where none is named.
    pub ca: Option<PathBuf>,
    /// How long one attempt may take.
    #[serde(default = "ten")]
    pub timeout_seconds: u64,
    /// How often it is asked before it counts as out of reach.
    #[serde(default = "three")]
    pub attempts: u32,
    /// For how many days an answer counts that names no last day.
    #[serde(default = "thirty")]
    pub valid_days: u16,
}

const fn ten() -> u64 {
    10
}

const fn three() -> u32 {
    3
}

const fn thirty() -> u16 {
    30
}

/// Why a register cannot be configured so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[[register]] for {checks}: {why}")]
pub struct RegisterError {
    /// The checks that it is to answer.
    pub checks: String,
    /// What is wrong.
    pub why: String,
}

/// Looks whether these registers can be asked, without asking one.
///
/// # Errors
/// The first that cannot.
pub(crate) fn check(registers: &[RegisterAt]) -> Result<(), RegisterError> {
    Registers::new(registers).map(|_| ())
}

/// What is asked about.
pub(crate) enum Subject {
    /// A person, by their identity number.
    Identity(Zeroizing<String>),
    /// A certificate, by its number.
    Certificate(Zeroizing<String>),
}

impl Subject {
    fn number(&self) -> &str {
        match self {
            Subject::Identity(number) | Subject::Certificate(number) => number,
        }
    }

    /// What the number is called in files and questions.
    fn field(&self) -> &'static str {
        match self {
            Subject::Identity(_) => "identity_number",
            Subject::Certificate(_) => "certificate_number",
        }
    }
}

/// What a register said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) answer: Answer,
    pub(crate) valid_until: Option<Date>,
    pub(crate) reference: Option<Reference>,
    pub(crate) employer: Option<InstitutionId>,
}

/// An answer as it is written in a file or sent.
#[derive(Debug, Deserialize)]
struct Written {
    answer: String,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    employer: Option<String>,
}

impl Written {
    /// The answer, or which of its fields is wrong; never what stands in it.
    fn read(self) -> Result<Said, String> {
        fn code<T: std::str::FromStr<Err = hefu_domain::BadCode>>(
            field: &str,
            text: &str,
        ) -> Result<T, String> {
            text.parse()
                .map_err(|bad: hefu_domain::BadCode| format!("{field}: {}", bad.0))
        }
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Said {
            answer: code("answer", &self.answer)?,
            valid_until: match given(self.valid_until) {
                Some(day) => Some(
                    day.parse()
                        .ok()
                        .filter(|day: &Date| (1900..=2199).contains(&day.year()))
                        .ok_or_else(|| "valid_until: a day is YYYY-MM-DD".to_owned())?,
                ),
                None => None,
            },
            reference: match given(self.reference) {
                Some(text) => Some(code("reference", &text)?),
                None => None,
            },
            employer: match given(self.employer) {
                Some(text) => Some(code("employer", &text)?),
                None => None,
            },
        })
    }
}

/// A register cannot be asked now: which, why, and nothing of whom it was about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the register for {check} {why}")]
pub(crate) struct OutOfReach {
    check: Check,
    why: String,
}

/// One register.
enum Register {
    Files(Folder),
    Http(Box<Address>),
}

struct Connected {
    register: Register,
    valid_days: u16,
}

/// The registers of a deployment, by check. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registers {
    of: Arc<BTreeMap<Check, Arc<Connected>>>,
}

impl Registers {
    /// A deployment that asks nobody: every answer is recorded by a clerk.
    pub fn none() -> Registers {
        Registers::default()
    }

    /// The registers that a configuration names.
    ///
    /// # Errors
    /// A register that is none, or a check that two of them answer.
    pub fn new(registers: &[RegisterAt]) -> Result<Registers, RegisterError> {
        let mut of = BTreeMap::new();
        for at in registers {
            let unfit = |why: String| RegisterError {
                checks: at.checks.join(", "),
                why,
            };
            if at.checks.is_empty() {
                return Err(unfit("name the checks that it answers".to_owned()));
            }
            let connected = Arc::new(Connected {
                register: connect(at).map_err(unfit)?,
                valid_days: at.valid_days,
            });
            for check in &at.checks {
                let code: Check = check
                    .parse()
                    .map_err(|bad: hefu_domain::BadCode| unfit(bad.0))?;
                if of.insert(code, connected.clone()).is_some() {
                    return Err(unfit(format!("{check} is answered by another one already")));
                }
            }
        }
        Ok(Registers { of: Arc::new(of) })
    }

    /// The checks about people that some register answers.
    pub(crate) fn about_people(&self) -> impl Iterator<Item = &Check> {
        self.of.keys().filter(|check| check.as_str() != CERTIFICATE)
    }

    /// Whether a register is configured for a check.
    pub(crate) fn has(&self, check: &Check) -> bool {
        self.of.contains_key(check)
    }

    /// For how many days an answer to it counts that names no last day.
    pub(crate) fn valid_days(&self, check: &Check) -> u16 {
        self.of.get(check).map_or(0, |of| of.valid_days)
    }

    /// Asks; `None` where the register knows nothing of whom or what it is asked about.
    ///
    /// # Errors
    /// It is out of reach, or what it says is no answer.
    pub(crate) async fn ask(
        &self,
        check: &Check,
        subject: &Subject,
    ) -> Result<Option<Said>, OutOfReach> {
        let unasked = |why: String| OutOfReach {
            check: check.clone(),
            why,
        };
        let Some(connected) = self.of.get(check) else {
            return Err(unasked("is not configured here".to_owned()));
        };
        let said = match &connected.register {
            Register::Files(folder) => folder.look_up(check, subject).await,
            Register::Http(address) => address.ask(check, subject).await,
        };
        said.map_err(unasked)
    }
}

fn connect(at: &RegisterAt) -> Result<Register, String> {
    match (&at.folder, &at.url) {
        (Some(folder), None) if at.key_file.is_none() && at.ca.is_none() => {
            Ok(Register::Files(Folder::new(folder.clone())))
        }
        (Some(_), None) => Err("a folder takes neither `key_file` nor `ca`".to_owned()),
        (None, Some(url)) => {
            if !(1..=120).contains(&at.timeout_seconds) || !(1..=10).contains(&at.attempts) {
                return Err("`timeout_seconds` is 1 to 120 and `attempts` 1 to 10".to_owned());
            }
            let timeout = Duration::from_secs(at.timeout_seconds);
            let address = Address::new(url, at, timeout, at.attempts)?;
            Ok(Register::Http(Box::new(address)))
        }
        (Some(_), Some(_)) | (None, None) => Err("name either a `folder` or a `url`".to_owned()),
    }
}

#[cfg(test)]
mod tests;
