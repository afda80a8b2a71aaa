//! Takes the metrics of a server of the bench's own, over OTLP on loopback. They come every so often, each time all of them since the
//! server's start; what a load added is the difference of two.

use std::time::Duration;

use anyhow::{Context, bail};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Request, Response, Status};

use super::profile::Counts;

/// How often the server sends them, in milliseconds: seldom enough to cost nothing, often enough not to be waited for.
const EVERY_MS: u64 = 200;
/// A server that sends nothing for so long sends nothing.
const LONGEST: Duration = Duration::from_secs(30);

/// What came last, and how many came.
#[derive(Clone, Default)]
struct Received {
    exports: u64,
    counts: Counts,
    /// The most that waited, and the most that might, since that was forgotten last.
    queue: (u64, u64),
}

/// Where a server's metrics come in.
pub(crate) struct Collector {
    endpoint: String,
    sender: watch::Sender<Received>,
    received: watch::Receiver<Received>,
    serving: JoinHandle<()>,
}

impl Collector {
    /// Begins to listen.
    pub(crate) async fn start() -> anyhow::Result<Collector> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("cannot listen for the server's metrics")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (sender, received) = watch::channel(Received::default());
        let service = MetricsServiceServer::new(Inlet(sender.clone()));
        let server = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server's metrics are taken no more");
            }
        });
        Ok(Collector {
            endpoint,
            sender,
            received,
            serving,
        })
    }

    /// Where the server sends its metrics.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How it is told to: metrics only, since spans would be the larger part of what is measured.
    pub(crate) fn environment() -> [(&'static str, String); 2] {
        [
            ("OTEL_METRIC_EXPORT_INTERVAL", EVERY_MS.to_string()),
            ("OTEL_TRACES_EXPORTER", "none".to_owned()),
        ]
    }

    /// From here on the most that waits is looked for.
    pub(crate) fn forget_queue(&self) {
        self.sender.send_modify(|received| received.queue = (0, 0));
    }

    /// The most moves that waited since then, and the most beyond which calls were refused.
    pub(crate) fn queue(&self) -> (u64, u64) {
        self.received.borrow().queue
    }

    /// All that was counted up to now.
    pub(crate) async fn counts(&self) -> anyhow::Result<Counts> {
        let mut received = self.received.clone();
        // The next to come may have been gathered before now; the one after it was not.
        let wanted = received.borrow().exports + 2;
        let came = received.wait_for(|received| received.exports >= wanted);
        match tokio::time::timeout(LONGEST, came).await {
            Ok(received) => Ok(received?.counts.clone()),
            Err(_) => bail!(
                "the server sent no metrics to {} for {} s",
                self.endpoint,
                LONGEST.as_secs()
            ),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Inlet(watch::Sender<Received>);

#[tonic::async_trait]
impl MetricsService for Inlet {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let counts = Counts::of(&request.into_inner());
        self.0.send_modify(|received| {
            received.exports += 1;
            let (waiting, bound) = counts.queue;
            received.queue.0 = received.queue.0.max(waiting);
            received.queue.1 = received.queue.1.max(bound);
            received.counts = counts;
        });
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
