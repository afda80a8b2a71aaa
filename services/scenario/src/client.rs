//! One gRPC channel, many callers. Every answer is counted; a refusal is an answer too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::{RpcStatusExt as _, StatusExt as _};

/// How often a call is sent again with the same request id when the server says "try again".
const TRIES: u32 = 8;

/// What was answered so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Moves accepted.
    pub accepted: u64,
    /// Of them those that were no batch's, by method.
    pub single: BTreeMap<String, u64>,
    /// Refusals by code; one refusal may have several.
    pub refused: BTreeMap<String, u64>,
}

/// A connection to a server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    tally: Arc<Mutex<Tally>>,
}

/// Why the scenario cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// No server there.
    #[error("no server at {address}: {source}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// A move that must go through was refused.
    #[error("{what}: {status}")]
    Refused {
        /// Which call.
        what: String,
        /// The answer.
        status: Box<Status>,
    },
    /// The script contradicts itself: a defect of the scenario.
    #[error("the script is broken: {0}")]
    Script(String),
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    ///
    /// # Errors
    /// `Connect`.
    pub async fn connect(address: &str) -> Result<Client, PlayError> {
        let refused = |source| PlayError::Connect {
            address: address.to_owned(),
            source,
        };
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(refused)?
            .tcp_nodelay(true);
        let channel = endpoint.connect().await.map_err(refused)?;
        Ok(Client {
            channel,
            tally: Arc::default(),
        })
    }

    /// Calls `Service/Method` with a key and sends again what may be sent again. Not counted.
    ///
    /// # Errors
    /// The server's status.
    pub async fn call<Q, A>(&self, key: &str, method: &str, message: Q) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let bearer = MetadataValue::try_from(format!("Bearer {key}"))
            .map_err(|_| Status::internal("a key with strange characters"))?;
        let path = PathAndQuery::try_from(format!("/voucher.v1.{method}"))
            .map_err(|_| Status::internal("a method with strange characters"))?;
        let (began, mut tried) = (Instant::now(), 0);
        loop {
            let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(64 << 20);
            grpc.ready()
                .await
                .map_err(|error| Status::unavailable(error.to_string()))?;
            let mut request = Request::new(message.clone());
            request
                .metadata_mut()
                .insert("authorization", bearer.clone());
            match grpc
                .unary(request, path.clone(), ProstCodec::<Q, A>::default())
                .await
            {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) if may_pass(&status, tried, began.elapsed()) => {
                    tried += 1;
                    tokio::time::sleep(pause(&status, tried)).await;
                }
                Err(status) => return Err(status),
            }
        }
    }

    /// Makes one move; its answer is counted.
    ///
    /// # Errors
    /// The server's status.
    pub async fn make<Q, A>(&self, key: &str, method: &str, message: Q) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let answer = self.call(key, method, message).await;
        match &answer {
            Ok(_) => {
                let mut tally = self.tally();
                tally.accepted += 1;
                let (_, name) = method.rsplit_once('/').unwrap_or(("", method));
                *tally.single.entry(name.to_owned()).or_default() += 1;
            }
            Err(status) => self.refused(status),
        }
        answer
    }

    /// Makes one move that the script needs.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn must<Q, A>(&self, key: &str, method: &str, message: Q) -> Result<A, PlayError>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        self.make(key, method, message)
            .await
            .map_err(|status| PlayError::Refused {
                what: method.to_owned(),
                status: Box::new(status),
            })
    }

    /// Counts an item of a batch.
    pub fn count(&self, error: Option<&tonic_types::pb::Status>) {
        match error {
            None => self.tally().accepted += 1,
            Some(error) => {
                let codes: Vec<String> = error
                    .get_error_details()
                    .precondition_failure()
                    .map(|f| f.violations.iter().map(|v| v.r#type.clone()).collect())
                    .unwrap_or_default();
                self.add(codes, &error.message);
            }
        }
    }

    fn refused(&self, status: &Status) {
        let details = status.get_error_details();
        let codes = details
            .precondition_failure()
            .map(|f| f.violations.iter().map(|v| v.r#type.clone()).collect())
            .unwrap_or_default();
        self.add(codes, status.message());
    }

    /// A refusal counts once for each of its codes, however many days or lines it names.
    fn add(&self, mut codes: Vec<String>, message: &str) {
        codes.sort();
        codes.dedup();
        if codes.is_empty() {
            codes.push(format!("OTHER: {message:.60}"));
        }
        let mut tally = self.tally();
        for code in codes {
            *tally.refused.entry(code).or_default() += 1;
        }
    }

    /// What was answered so far.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than this nobody waits for another try.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long a call waits for its turn.
const LONGEST: Duration = Duration::from_secs(60);

/// When the server says that the request may be sent again, if it does.
fn told(status: &Status) -> Option<Duration> {
    let details = status.get_error_details();
    details.retry_info().and_then(|info| info.retry_delay)
}

/// Whether the same request may be taken soon: the server says so, or says when. Who is only asked to wait for their turn does.
fn may_pass(status: &Status, tried: u32, waited: Duration) -> bool {
    let told = told(status);
    match status.code() {
        Code::Unavailable => tried < TRIES && told.is_none_or(|told| told <= PATIENCE),
        Code::ResourceExhausted => told.is_some_and(|told| waited + told < LONGEST),
        _ => false,
    }
}

/// How long to wait before the next try: as long as the server says, and longer each time.
fn pause(status: &Status, tried: u32) -> Duration {
    let longer = match status.code() {
        // It knows when there will be room.
        Code::ResourceExhausted => Duration::ZERO,
        _ => Duration::from_millis(50 << tried),
    };
    told(status).unwrap_or_default().max(longer)
}

/// A made-up API key, from a seed and a label.
pub fn key(seed: u64, label: &str) -> String {
    format!(
        "hefu_{}",
        URL_SAFE_NO_PAD.encode(crate::made_up::draw(seed, &format!("key/{label}"), 0))
    )
}

/// The credential of a key: its SHA-256, base64url.
pub fn credential(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(key.as_bytes()))
}
