//! Traces and metrics as a collector receives them: over OTLP, ours only, and nothing of anybody in them.

#![allow(clippy::unwrap_used)] // a test's own steps must succeed

use std::sync::{Arc, Mutex};

use hefu_domain::Instant;
use hefu_engine::stages::Stage;
use hefu_engine::{Clock, Source};
use hefu_scenario::Client;
use hefu_server::{RegionTree, Setup, serve, telemetry};
use hefu_tests::canaries;
use hefu_tests::engines::{Engine, Folder, Place};
use hefu_tests::office::Office;
use hefu_wire::v1;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// 2023-05-10 10:00 in Asia/Shanghai.
const NOW: Instant = Instant(1_683_684_000_000);

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(Default::default()))
    }
}

impl Collector {
    async fn start() -> (Collector, String) {
        let collector = Collector::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (collector, format!("http://{address}"))
    }

    fn spans(&self) -> Vec<String> {
        let traces = self.traces.lock().unwrap();
        let scopes = traces
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans);
        scopes
            .flat_map(|scope| scope.spans.iter().map(|span| span.name.clone()))
            .collect()
    }

    fn metrics(&self) -> Vec<String> {
        let metrics = self.metrics.lock().unwrap();
        let scopes = metrics
            .iter()
            .flat_map(|request| &request.resource_metrics)
            .flat_map(|resource| &resource.scope_metrics);
        scopes
            .flat_map(|scope| scope.metrics.iter().map(|metric| metric.name.clone()))
            .collect()
    }

    /// The stages that moves were told apart into, in order, and how many moves each has.
    fn stages(&self) -> Vec<(String, u64)> {
        let metrics = self.metrics.lock().unwrap();
        // Each export has all of them since the start.
        let last = metrics.last().unwrap();
        let resources = last.resource_metrics.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        let mut metrics = scopes.flat_map(|scope| &scope.metrics);
        let stages = metrics.find(|metric| metric.name == "hefu.move.stage.duration");
        let Some(Data::Histogram(stages)) = &stages.unwrap().data else {
            panic!("times are a histogram");
        };
        let named = |stage: &str| {
            let point = stages.data_points.iter().find(|point| {
                let value = point.attributes[0].value.clone().unwrap().value;
                value == Some(Value::StringValue(stage.to_owned()))
            });
            point.map(|point| (stage.to_owned(), point.count))
        };
        let names = Stage::ALL.map(Stage::name);
        names.into_iter().filter_map(named).collect()
    }

    /// The kinds of probes that were counted.
    fn probes(&self) -> Vec<String> {
        let metrics = self.metrics.lock().unwrap();
        let scopes = metrics
            .iter()
            .flat_map(|request| &request.resource_metrics)
            .flat_map(|resource| &resource.scope_metrics);
        let probes = scopes.flat_map(|scope| &scope.metrics);
        let probes = probes.filter(|metric| metric.name == "hefu.probes");
        let mut kinds = Vec::new();
        for metric in probes {
            let Some(Data::Sum(sum)) = &metric.data else {
                panic!("a counter is a sum");
            };
            for point in &sum.data_points {
                let kind = point.attributes.iter().find(|label| label.key == "kind");
                let value = kind.unwrap().value.clone().unwrap().value;
                let Some(Value::StringValue(kind)) = value else {
                    panic!("a kind is a word");
                };
                kinds.push(kind);
            }
        }
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Everything that came in, as it came.
    fn bytes(&self) -> Vec<u8> {
        let traces = self.traces.lock().unwrap();
        let metrics = self.metrics.lock().unwrap();
        let traces = traces.iter().flat_map(|request| request.encode_to_vec());
        let metrics = metrics.iter().flat_map(|request| request.encode_to_vec());
        traces.chain(metrics).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_a_span_for_each_call_and_commit_and_nothing_of_anybody() {
    let (collector, endpoint) = Collector::start().await;
    let telemetry = telemetry::start("error", Some(&endpoint)).unwrap();
    let place = Place::new(Engine::Sqlite).await;
    let state = Folder::new("hefu-telemetry");
    let running = serve(Setup {
        database: place.url(),
        state: state.path().join("state"),
        listen: ([127, 0, 0, 1], 0).into(),
        deployment: "test.hefu.local".to_owned(),
        tree: RegionTree::read(None).unwrap(),
        clock: Clock::simulated(NOW).0,
        source: Source::Seeded([7; 32]),
        writers: 1,
        witnesses: hefu_server::Witnesses::none(),
        limits: hefu_server::Limits::default(),
    })
    .await
    .unwrap();
    let address = format!("http://{}", running.address);
    let client = Client::connect(&address).await.unwrap();
    let operator = running.operator_key.clone();
    let office = Office::open(&client, &operator, "140725", NOW, 1, 1_000_000).await;
    let person = office.person(&client, 1).await;
    office.applied(&client, &person).await;
    // A question about somebody, and a refused application: whoever asks so is counted.
    let asked = |validate_only| v1::ApplyRequest {
        validate_only,
        ..office.application(&person, office.fresh("probe"))
    };
    for validate_only in [true, false] {
        let apply = "ApplicationService/Apply";
        let answer: Result<v1::ApplyResponse, Status> = client
            .call(&office.portal, apply, asked(validate_only))
            .await;
        // They have a voucher already; a dry run does not tell what other regions would.
        assert_eq!(answer.is_ok(), validate_only);
    }
    running.stop().await;
    // Sends what is left, and blocks until it is sent.
    tokio::task::spawn_blocking(|| telemetry.shutdown())
        .await
        .unwrap();

    let spans = collector.spans();
    for wanted in ["voucher.v1.ApplicationService/Apply", "commit"] {
        assert!(
            spans.iter().any(|name| name == wanted),
            "{wanted}: {spans:?}"
        );
    }
    let ours = |name: &String| name == "commit" || name.starts_with("voucher.v1.");
    assert!(spans.iter().all(ours), "{spans:?}");
    let metrics = collector.metrics();
    for wanted in [
        "hefu.moves",
        "hefu.commit.duration",
        "hefu.queue.depth",
        "hefu.connections",
        "hefu.probes",
        "hefu.facts",
    ] {
        assert!(metrics.iter().any(|name| name == wanted), "{metrics:?}");
    }
    let stages = collector.stages();
    let told: Vec<_> = stages.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(told, Stage::ALL.map(Stage::name));
    // Whatever came in by a call has each of the edge's stages once.
    let of = |name: Stage| {
        stages
            .iter()
            .find(|(stage, _)| stage == name.name())
            .unwrap()
    };
    let moves = of(Stage::Access).1;
    assert!(moves > 10, "{stages:?}");
    for stage in [Stage::Decode, Stage::Reply] {
        assert_eq!(of(stage).1, moves, "{stages:?}");
    }
    // The server's own moves have the writer's only.
    for stage in [Stage::Queue, Stage::Decide, Stage::Wake] {
        assert!(of(stage).1 >= moves, "{stages:?}");
    }
    assert_eq!(collector.probes(), ["dry_run", "refused_application"]);
    let sent = collector.bytes();
    canaries::none_in("what the collector got", &sent);
    for secret in [&operator, &office.portal] {
        let found = sent
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} was sent to the collector");
    }
}
