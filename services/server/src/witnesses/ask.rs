//! One request to one witness, and what its answer comes to.

use std::fmt;
use std::path::Path;

use axum::http::{Method, Request, StatusCode, Uri, header};
use hefu_audit::witness::AddCheckpoint;
use hefu_engine::Clock;
use hefu_log::{LogError, Note, Signature, WitnessKey};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::outbound::{self, Answered, Http};

/// Longest answer that is read, in bytes: a few lines.
const LONGEST_BODY: usize = 64 * 1024;

/// How far a witness's clock may be from ours, in seconds: beyond it verifiers would find our events back-dated.
const TOLERANCE: u64 = 5 * 60;

/// How much of a witness's reason is shown, in characters.
const REASON: usize = 200;

/// Why a witness did not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// It took too long.
    #[error("it did not answer in time")]
    Silent,
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("it answered {status}: {reason}")]
    Declined {
        /// The HTTP status.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// It has seen a larger log.
    #[error(
        "it has seen {size} events of this log, which has not so many here: the log was cut, or somebody else signs it too"
    )]
    Ahead {
        /// How many.
        size: u64,
    },
    /// It has seen another history.
    #[error("it has seen another history of this log, up to size {size}")]
    Fork {
        /// The size at which it saw it.
        size: u64,
    },
    /// It named one size, then another.
    #[error("it names another size each time: somebody else submits this log to it")]
    Moving,
    /// What it sent is not its cosignature of this note.
    #[error("its answer is no cosignature of this checkpoint: {0}")]
    Wrong(LogError),
    /// Its clock, or ours, is wrong.
    #[error("it cosigned at {time} s after 1970, more than five minutes from this server's clock")]
    Clock {
        /// The time on its cosignature.
        time: u64,
    },
    /// The proof could not be made here.
    #[error("the consistency proof for it could not be made: {0}")]
    NoProof(String),
}

impl Behind {
    /// A word for each, for metrics.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Behind::Silent => "silent",
            Behind::Unreachable(_) => "unreachable",
            Behind::Declined { .. } => "declined",
            Behind::Ahead { .. } => "ahead",
            Behind::Fork { .. } => "fork",
            Behind::Moving => "moving",
            Behind::Wrong(_) => "wrong",
            Behind::Clock { .. } => "clock",
            Behind::NoProof(_) => "no_proof",
        }
    }

    /// Whether it says that the log here is not the one that was witnessed.
    pub(crate) const fn is_grave(&self) -> bool {
        match self {
            Behind::Ahead { .. } | Behind::Fork { .. } => true,
            Behind::Silent
            | Behind::Unreachable(_)
            | Behind::Declined { .. }
            | Behind::Moving
            | Behind::Wrong(_)
            | Behind::Clock { .. }
            | Behind::NoProof(_) => false,
        }
    }
}

/// What a witness answered.
pub(super) enum Answer {
    /// Signature lines.
    Lines(String),
    /// The size that it holds.
    Size(u64),
    /// The proof did not hold for it.
    NoProof,
}

/// Where a witness takes checkpoints.
pub(crate) struct Address(Uri);

impl Address {
    /// Whether it is spoken to over TLS.
    pub(super) fn is_secure(&self) -> bool {
        outbound::is_secure(&self.0)
    }
}

/// The address that a submission prefix leads to.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn address(prefix: &str) -> Result<Address, String> {
    let uri = outbound::below(prefix, "add-checkpoint");
    uri.map(Address).map_err(|error| error.to_string())
}

/// The authorities in a PEM file.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn authority(file: &Path) -> Result<RootCertStore, String> {
    let unfit = |why: &dyn fmt::Display| format!("the authority in {}: {why}", file.display());
    let mut roots = RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(file).map_err(|error| unfit(&error))?;
    for certificate in all {
        let certificate = certificate.map_err(|error| unfit(&error))?;
        roots.add(certificate).map_err(|error| unfit(&error))?;
    }
    match roots.is_empty() {
        true => Err(unfit(&"no certificate in PEM is there")),
        false => Ok(roots),
    }
}

/// A witness's end of the line.
pub(super) struct Client {
    http: Http,
    address: Address,
}

impl Client {
    pub(super) fn new(http: Http, address: Address) -> Client {
        Client { http, address }
    }

    /// Sends a request and reads the answer.
    pub(super) async fn add(&self, request: &AddCheckpoint) -> Result<Answer, Behind> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.address.0.clone())
            .body(request.to_string().into())
            .map_err(|error| Behind::Unreachable(error.to_string()))?;
        let answer = self.http.ask(request, LONGEST_BODY).await;
        let answer = answer.map_err(|failed| Behind::Unreachable(failed.to_string()))?;
        let Answered {
            status,
            headers,
            body,
        } = answer;
        let body = String::from_utf8_lossy(&body).into_owned();
        let is_size = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/x.tlog.size");
        let size = body.strip_suffix('\n').and_then(|size| size.parse().ok());
        match (status, size) {
            (StatusCode::OK, _) => Ok(Answer::Lines(body)),
            (StatusCode::CONFLICT, Some(size)) if is_size => Ok(Answer::Size(size)),
            (StatusCode::UNPROCESSABLE_ENTITY, _) => Ok(Answer::NoProof),
            (status, _) => Err(Behind::Declined {
                status: status.as_u16(),
                // It goes to the operator's log: one line of it, and no control characters.
                reason: body
                    .chars()
                    .take(REASON)
                    .filter(|c| !c.is_control())
                    .collect(),
            }),
        }
    }
}

/// The witness's own cosignature among the lines of its answer.
pub(super) fn cosignature(
    lines: &str,
    note: &Note,
    key: &WitnessKey,
    clock: &Clock,
) -> Result<Signature, Behind> {
    let answered = Note::parse(&format!("{}\n{lines}", note.text())).map_err(Behind::Wrong)?;
    let mut own = answered.signatures().iter().filter(|line| key.claims(line));
    let own = own.next().ok_or(Behind::Wrong(LogError::Unsigned))?;
    let time = key.verify(note, own).map_err(Behind::Wrong)?;
    let now = clock.now().0.max(0).unsigned_abs() / 1000;
    if !clock.is_simulated() && time.abs_diff(now) > TOLERANCE {
        return Err(Behind::Clock { time });
    }
    Ok(own.clone())
}
