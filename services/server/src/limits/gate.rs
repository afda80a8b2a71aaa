//! The gate before the door: how often, how long and how much, asked before who.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hefu_domain::{CredentialId, Region};
use hefu_engine::{Engine, EngineError};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tonic::Status;

use super::budget::{Budget, Charge};
use super::line::{Line, PlaceInLine, Turn};
use super::rates::Rates;
use super::{Count, Counted, Enough, Limited, Limits, metrics};
use crate::errors;
use crate::port::Peer;

pub(crate) use super::rates::Proof;

/// Streams of all callers together: each looks for what is new a few times a second.
const MOST_STREAMS: usize = 1_024;
/// Spreadsheets that are held at the same time, of at most 16 MiB each.
const MOST_SHEETS: usize = 8;
/// And those of one caller: nobody keeps all the others waiting.
const SHEETS_OF_EACH: usize = 2;
/// Answered from memory, and by what decides whether this server is sent calls at all.
const HEALTH: &str = "/grpc.health.v1.Health/Check";
/// Streams that need no key.
const OPEN_STREAMS: [&str; 2] = [
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// Every limit of calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Limiting>);

struct Limiting {
    limits: Limits,
    rates: Rates,
    budget: Budget,
    streams: Count<CredentialId>,
    open_streams: Count<IpAddr>,
    sheets: Count<CredentialId>,
    line: Line,
}

/// Says of a batch's answer that a region let somebody in: its status says nothing of its items.
#[derive(Clone, Copy)]
pub(crate) struct LetIn;

impl Gate {
    pub(crate) fn new(limits: Limits) -> Gate {
        Gate(Arc::new(Limiting {
            rates: Rates::new(&limits),
            budget: Budget::new(limits.bytes_under_way),
            streams: Count::new(MOST_STREAMS, limits.streams_per_caller),
            open_streams: Count::new(MOST_STREAMS, limits.streams_per_caller),
            sheets: Count::new(MOST_SHEETS, SHEETS_OF_EACH),
            line: Line::new(),
            limits,
        }))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// A call of a caller who was let in before.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn caller(&self, by: &CredentialId) -> Result<(), Status> {
        self.0.rates.caller(by, 1).map_err(errors::limited)
    }

    /// The moves of a batch, the first of which was paid for when the call came in.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn batch(
        &self,
        by: &CredentialId,
        asked: &Extensions,
        moves: usize,
    ) -> Result<(), Status> {
        let more = moves.saturating_sub(1);
        let taken = match self.0.rates.is_known(by) {
            true => self.0.rates.caller(by, more),
            false => self.0.rates.stranger(address(asked), more),
        };
        taken.map_err(errors::limited)
    }

    /// A place in line for a caller's batch.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn line_up(
        &self,
        engine: &Engine,
        by: &CredentialId,
    ) -> Result<PlaceInLine, Status> {
        self.0.line.enter(engine, by)
    }

    /// Waits until a batch that has a place may begin.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) async fn turn(
        &self,
        engine: &Engine,
        by: &CredentialId,
        region: &Region,
    ) -> Result<Turn<'_>, Status> {
        self.0.line.turn(engine, by, region).await
    }

    /// A region let somebody in who showed that.
    pub(crate) fn let_in(&self, by: &CredentialId, proof: &Proof) {
        self.0.rates.let_in(by, proof);
    }

    /// One more stream of a caller.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn stream(&self, by: &CredentialId) -> Result<Counted<CredentialId>, Status> {
        let stream = self.0.streams.enter(by.clone());
        stream.map_err(|_| {
            metrics::limited("streams");
            errors::too_many_streams()
        })
    }

    /// A spreadsheet that is held while it is read and imported.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn sheet(&self, by: &CredentialId) -> Result<Counted<CredentialId>, Status> {
        let sheet = self.0.sheets.enter(by.clone());
        sheet.map_err(|enough| {
            metrics::limited("sheets");
            match enough {
                Enough::OfOne => errors::too_many_streams(),
                Enough::All => errors::no_memory(),
            }
        })
    }

    /// A dry run, which asks and changes nothing.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn dry_run(&self, by: &CredentialId) -> Result<(), Status> {
        self.may_probe("dry_run", by)?;
        self.0.rates.probed(by);
        metrics::probe("dry_run", true);
        Ok(())
    }

    /// An application, whose refusal would say something about a person.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED.
    pub(crate) fn application(&self, by: &CredentialId) -> Result<(), Status> {
        self.may_probe("refused_application", by)
    }

    /// How the application was answered.
    pub(crate) fn answered<T>(&self, by: &CredentialId, answer: &Result<T, EngineError>) {
        if let Err(EngineError::Refused(_) | EngineError::GroupRefused { .. }) = answer {
            self.0.rates.probed(by);
            metrics::probe("refused_application", true);
        }
    }

    fn may_probe(&self, kind: &'static str, by: &CredentialId) -> Result<(), Status> {
        self.0.rates.may_probe(by).map_err(|limited| {
            metrics::probe(kind, false);
            errors::limited(limited)
        })
    }
}

