//! Logs to the terminal; traces and metrics over OTLP where an endpoint is configured, nothing where none is.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
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
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
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
    let spans = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let points = opentelemetry_otlp::MetricExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(spans)
        .with_resource(resource.clone())
        .build();
    let metrics = SdkMeterProvider::builder()
        .with_periodic_exporter(points)
        .with_resource(resource)
        .build();
    global::set_meter_provider(metrics.clone());
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("hefu"));
    let _ = tracing_subscriber::registry()
        .with(terminal)
        .with(layer)
        .try_init();
    Ok(Telemetry {
        traces: Some(traces),
        metrics: Some(metrics),
    })
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
