//! Records and attempts as rows: the columns, writing them and reading them back, side by side.
//!
//! Column names are constants and every value is bound: no input ever becomes SQL text.

use std::sync::Arc;

use sqlx::{
    Arguments as _, Row as _,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    StoreError,
    history::StoredRecord,
    tags::{read_tags, write_tags},
};
use crate::domain::{
    Api, Attempt, CacheState, Endpoint, ErrorKind, Microcents, Outcome, Record, RecordId, Timestamp, Usage,
};

/// The columns of `records`, in the order of [`bind_record`] and [`read_record`].
pub(super) const RECORD_COLUMNS: [&str; 47] = [
    "seq",
    "id",
    "started_at",
    "project",
    "source",
    "team",
    "key_id",
    "key_label",
    "profile",
    "session_id",
    "tags",
    "client_api",
    "endpoint",
    "model_requested",
    "provider",
    "model",
    "provider_api",
    "stream",
    "status",
    "outcome",
    "error_kind",
    "finish_reason",
    "provider_request_id",
    "attempts",
    "cache",
    "latency_us",
    "ttft_us",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "usage_estimated",
    "cost_microcents",
    "cost_unknown_reason",
    "price_version",
    "provider_cost_microcents",
    "saved_microcents",
    "findings",
    "request_bytes",
    "response_bytes",
];

/// The columns of `attempts`, in the order of [`bind_attempt`] and [`read_attempt`].
pub(super) const ATTEMPT_COLUMNS: [&str; 25] = [
    "record_seq",
    "number",
    "provider",
    "model",
    "provider_api",
    "started_at",
    "latency_us",
    "ttft_us",
    "status",
    "outcome",
    "error_kind",
    "provider_request_id",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "usage_estimated",
    "cost_microcents",
];

/// The columns of `record_tags`, in the order of [`bind_tag`].
pub(super) const TAG_COLUMNS: [&str; 5] = ["key", "value", "started_at", "seq", "dimension_id"];

/// The values of one statement, in the order of its placeholders.
#[derive(Default)]
pub(super) struct Values(SqliteArguments);

impl Values {
    /// A number.
    pub(super) fn int(&mut self, value: i64) {
        self.add(value);
    }

    /// A text that many rows share, without copying it.
    pub(super) fn shared(&mut self, value: &Arc<str>) {
        self.add(Arc::clone(value));
    }

    /// A stable name.
    pub(super) fn name(&mut self, value: &'static str) {
        self.add(value);
    }

    /// Bytes.
    pub(super) fn bytes(&mut self, value: Vec<u8>) {
        self.add(value);
    }

    /// What a statement takes.
    pub(super) fn into_arguments(self) -> SqliteArguments {
        self.0
    }

    fn count(&mut self, value: u64) {
        self.add(to_i64(value));
    }

    fn maybe_count(&mut self, value: Option<u64>) {
        self.add(value.map(to_i64));
    }

    fn maybe_shared(&mut self, value: Option<&Arc<str>>) {
        self.add(value.cloned());
    }

    fn maybe_name(&mut self, value: Option<&'static str>) {
        self.add(value);
    }

    fn maybe_money(&mut self, value: Option<Microcents>) {
        self.add(value.map(|amount| amount.0));
    }

    fn usage(&mut self, usage: &Usage) {
        for class in classes(usage) {
            self.maybe_count(class);
        }
        self.add(usage.estimated);
    }

    fn add<'value, T>(&mut self, value: T)
    where
        T: sqlx::Encode<'value, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        // Encoding numbers, texts and bytes for SQLite has no way to fail.
        let _ = self.0.add(value);
    }
}

/// The disjoint token classes in the order of their columns, everywhere.
pub(super) fn classes(usage: &Usage) -> [Option<u64>; 11] {
    [
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.input_audio,
        usage.cache_read_audio,
        usage.input_image,
        usage.output,
        usage.reasoning,
        usage.output_audio,
        usage.output_image,
    ]
}

