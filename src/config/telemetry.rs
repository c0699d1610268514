//! `[telemetry]`: logs, and the collector that hears of every request.

use url::Url;

use super::{fields::Fields, incidents::receiver_url, report::Report, tree::Value};
use crate::domain::Secret;

/// `[telemetry]`
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Log filter in `RUST_LOG` syntax.
    pub log: String,
    /// One JSON object a line instead of text.
    pub log_json: bool,
    /// Who is told of every request.
    pub otlp: Option<Otlp>,
}

/// An OpenTelemetry collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// Its root, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it; any address, since the operator wrote it.
    pub endpoint: Url,
    /// Headers of each delivery, by name; most often a credential.
    pub headers: Vec<(String, Secret)>,
}

impl Otlp {
    /// Where traces go: `/v1/traces` below the root.
    pub fn traces_url(&self) -> Url {
        let mut url = self.endpoint.clone();
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }
}

const HEADERS: &str = "telemetry.otlp_headers";

/// `[telemetry]`
pub(super) fn telemetry(fields: &mut Fields<'_>, report: &Report) -> Telemetry {
    let log = fields.text("log").filter(|log| {
        let valid = tracing_subscriber::EnvFilter::builder().parse(&log.value).is_ok();
        if !valid {
            let what = "is not a log filter; write a level (error, warn, info, debug, trace) or e.g. llm_gateway=debug";
            fields.error_at(&log.place, "log", what);
        }
        valid
    });
    let headers_place = fields.place_of("otlp_headers");
    let headers = headers(fields, report);
    let endpoint = receiver_url(fields, "otlp_endpoint", "otlp_headers");
    if !headers.is_empty() && endpoint.is_none() {
        fields.error_at(&headers_place, "otlp_headers", "is sent nowhere without otlp_endpoint; state that too");
    }
    Telemetry {
        log: log.map_or_else(|| "info".to_owned(), |log| log.value),
        log_json: fields.flag("log_json").unwrap_or(false),
        otlp: endpoint.map(|endpoint| Otlp { endpoint, headers }),
    }
}

/// A table, or the text form of `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, the values percent-encoded.
fn headers(fields: &mut Fields<'_>, report: &Report) -> Vec<(String, Secret)> {
    let Some(node) = fields.node("otlp_headers") else { return Vec::new() };
    let place = node.place.clone();
    let stated: Vec<(String, Secret)> = match node.value {
        Value::Table(_) => {
            let mut table = Fields::of(HEADERS, node, report);
            let names = table.names();
            let value = |name: String| table.text(&name).map(|text| (name, Secret::new(text.value)));
            names.into_iter().filter_map(value).collect()
        }
        Value::Text(text) => {
            let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
            let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.map(|(name, value)| (name.trim().to_owned(), Secret::new(decoded(value.trim())))).collect()
        }
        _ => {
            let what = "is no table; write e.g. { authorization = \"Bearer …\" }";
            fields.error_at(&place, "otlp_headers", what);
            return Vec::new();
        }
    };
    let is_sendable = |(name, value): &(String, Secret)| {
        let value = value.expose();
        http::HeaderName::try_from(name).is_ok() && !value.is_empty() && http::HeaderValue::try_from(value).is_ok()
    };
    // The name may be a part of a value that was written without one.
    if !stated.iter().all(is_sendable) {
        fields.error_at(&place, "otlp_headers", "holds a header that cannot be sent; write name and value of each");
        return Vec::new();
    }
    stated
}

fn decoded(value: &str) -> String {
    percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()
}
