//! Logs on stderr and the numbers behind `/metrics`.
//!
//! # What may never be logged, at any level
//!
//! - a provider key, a virtual key, an admin token, a password, a session or a master key, whole
//!   or in part (their type, [`crate::domain::Secret`], has no way to be printed);
//! - a prompt, an answer, a tool argument or any other piece of a body;
//! - request or response header values, query strings, and targets that may carry one
//!   (`?key=` is how Gemini clients send a credential).
//!
//! Metric labels have few, known values (provider id, endpoint, outcome, error kind): never a
//! key, a path, a project, or a model name, all of which a client can invent without end.
//!
//! Libraries cannot be held to this: h2 prints whole header lists at TRACE. So whatever
//! `RUST_LOG` says, below INFO only this crate's own events are written. Records of the `log`
//! crate (rustls) are not collected at all. And the text of a panic is written only if it is a
//! constant of the code; a formatted one may hold data.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
};

use crate::config;

/// Bounds of the latency histograms, in seconds: from a cache answer to a long reasoning stream.
const LATENCY_BUCKETS_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in `RUST_LOG` syntax.
    #[error("log filter {filter:?} is not valid")]
    Filter {
        /// What was configured.
        filter: String,
        /// Where it fails.
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Sends this process's logs to stderr and keeps data out of panic messages. Only the first call
/// of a process has an effect.
///
/// # Errors
/// If the configured filter cannot be read.
pub fn init_logs(settings: &config::Telemetry) -> Result<(), TelemetryError> {
    let subscriber = subscriber(settings, std::io::stderr)?;
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("[withheld]");
            tracing::error!(location, message, "panic");
        }));
    }
    Ok(())
}

fn subscriber<W>(
    settings: &config::Telemetry,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + 'static, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|source| TelemetryError::Filter { filter: settings.log.clone(), source })?
        .and(filter_fn(is_fit_to_print));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = if settings.log_json {
        layer.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        layer.with_ansi(false).boxed()
    };
    Ok(Registry::default().with(layer.with_filter(filter)))
}

/// `Level`'s order puts the more verbose above the less verbose.
fn is_fit_to_print(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    is_ours || *metadata.level() <= Level::INFO
}

/// The collected metrics.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// This process's metrics; the first call begins to collect them.
    pub fn of_process() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let builder = PrometheusBuilder::new();
            // Fails only for an empty list of bounds; the default then is quantiles.
            let builder = builder
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS_SECONDS)
                .unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed, so /metrics stays empty");
            }
            handle
        });
        Self(handle.clone())
    }

    /// The Prometheus text exposition, version 0.0.4.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds recorded samples into the histograms every few seconds until `stop` is cancelled,
    /// because memory would otherwise grow until the next scrape.
    pub async fn fold_until(self, stop: CancellationToken) {
        while tokio::time::timeout(FOLD_EVERY, stop.cancelled()).await.is_err() {
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: &str, log_json: bool, events: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = config::Telemetry { log: log.to_owned(), log_json, otlp: None };
        let subscriber = subscriber(&settings, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, events);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn libraries_never_write_below_info_whatever_the_filter_says() {
        for filter in ["trace", "h2=trace,hyper=trace", "llm_gateway_evil=trace,h2::codec=debug"] {
            let text = logged(filter, false, || {
                tracing::trace!(target: "h2::codec::framed_read", "canary");
                tracing::debug!(target: "hyper::proto", "canary");
                tracing::debug!(target: "llm_gateway_evil", "canary");
            });
            assert_eq!(text, "", "{filter}");
        }
    }

    #[test]
    fn our_own_events_follow_the_filter() {
        let events = || {
            tracing::trace!("own trace");
            tracing::warn!(target: "sqlx::query", "foreign warning");
        };
        let text = logged("trace", false, events);
        assert!(text.contains("own trace") && text.contains("foreign warning"), "{text}");
        assert_eq!(logged("error", false, events), "");
        let line: serde_json::Value = serde_json::from_str(logged("warn", true, events).trim()).unwrap();
        assert_eq!(line["message"], "foreign warning");
    }

    #[test]
    fn a_wrong_filter_is_an_error() {
        let settings = config::Telemetry { log: "a=b=c".to_owned(), log_json: false, otlp: None };
        assert!(matches!(subscriber(&settings, std::io::stderr), Err(TelemetryError::Filter { .. })));
    }

    #[test]
    fn the_metrics_of_a_process_are_one() {
        let (first, metrics) = (Metrics::of_process(), Metrics::of_process());
        metrics::counter!("telemetry_test_total").increment(2);
        metrics::histogram!("telemetry_test_seconds").record(0.02);
        assert!(first.render().contains("telemetry_test_total 2"));
        let text = metrics.render();
        assert!(text.contains("telemetry_test_total 2"), "{text}");
        assert!(text.contains("telemetry_test_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }
}
