//! Logs to the terminal; traces and metrics over OTLP where an endpoint is configured, nothing where none is.

use std::io::IsTerminal as _;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Instrument as _;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Holds the exporters; shut them down to send what is left.
#[derive(Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is none.
    #[error("log filter {filter:?}: {why}")]
    Filter {
        /// As configured.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// The exporter did not accept its endpoint.
    #[error("telemetry.otlp_endpoint {endpoint:?}: {why}")]
    Endpoint {
        /// As configured.
        endpoint: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Starts logging, and exporting where there is an endpoint. Call once, within a tokio runtime.
///
/// # Errors
/// A bad filter or endpoint; nothing was started then.
pub fn start(filter: &str, otlp_endpoint: Option<&str>) -> Result<Telemetry, TelemetryError> {
    let parsed = EnvFilter::try_new(filter).map_err(|why| TelemetryError::Filter {
        filter: filter.to_owned(),
        why: why.to_string(),
    })?;
    // https://no-color.org
    let is_colour_unwanted = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_colour_unwanted)
        .with_target(false)
        .with_filter(parsed);
    let Some(endpoint) = otlp_endpoint else {
        let _ = tracing_subscriber::registry().with(terminal).try_init();
        return Ok(Telemetry::default());
    };
    let wrong = |why: String| TelemetryError::Endpoint {
        endpoint: endpoint.to_owned(),
        why,
    };
    let resource = Resource::builder()
        .with_service_name("hefu")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let points = opentelemetry_otlp::MetricExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let metrics = SdkMeterProvider::builder()
        .with_periodic_exporter(points)
        .with_resource(resource.clone())
        .build();
    global::set_meter_provider(metrics.clone());
    hefu_engine::stages::watch();
    let metrics = Some(metrics);
    // A variable of OpenTelemetry's own: whoever takes only metrics has no spans made.
    if std::env::var("OTEL_TRACES_EXPORTER").is_ok_and(|exporter| exporter == "none") {
        let _ = tracing_subscriber::registry().with(terminal).try_init();
        return Ok(Telemetry {
            traces: None,
            metrics,
        });
    }
    let spans = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(spans)
        .with_resource(resource)
        .build();
    // A caller's `traceparent` makes our spans its children.
    global::set_text_map_propagator(TraceContextPropagator::new());
    // Our own spans only: the exporter's connection would trace itself for ever.
    let layer = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("hefu"))
        .with_filter(Targets::new().with_target("hefu", LevelFilter::INFO));
    let _ = tracing_subscriber::registry()
        .with(terminal)
        .with(layer)
        .try_init();
    Ok(Telemetry {
        traces: Some(traces),
        metrics,
    })
}

/// One span for each call, named and described as OpenTelemetry's conventions for RPC say. Nothing of a message is in it.
pub(crate) async fn traced(
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let method = request.uri().path().trim_start_matches('/').to_owned();
    let span = tracing::info_span!(
        "rpc",
        otel.name = %method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = %method,
        rpc.response.status_code = tracing::field::Empty,
    );
    let caller = global::get_text_map_propagator(|p| p.extract(&Headers(request.headers())));
    // Where nothing is exported there is no span to hang under the caller's.
    let _ = span.set_parent(caller);
    let response = next(request).instrument(span.clone()).await;
    // The code alone: a status has details, and a refusal should cost little.
    if let Some(code) = response.headers().get(tonic::Status::GRPC_STATUS) {
        let code = tonic::Code::from_bytes(code.as_bytes());
        span.record("rpc.response.status_code", i32::from(code));
    }
    response
}

/// A request's headers, for the propagator.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Telemetry {
    /// Sends what is left. An unreachable collector must not keep the process from ending.
    pub fn shutdown(self) {
        if let Some(traces) = self.traces
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
        if let Some(metrics) = self.metrics
            && let Err(error) = metrics.shutdown()
        {
            tracing::warn!(%error, "the last metrics were not sent");
        }
    }
}
