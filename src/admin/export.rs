//! Records as CSV or JSON lines, streamed: memory does not grow with what is exported.
//!
//! A cell is text for a spreadsheet, never a formula.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    IntoParams, PartialSchema as _, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{error::ApiError, page::PageParams};
use crate::{
    analytics::RecordView,
    store::{History, Measure, RecordFilter, StoreError, StoredRecord},
};

/// What a list of records is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// In which order, and whether to export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParams {
    /// Export everything that fits instead of a page; `limit` then bounds the rows and may be of any size.
    #[param(inline)]
    format: Option<Format>,
    /// What is largest first, in place of what is newest; for at most 200,000 records, and not for an export.
    #[param(inline)]
    sort: Option<Sort>,
}

/// What a list of records is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sort {
    /// What they cost; those without a known cost are left out.
    CostMicrocents,
    /// How long they took.
    LatencyMs,
}

impl ExportParams {
    /// What the list is sorted by; `None` is by time.
    pub(super) fn measure(&self) -> Option<Measure> {
        self.sort.map(|sort| match sort {
            Sort::CostMicrocents => Measure::Cost,
            Sort::LatencyMs => Measure::Latency,
        })
    }
}

/// The columns, which are the fields of a record in the order of the API.
static COLUMNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let RefOr::T(Schema::Object(record)) = RecordView::schema() else { return Vec::new() };
    let names = record.properties.into_iter().map(|(name, _)| name);
    // These are in the detail only.
    names.filter(|name| !["attempt_rows", "finding_rows", "routed"].contains(&name.as_str())).collect()
});

/// The format that the caller wants; `None` is a page of JSON.
pub(super) fn wanted(params: &ExportParams, headers: &HeaderMap) -> Option<Format> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut types = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    params.format.or_else(|| {
        types.find_map(|kind| match kind {
            "text/csv" => Some(Format::Csv),
            "application/jsonl" | "application/x-ndjson" => Some(Format::Jsonl),
            _ => None,
        })
    })
}

/// Streams everything that fits.
///
/// # Errors
/// 400 when a cursor is given, since an export has no pages.
pub(super) fn stream(
    history: &History,
    filter: RecordFilter,
    page: &PageParams,
    format: Format,
) -> Result<Response, ApiError> {
    let most = page.export_limit()?;
    let (head, content_type, name) = match format {
        Format::Csv => (header_line(), "text/csv; charset=utf-8; header=present", "records.csv"),
        Format::Jsonl => (String::new(), "application/jsonl", "records.jsonl"),
    };
    let rows = history
        .export(filter)
        .map_ok(|chunk| futures_util::stream::iter(chunk.into_iter().map(Ok)))
        .try_flatten()
        .take(most)
        .ready_chunks(500)
        .map(move |rows| write(rows, format));
    // The list ends at its first failure: the client sees a broken body and not a short file.
    let body = futures_util::stream::iter([Ok(Bytes::from(head))]).chain(rows);
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn write(rows: Vec<Result<StoredRecord, StoreError>>, format: Format) -> Result<Bytes, std::io::Error> {
    let mut text = String::new();
    for row in rows {
        let row = row.map_err(|fault| {
            tracing::error!(%fault, "an export broke off");
            std::io::Error::other("the export broke off")
        })?;
        let line = serde_json::to_value(RecordView::row(&row)).map_err(std::io::Error::other)?;
        match format {
            Format::Csv => write_line(&mut text, &line),
            Format::Jsonl => text.push_str(&line.to_string()),
        }
        text.push_str(if format == Format::Csv { "\r\n" } else { "\n" });
    }
    Ok(text.into())
}

fn header_line() -> String {
    COLUMNS.join(",") + "\r\n"
}

fn write_line(text: &mut String, record: &Value) {
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match record.get(column) {
            None | Some(Value::Null) => {}
            Some(Value::String(cell)) => write_text(text, cell),
            Some(Value::Object(tags)) => {
                let pairs = tags.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
                write_text(text, &pairs.collect::<Vec<_>>().join(","));
            }
            Some(number_or_flag) => text.push_str(&number_or_flag.to_string()),
        }
    }
}

/// Writes a text cell. Spreadsheets run cells that begin with one of these signs, so a `'` goes before.
fn write_text(text: &mut String, cell: &str) {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if cell.contains(['"', ',', '\r', '\n']) {
        text.extend(["\"", guard, &cell.replace('"', "\"\""), "\""]);
    } else {
        text.extend([guard, cell]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_fields_of_a_record() {
        let columns: Vec<&str> = COLUMNS.iter().map(String::as_str).collect();
        assert_eq!(columns.first_chunk(), Some(&["id", "started_at", "project"]));
        assert_eq!((columns.last(), columns.len()), (Some(&"response_bytes"), 40));
    }

    #[test]
    fn a_cell_is_never_a_formula_and_never_two_cells() {
        let cases = [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("two\nlines", "\"two\nlines\""),
        ];
        for (cell, written) in cases {
            let mut text = String::new();
            write_text(&mut text, cell);
            assert_eq!(text, written);
        }
    }
}