/// Where a request came from. Without a connection, which a test may be, from nowhere.
fn address(asked: &Extensions) -> IpAddr {
    let peer: Option<&ConnectInfo<Peer>> = asked.get();
    peer.map_or(IpAddr::from([0; 4]), |ConnectInfo(peer)| peer.address)
}

/// Every gRPC call, before its credential is looked at: its address's rate unless somebody was let in with that credential lately, the
/// bytes of its message, and its time.
pub(crate) async fn strangers(
    gate: &Gate,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let path = request.uri().path();
    let peer: Option<&ConnectInfo<Peer>> = request.extensions().get();
    let certificate = peer.and_then(|ConnectInfo(peer)| peer.certificate.as_ref());
    let from = address(request.extensions());
    let proof = Proof::of(request.headers(), certificate);
    let known = proof
        .as_ref()
        .is_some_and(|proof| gate.0.rates.knows(proof));
    if !known
        && path != HEALTH
        && let Err(limited) = gate.0.rates.stranger(from, 1)
    {
        return errors::limited(limited).into_http();
    }
    let stream = match OPEN_STREAMS
        .contains(&path)
        .then(|| gate.0.open_streams.enter(from))
    {
        None => None,
        Some(Ok(stream)) => Some(stream),
        Some(Err(_)) => {
            metrics::limited("streams");
            return errors::too_many_streams().into_http();
        }
    };
    if let Some(proof) = proof.filter(|_| !known) {
        request.extensions_mut().insert(proof);
    }
    let within = within(request.headers(), gate.limits().deadline());
    let held = Arc::new(gate.budget().charge());
    let charge = Arc::clone(&held);
    let request = request.map(|body| Body::new(Charged { body, charge }));
    let answer = tokio::time::timeout(within, next(request)).await;
    // What the message became is gone with its handler.
    drop(held);
    match (answer, stream) {
        (Ok(answer), None) => answer,
        (Ok(answer), Some(stream)) => answer.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _held_as_long_as_it_streams = &stream;
                frame
            }))
        }),
        (Err(_), _) => {
            metrics::deadline();
            errors::deadline().into_http()
        }
    }
}