/// Adds one row of `records`.
pub(super) fn bind_record(values: &mut Values, seq: i64, record: &Record) {
    values.int(seq);
    values.bytes(record.id.as_bytes().to_vec());
    values.int(record.started_at.unix_us);
    for text in [
        &record.project,
        &record.source,
        &record.team,
        &record.key_id,
        &record.key_label,
        &record.profile,
        &record.session_id,
    ] {
        values.maybe_shared(text.as_ref());
    }
    values.add(write_tags(&record.tags));
    values.name(record.client_api.as_str());
    values.name(record.endpoint.as_str());
    for text in [&record.model_requested, &record.provider, &record.model] {
        values.maybe_shared(text.as_ref());
    }
    values.maybe_name(record.provider_api.map(Api::as_str));
    values.add(record.stream);
    values.add(record.status);
    values.name(record.outcome.as_str());
    values.maybe_name(record.error_kind.map(ErrorKind::as_str));
    values.maybe_shared(record.finish_reason.as_ref());
    values.maybe_shared(record.provider_request_id.as_ref());
    values.count(record.attempts.len() as u64);
    values.name(record.cache.as_str());
    values.count(record.latency_us);
    values.maybe_count(record.ttft_us);
    values.usage(&record.usage);
    values.maybe_money(record.cost);
    values.maybe_name(record.cost_unknown_reason);
    values.maybe_shared(record.price_version.as_ref());
    values.maybe_money(record.provider_cost);
    values.maybe_money(record.saved);
    values.add(record.finding_count());
    values.count(record.request_bytes);
    values.count(record.response_bytes);
}

/// Adds one row of `attempts`.
pub(super) fn bind_attempt(values: &mut Values, seq: i64, number: usize, attempt: &Attempt) {
    values.int(seq);
    values.count(number as u64);
    values.shared(&attempt.provider);
    values.maybe_shared(attempt.model.as_ref());
    values.name(attempt.provider_api.as_str());
    values.int(attempt.started_at.unix_us);
    values.count(attempt.latency_us);
    values.maybe_count(attempt.ttft_us);
    values.add(attempt.status);
    values.name(attempt.outcome.as_str());
    values.maybe_name(attempt.error_kind.map(ErrorKind::as_str));
    values.maybe_shared(attempt.provider_request_id.as_ref());
    values.usage(&attempt.usage);
    values.maybe_money(attempt.cost);
}

/// Adds one row of `record_tags`.
pub(super) fn bind_tag(
    values: &mut Values,
    (key, value): &(Arc<str>, Arc<str>),
    started_at: Timestamp,
    seq: i64,
    dimension: i64,
) {
    values.shared(key);
    values.shared(value);
    values.int(started_at.unix_us);
    values.int(seq);
    values.int(dimension);
}

