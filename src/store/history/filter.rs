//! What a caller may ask the history for.

use crate::domain::{Api, CacheState, Endpoint, ErrorKind, Outcome, Timestamp};

/// Which records; a field that is `None` lets all pass, `Some("")` means "not set". `from` is
/// inclusive, `to` exclusive.
#[derive(Clone, Debug, Default)]
pub struct RecordFilter {
    /// Project.
    pub project: Option<String>,
    /// Requester.
    pub source: Option<String>,
    /// Team of the key.
    pub team: Option<String>,
    /// Id of the virtual key.
    pub key_id: Option<String>,
    /// Routing profile.
    pub profile: Option<String>,
    /// `x-session-id`.
    pub session_id: Option<String>,
    /// Provider id.
    pub provider: Option<String>,
    /// Model that answered.
    pub model: Option<String>,
    /// Model as the client named it.
    pub model_requested: Option<String>,
    /// API that the client spoke.
    pub client_api: Option<Api>,
    /// API that the provider spoke.
    pub provider_api: Option<Api>,
    /// Endpoint.
    pub endpoint: Option<Endpoint>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error_kind: Option<ErrorKind>,
    /// HTTP status sent.
    pub status: Option<u16>,
    /// Whether a stream was asked for.
    pub stream: Option<bool>,
    /// What the cache did.
    pub cache: Option<CacheState>,
    /// Whether the sanitizer found anything.
    pub findings: Option<bool>,
    /// A kind that the sanitizer found.
    pub finding_kind: Option<String>,
    /// Tags that must all be there, as key and value.
    pub tags: Vec<(String, String)>,
    /// Values that are left out, `""` being "not set".
    pub exclude: Vec<(Dimension, String)>,
    /// Earliest start.
    pub from: Option<Timestamp>,
    /// Start before this.
    pub to: Option<Timestamp>,
}

/// Which roll-ups; a field that is `None` lets all pass, `Some("")` means "not set". `from` and
/// `to` are widened to whole quarter hours.
#[derive(Clone, Debug, Default)]
pub struct StatsFilter {
    /// Project.
    pub project: Option<String>,
    /// Requester.
    pub source: Option<String>,
    /// Team of the key.
    pub team: Option<String>,
    /// Id of the virtual key.
    pub key_id: Option<String>,
    /// Routing profile.
    pub profile: Option<String>,
    /// Provider id.
    pub provider: Option<String>,
    /// Model that answered.
    pub model: Option<String>,
    /// API that the client spoke.
    pub client_api: Option<Api>,
    /// Endpoint.
    pub endpoint: Option<Endpoint>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error_kind: Option<ErrorKind>,
    /// Whether a stream was asked for.
    pub stream: Option<bool>,
    /// What the cache did.
    pub cache: Option<CacheState>,
    /// Values that are left out, `""` being "not set".
    pub exclude: Vec<(Dimension, String)>,
    /// Earliest quarter hour.
    pub from: Option<Timestamp>,
    /// Up to this.
    pub to: Option<Timestamp>,
}

/// What roll-ups can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// `project`
    Project,
    /// `source`
    Source,
    /// `team`
    Team,
    /// `key_id`
    Key,
    /// `profile`
    Profile,
    /// `provider`
    Provider,
    /// `model`
    Model,
    /// `client_api`
    ClientApi,
    /// `endpoint`
    Endpoint,
    /// `outcome`
    Outcome,
    /// `error_kind`
    ErrorKind,
    /// `stream` (`true` or `false`)
    Stream,
    /// `cache`
    Cache,
}

impl Dimension {
    /// Every dimension, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Project,
        Self::Source,
        Self::Team,
        Self::Key,
        Self::Profile,
        Self::Provider,
        Self::Model,
        Self::ClientApi,
        Self::Endpoint,
        Self::Outcome,
        Self::ErrorKind,
        Self::Stream,
        Self::Cache,
    ];

    /// The record field's name, which is also the column's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Source => "source",
            Self::Team => "team",
            Self::Key => "key_id",
            Self::Profile => "profile",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::ClientApi => "client_api",
            Self::Endpoint => "endpoint",
            Self::Outcome => "outcome",
            Self::ErrorKind => "error_kind",
            Self::Stream => "stream",
            Self::Cache => "cache",
        }
    }

    /// Reads the name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == text)
    }
}

/// What a list of records is sorted by, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What it cost by our prices; records without a known cost are not listed.
    Cost,
    /// How long it took.
    Latency,
}

/// A place in the list of records; opaque text on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is sorted by: the start in microseconds, or the [`Measure`].
    pub(super) value: i64,
    pub(super) seq: i64,
}

impl Cursor {
    /// Reads the text form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (value, seq) = text.split_once('-')?;
        let read = |hex: &str| u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
        Some(Self { value: read(value)?, seq: read(seq)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{:x}", self.value, self.seq)
    }
}
