//! What people write into notes and comments: hostile text that is kept as it came, or not at all.

use std::sync::LazyLock;

use super::error::ApiError;
use crate::{
    config::{ProviderKey, Sanitization},
    domain::{Category, Direction, KeyHash},
    policy::Policy,
    sanitize::RuleSet,
};

/// Most characters of a text.
const MOST_CHARS: usize = 2_000;

/// The rules for credentials, whatever the operator lets pass in requests.
static CREDENTIALS: LazyLock<Option<RuleSet>> =
    LazyLock::new(|| RuleSet::compile(&Sanitization { enabled: true, ..Sanitization::default() }).ok());

/// A text for people, of which nothing is changed.
///
/// # Errors
/// 400 that names `param` when it is too long, empty or holds what must be kept nowhere: a credential.
pub(super) fn read(param: &str, text: String, policy: &Policy) -> Result<String, ApiError> {
    let fault = if text.trim().is_empty() {
        "must not be empty; leave it out".to_owned()
    } else if text.chars().nth(MOST_CHARS).is_some() {
        format!("may have {MOST_CHARS} characters at most")
    } else if text.contains('\0') {
        "must not hold NUL".to_owned()
    } else if holds_credential(&text, policy) {
        "holds what looks like a credential, which is kept nowhere; leave that out".to_owned()
    } else {
        return Ok(text);
    };
    Err(ApiError::invalid(param, format!("`{param}` {fault}")))
}

/// A short name: of a task, of a kind of signal.
///
/// # Errors
/// 400 that names `param`.
pub(super) fn name(param: &str, text: String) -> Result<String, ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(is_plain) {
        return Ok(text);
    }
    Err(ApiError::invalid(param, format!("`{param}` must be 1 to 64 of a-z, 0-9, `.`, `_` and `-`")))
}

fn holds_credential(text: &str, policy: &Policy) -> bool {
    let mut found = Vec::new();
    // What cannot be checked cannot be kept.
    let Some(rules) = &*CREDENTIALS else { return true };
    rules.scan(Direction::Request, text, 0, true, &mut found);
    let is_secret = |byte: char| byte.is_ascii_graphic() && !matches!(byte, '"' | '\'' | '`' | ',' | ';' | '(' | ')');
    let mut words = text.split(|letter: char| !is_secret(letter)).filter(|word| word.len() >= 8);
    found.iter().any(|found| found.rule.category() == Category::Credentials)
        || words.any(|word| policy.keys.contains_key(&KeyHash::of(word)))
        || own_secrets(policy).any(|secret| secret.len() >= 8 && text.contains(secret))
}

/// The secrets that the gateway itself was given.
fn own_secrets(policy: &Policy) -> impl Iterator<Item = &str> {
    let auth = &policy.config.auth;
    let providers = policy.providers.iter().filter_map(|provider| match &provider.key {
        ProviderKey::Own(key) => Some(key),
        _ => None,
    });
    let keys = policy.keys.values().flat_map(|key| key.provider_keys.iter().map(|(_, key)| key));
    let webhook = policy.config.incidents.webhook.iter().filter_map(|webhook| webhook.secret.as_ref());
    let collector = policy.config.telemetry.otlp.iter().flat_map(|otlp| otlp.headers.iter().map(|(_, value)| value));
    let admin = auth.admin_password.iter().chain(&auth.admin_token);
    providers.chain(keys).chain(webhook).chain(collector).chain(admin).map(crate::domain::Secret::expose)
}