/// Reads a row of [`RECORD_COLUMNS`].
pub(super) fn read_record(row: &SqliteRow) -> Result<StoredRecord, StoreError> {
    let mut columns = Columns { row, next: 0 };
    let seq = columns.take()?;
    let id = RecordId::from_bytes(columns.take()?).ok_or(StoreError::Corrupt { what: "a record's id" })?;
    let record = Record {
        id,
        started_at: columns.time()?,
        project: columns.text()?,
        source: columns.text()?,
        team: columns.text()?,
        key_id: columns.text()?,
        key_label: columns.text()?,
        profile: columns.text()?,
        session_id: columns.text()?,
        tags: read_tags(columns.take()?)?,
        client_api: columns.named(Api::parse)?,
        endpoint: columns.named(Endpoint::parse)?,
        model_requested: columns.text()?,
        provider: columns.text()?,
        model: columns.text()?,
        provider_api: columns.maybe_named(Api::parse)?,
        stream: columns.take()?,
        status: columns.take()?,
        outcome: columns.named(Outcome::parse)?,
        error_kind: columns.maybe_named(ErrorKind::parse)?,
        finish_reason: columns.text()?,
        provider_request_id: columns.text()?,
        attempts: Vec::with_capacity(0),
        route: None,
        cache: CacheState::Bypass,
        latency_us: 0,
        ttft_us: None,
        usage: Usage::default(),
        cost: None,
        cost_unknown_reason: None,
        price_version: None,
        provider_cost: None,
        saved: None,
        findings: Vec::with_capacity(0),
        budget_marks: Vec::with_capacity(0),
        plugin_failures: Vec::with_capacity(0),
        request_bytes: 0,
        response_bytes: 0,
    };
    let attempts = columns.take()?;
    let record = Record {
        cache: columns.named(CacheState::parse)?,
        latency_us: columns.count()?,
        ttft_us: columns.maybe_count()?,
        usage: columns.usage()?,
        cost: columns.money()?,
        cost_unknown_reason: columns.take::<Option<&str>>()?.map(known_reason),
        price_version: columns.text()?,
        provider_cost: columns.money()?,
        saved: columns.money()?,
        ..record
    };
    let findings = columns.take()?;
    let record = Record { request_bytes: columns.count()?, response_bytes: columns.count()?, ..record };
    Ok(StoredRecord { seq, attempts, findings, record })
}

/// Reads a row of [`ATTEMPT_COLUMNS`].
pub(super) fn read_attempt(row: &SqliteRow) -> Result<Attempt, StoreError> {
    let mut columns = Columns { row, next: 2 };
    Ok(Attempt {
        provider: columns.take::<&str>()?.into(),
        model: columns.text()?,
        provider_api: columns.named(Api::parse)?,
        started_at: columns.time()?,
        latency_us: columns.count()?,
        ttft_us: columns.maybe_count()?,
        status: columns.take()?,
        outcome: columns.named(Outcome::parse)?,
        error_kind: columns.maybe_named(ErrorKind::parse)?,
        provider_request_id: columns.text()?,
        usage: columns.usage()?,
        cost: columns.money()?,
    })
}

/// Walks a row from left to right; struct fields are evaluated in the order they are written.
struct Columns<'row> {
    row: &'row SqliteRow,
    next: usize,
}

impl<'row> Columns<'row> {
    fn take<T>(&mut self) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'row, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn text(&mut self) -> Result<Option<Arc<str>>, StoreError> {
        Ok(self.take::<Option<&str>>()?.map(Arc::from))
    }

    fn time(&mut self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp { unix_us: self.take()? })
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        Ok(self.take::<i64>()?.unsigned_abs())
    }

    fn maybe_count(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(self.take::<Option<i64>>()?.map(i64::unsigned_abs))
    }

    fn money(&mut self) -> Result<Option<Microcents>, StoreError> {
        Ok(self.take::<Option<i64>>()?.map(Microcents))
    }

    fn named<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.take()?).ok_or(StoreError::Corrupt { what: "a record's enumeration" })
    }

    fn maybe_named<T>(&mut self, parse: fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        Ok(self.take::<Option<&str>>()?.and_then(parse))
    }

    fn usage(&mut self) -> Result<Usage, StoreError> {
        Ok(Usage {
            input: self.maybe_count()?,
            cache_read: self.maybe_count()?,
            cache_write_5m: self.maybe_count()?,
            cache_write_1h: self.maybe_count()?,
            input_audio: self.maybe_count()?,
            cache_read_audio: self.maybe_count()?,
            input_image: self.maybe_count()?,
            output: self.maybe_count()?,
            reasoning: self.maybe_count()?,
            output_audio: self.maybe_count()?,
            output_image: self.maybe_count()?,
            estimated: self.take()?,
        })
    }
}

pub(super) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reasons are few and constant; one that this version does not know reads as `other`.
pub(super) fn known_reason(text: &str) -> &'static str {
    const KNOWN: [&str; 3] = ["no_usage", "no_price", "no_model"];
    KNOWN.into_iter().find(|reason| *reason == text).unwrap_or("other")
}