/// Every public file, by address.
pub(crate) async fn public(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let from = address(request.extensions());
    if let Err(Limited { wait, .. }) = gate.0.rates.reader(from) {
        let seconds = wait.as_secs() + 1;
        let headers = [
            (header::RETRY_AFTER, seconds.to_string()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        let told = format!("too many requests from this address; try again in {seconds} s\n");
        return (StatusCode::TOO_MANY_REQUESTS, headers, told).into_response();
    }
    match tokio::time::timeout(gate.limits().deadline(), next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            metrics::deadline();
            (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n").into_response()
        }
    }
}

/// How long a call may take: as long as its caller waits, and no longer than `most`.
fn within(headers: &HeaderMap, most: Duration) -> Duration {
    let asked = headers.get("grpc-timeout");
    let asked = asked.and_then(|value| timeout(value.to_str().ok()?));
    asked.map_or(most, |asked| asked.min(most))
}

/// `grpc-timeout`: up to eight digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digits = (1..=8).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// A request's body, whose bytes are counted as they come in.
struct Charged {
    body: Body,
    charge: Arc<Charge>,
}

impl HttpBody for Charged {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => 0,
        };
        if !self.charge.more(bytes) {
            metrics::limited("bytes");
            return Poll::Ready(Some(Err(Box::new(errors::no_memory()))));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// Sheets take memory, and whoever sends theirs slowly holds a place: nobody holds all of them.
    #[tokio::test]
    async fn nobody_holds_all_places_for_sheets() {
        let gate = Gate::new(Limits::default());
        let caller = |n: u8| -> CredentialId { n.to_string().repeat(43).parse().unwrap() };
        let theirs: Vec<_> = (0..2).map(|_| gate.sheet(&caller(0)).unwrap()).collect();
        let third = gate.sheet(&caller(0)).map(|_| ()).unwrap_err();
        assert_eq!(third.code(), tonic::Code::ResourceExhausted);
        let others: Vec<_> = (1..7).map(|n| gate.sheet(&caller(n)).unwrap()).collect();
        let full = gate.sheet(&caller(7)).map(|_| ()).unwrap_err();
        assert_eq!(full.code(), tonic::Code::Unavailable);
        drop((theirs, others));
        assert!(gate.sheet(&caller(7)).is_ok());
    }

    #[test]
    fn a_caller_may_wait_less_than_we_do_and_not_longer() {
        let most = Duration::from_secs(30);
        let of = |value: &'static str| {
            let headers: HeaderMap = [(
                header::HeaderName::from_static("grpc-timeout"),
                HeaderValue::from_static(value),
            )]
            .into_iter()
            .collect();
            within(&headers, most)
        };
        assert_eq!(of("50m"), Duration::from_millis(50));
        assert_eq!(of("7S"), Duration::from_secs(7));
        assert_eq!(of("99999999n"), Duration::from_nanos(99_999_999));
        assert_eq!(of("0u"), Duration::ZERO);
        for longer in ["99999999H", "31S", "1M"] {
            assert_eq!(of(longer), most, "{longer}");
        }
        for nonsense in ["", "S", "1", "-1S", "+1S", "1s", "999999999n", "1 S", "ü"] {
            let told = HeaderValue::from_str(nonsense).ok();
            let headers = told.map(|told| {
                let name = header::HeaderName::from_static("grpc-timeout");
                [(name, told)].into_iter().collect::<HeaderMap>()
            });
            let within = headers.map(|headers| within(&headers, most));
            assert!(within.is_none_or(|within| within == most), "{nonsense}");
        }
        assert_eq!(within(&HeaderMap::new(), most), most);
    }

    /// A stream without a key that nobody counts would be one without a bound.
    #[test]
    fn every_stream_is_counted() {
        let proto = streams_of(hefu_wire::FILE_DESCRIPTOR_SET);
        let counted = [
            "/voucher.v1.AuditService/StreamEvents",
            "/voucher.v1.SpreadsheetService/ImportSheet",
        ];
        assert_eq!(proto, counted);
        let health = streams_of(tonic_health::pb::FILE_DESCRIPTOR_SET);
        assert!(
            health
                .iter()
                .all(|path| OPEN_STREAMS.contains(&path.as_str()))
        );
        assert!(!health.is_empty());
        let reflection = streams_of(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET);
        assert!(
            reflection
                .iter()
                .all(|path| OPEN_STREAMS.contains(&path.as_str()))
        );
        assert!(!reflection.is_empty());
    }

    /// The paths of the RPCs that answer by a stream.
    fn streams_of(set: &[u8]) -> Vec<String> {
        use prost::Message as _;
        let set = prost_types::FileDescriptorSet::decode(set).unwrap();
        let mut paths = Vec::new();
        for file in set.file {
            for service in &file.service {
                for method in service.method.iter().filter(|m| m.server_streaming()) {
                    let (package, service) = (file.package(), service.name());
                    paths.push(format!("/{package}.{service}/{}", method.name()));
                }
            }
        }
        paths
    }
}
