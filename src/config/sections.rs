//! The sections that stand alone: server, auth, storage.
//!
//! Turns raw tables into checked values; anything doubtful becomes an error with its place.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::{
    environment::Environment,
    fields::{Fields, Stated},
    report::{Place, Report, did_you_mean},
    schema::{self, PRICE_KEYS},
    tree::{Node, Table, Value},
    types::{Auth, OnClientDisconnect, PriceOverride, Provider, Server, Storage, Tls, Translation},
};
use crate::domain::Secret;

const MIB: u64 = 1 << 20;

/// Takes one `[name]` table, empty when it is not stated, with its unknown keys already refused.
pub(super) fn open<'a>(root: &mut Table, name: &'a str, file: &Place, report: &'a Report) -> Fields<'a> {
    let mut fields = match root.take(name) {
        Some(node) => Fields::of(name, node, report),
        None => Fields::new(name, file.clone(), Table::default(), report),
    };
    if let Some(section) = schema::section(name) {
        fields.only(section);
    }
    fields
}

/// Takes the items of one `[[name]]` list.
pub(super) fn items(root: &mut Table, name: &str, report: &Report) -> Vec<Node> {
    match root.take(name) {
        Some(Node { value: Value::List(items), .. }) => items,
        Some(node) => {
            report.error(&node.place, name, format_args!("is {}; write [[{name}]]", node.value.kind()));
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// `[server]`
pub(super) fn server(fields: &mut Fields<'_>, working_dir: &Path, report: &Report) -> Server {
    let host = fields.text("host").and_then(|host| address(fields, &host)).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let seconds =
        |fields: &mut Fields<'_>, key: &str, default: u64| fields.seconds(key).unwrap_or(Duration::from_secs(default));
    Server {
        host,
        port: fields.number("port", 0..=65_535).and_then(|port| u16::try_from(port).ok()).unwrap_or(8930),
        allowed_hosts: allowed_hosts(fields),
        on_client_disconnect: on_client_disconnect(fields),
        header_timeout: seconds(fields, "header_timeout", 10),
        body_timeout: seconds(fields, "body_timeout", 10),
        min_body_bytes_per_sec: small(fields, "min_body_bytes_per_sec", 1, 1024 * 1024, 1024),
        keep_alive_timeout: seconds(fields, "keep_alive_timeout", 60),
        shutdown_timeout: seconds(fields, "shutdown_timeout", 30),
        max_body_bytes: fields.number("max_body_bytes", 1024..=1024 * MIB).unwrap_or(32 * MIB),
        max_upload_bytes: fields.number("max_upload_bytes", 1024..=65_536 * MIB).unwrap_or(512 * MIB),
        max_header_bytes: small(fields, "max_header_bytes", 8 * 1024, 1024 * 1024, 32 * 1024),
        max_headers: small(fields, "max_headers", 16, 1024, 64),
        max_uri_bytes: small(fields, "max_uri_bytes", 256, 65_536, 8 * 1024),
        max_connections: small(fields, "max_connections", 1, 1_000_000, 10_000),
        max_connections_per_address: small(fields, "max_connections_per_address", 1, 1_000_000, 1024),
        tls: fields.node("tls").and_then(|node| tls(node, working_dir, report)),
    }
}

/// `[server.tls]`; whether the files can be used is seen when they are opened.
fn tls(node: Node, working_dir: &Path, report: &Report) -> Option<Tls> {
    let is_table = matches!(node.value, Value::Table(_));
    let mut fields = Fields::of("server.tls", node, report);
    fields.only_keys(&schema::TLS_KEYS, &[]);
    let file = |fields: &mut Fields<'_>, key: &str, holds: &str| {
        let is_stated = fields.has(key);
        let path = fields.text(key);
        if is_table && !is_stated {
            fields.error(key, format_args!("is missing; write the path of the {holds} in PEM"));
        }
        path.map(|path| working_dir.join(path.value))
    };
    let cert_file = file(&mut fields, "cert_file", "certificate");
    let key_file = file(&mut fields, "key_file", "private key");
    let handshake_timeout = fields.seconds("handshake_timeout").unwrap_or(Duration::from_secs(10));
    Some(Tls { cert_file: cert_file?, key_file: key_file?, handshake_timeout })
}

/// A whole number within bounds.
pub(super) fn small(fields: &mut Fields<'_>, key: &str, least: u32, most: u32, default: u32) -> u32 {
    let range = u64::from(least)..=u64::from(most);
    fields.number(key, range).and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
}

fn address(fields: &Fields<'_>, host: &Stated<String>) -> Option<IpAddr> {
    let text = host.value.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match (bare, bare.parse()) {
        (_, Ok(address)) => Some(address),
        ("localhost", _) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => {
            let what = format!("{} is not an IP address; write 127.0.0.1, 0.0.0.0, ::1 or another one", host.quoted());
            fields.error_at(&host.place, "host", what);
            None
        }
    }
}

fn allowed_hosts(fields: &mut Fields<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for host in fields.list("allowed_hosts").unwrap_or_default() {
        let name = host.value.trim().trim_end_matches('.').to_ascii_lowercase();
        let is_name =
            name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if !name.is_empty() && (is_name || bare.parse::<std::net::Ipv6Addr>().is_ok()) {
            hosts.push(bare.to_owned());
        } else {
            let what = format!("{} is not a host name; write it without scheme, port or \"*\"", host.quoted());
            fields.error_at(&host.place, "allowed_hosts", what);
        }
    }
    hosts
}

fn on_client_disconnect(fields: &mut Fields<'_>) -> OnClientDisconnect {
    let mode = fields.text("on_client_disconnect");
    let max_bytes = fields.number("drain_max_bytes", 1024..=1024 * MIB).unwrap_or(8 * MIB);
    let max_time = fields.seconds("drain_timeout").unwrap_or(Duration::from_secs(60));
    match mode.as_ref().map(|mode| mode.value.as_str()) {
        None | Some("cancel") => {}
        Some("drain") => return OnClientDisconnect::Drain { max_bytes, max_time },
        Some(other) => {
            if let Some(mode) = &mode {
                let hint = did_you_mean(other, ["cancel", "drain"]);
                let what = format!("{} is not known; write \"cancel\" or \"drain\"{hint}", mode.quoted());
                fields.error_at(&mode.place, "on_client_disconnect", what);
            }
        }
    }
    OnClientDisconnect::Cancel
}

/// `[auth]`; whether a key is required depends on who can reach the gateway.
pub(super) fn auth(fields: &mut Fields<'_>, server: &Server) -> Auth {
    Auth {
        require_key: fields.flag("require_key").unwrap_or(!server.host.is_loopback()),
        admin_password: fields.text("admin_password").map(|text| Secret::new(text.value)),
        admin_token: fields.secret("admin_token"),
    }
}

/// `[storage]`; the master key comes from the environment alone.
pub(super) fn storage(
    fields: &mut Fields<'_>,
    environment: &Environment,
    working_dir: &Path,
    report: &Report,
) -> Storage {
    let path = fields.text("path").map_or_else(|| "data".to_owned(), |path| path.value);
    let master_key = environment.get(MASTER_KEY).map(|key| Secret::new(key.trim()));
    if master_key.as_ref().is_some_and(|key| key.expose().len() != 64 || hex::decode(key.expose()).is_err()) {
        let what = "is not 64 hex digits; make one with: openssl rand -hex 32";
        report.error(&Place::variable(MASTER_KEY), "", what);
    }
    Storage {
        path: working_dir.join(path),
        master_key,
        retention_days: fields.number("retention_days", 1..=36_500).and_then(|days| u32::try_from(days).ok()),
        spool_wait: Duration::from_millis(fields.number("spool_wait_ms", 1..=1_000).unwrap_or(20)),
        low_disk_bytes: fields.number("low_disk_bytes", 0..=1_u64 << 50).unwrap_or(128 * 1024 * 1024),
        ballast_bytes: fields.number("ballast_bytes", 0..=1_u64 << 40).unwrap_or(64 * 1024 * 1024),
    }
}

/// The variable that holds the key which encrypts provider keys at rest.
pub(super) const MASTER_KEY: &str = "LLM_GATEWAY_MASTER_KEY";

/// `[translation]`
pub(super) fn translation(fields: &mut Fields<'_>) -> Translation {
    Translation { drop_unsupported: fields.flag("drop_unsupported").unwrap_or(true) }
}

/// A provider may be added later over the API, so an unknown one is only warned about.
pub(super) fn warn_unknown(fields: &Fields<'_>, key: &str, provider: &Stated<String>, providers: &[Arc<Provider>]) {
    let ids = providers.iter().map(|provider| provider.id.as_str());
    if !ids.clone().any(|id| id == provider.value) {
        let hint = did_you_mean(&provider.value, ids);
        fields.warn_at(&provider.place, key, format_args!("{} is not a configured provider{hint}", provider.quoted()));
    }
}

/// The price keys of a table.
pub(super) fn prices(fields: &mut Fields<'_>) -> PriceOverride {
    if !PRICE_KEYS.iter().any(|key| fields.has(key)) {
        fields.error("", format_args!("states no price; give at least one of {}", PRICE_KEYS.join(", ")));
    }
    PriceOverride {
        input: fields.price("input"),
        cache_read: fields.price("cache_read"),
        cache_write: fields.price("cache_write"),
        cache_write_1h: fields.price("cache_write_1h"),
        input_audio: fields.price("input_audio"),
        output: fields.price("output"),
        reasoning: fields.price("reasoning"),
        output_audio: fields.price("output_audio"),
        per_request: fields.price("per_request"),
    }
}
