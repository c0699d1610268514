//! `[cache]`: the response cache.

use std::time::Duration;

use super::fields::Fields;

const MIB: u64 = 1 << 20;

/// `[cache]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Whether it is asked for requests whose key and project state nothing else.
    pub enabled: bool,
    /// Most bytes of all its entries; a change empties it.
    pub max_bytes: u64,
    /// How long an answer may be served.
    pub ttl: Duration,
    /// Largest answer that is kept, in bytes.
    pub max_entry_bytes: u64,
    /// How long a request waits for another one that asks the same; zero never.
    pub wait: Duration,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            enabled: false,
            max_bytes: 64 * MIB,
            ttl: Duration::from_secs(3_600),
            max_entry_bytes: MIB,
            wait: Duration::from_secs(30),
        }
    }
}

/// `[cache]`
pub(super) fn cache(fields: &mut Fields<'_>) -> Cache {
    let usual = Cache::default();
    let max_bytes = fields.number("max_bytes", 64 * 1024..=1 << 40).unwrap_or(usual.max_bytes);
    Cache {
        enabled: fields.flag("enabled").unwrap_or(usual.enabled),
        max_bytes,
        ttl: fields.seconds("ttl").unwrap_or(usual.ttl),
        max_entry_bytes: fields.number("max_entry_bytes", 1_024..=1 << 30).unwrap_or(usual.max_entry_bytes),
        wait: fields.number("wait_ms", 0..=600_000).map_or(usual.wait, Duration::from_millis),
    }
}
