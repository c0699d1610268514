//! Step 2, identify: the virtual key, and what it fixes.
//!
//! Every place in which a client may put a credential gives the same answer; two different
//! credentials are refused, so that no place can win over another.

use std::sync::Arc;

use http::HeaderMap;

use super::{accept::Labels, error::Refusal};
use crate::{
    domain::{ErrorKind, KeyHash, Secret, Timestamp},
    policy::{KeyFacts, Policy},
    provider::CREDENTIAL_HEADERS,
};

/// Who is calling.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The virtual key, if a known one was presented.
    pub(crate) key: Option<Arc<KeyFacts>>,
    /// The credential as it was presented, for providers with `api_key = "passthrough"` only.
    pub(crate) presented: Option<Secret>,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) source: Option<Arc<str>>,
}

/// Finds out who calls. Fails when the key is unknown and one is required, and always when a known
/// key is revoked or expired.
pub(crate) fn identify(
    policy: &Policy,
    headers: &HeaderMap,
    query: Option<&str>,
    labels: &Labels,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    let presented = credential(headers, query)?;
    let key = presented.as_ref().and_then(|secret| policy.keys.get(&KeyHash::of(secret.expose()))).cloned();
    let fixed_project = key.as_ref().and_then(|key| key.project.clone());
    let project = fixed_project.or_else(|| labels.project.clone());
    match &key {
        Some(key) if key.revoked => return Err(refused("this virtual key was revoked")),
        Some(key) if key.expires_at.is_some_and(|at| at <= now) => return Err(refused("this virtual key has expired")),
        None if policy.requires_key(project.as_deref()) => {
            return Err(refused(match presented {
                Some(_) => "unknown virtual key",
                None => "a virtual key is required: send it as `Authorization: Bearer …` or `x-api-key`",
            }));
        }
        _ => {}
    }
    Ok(Caller { key, presented, project, source: labels.source.clone() })
}

fn refused(message: &str) -> Refusal {
    Refusal::new(ErrorKind::Authentication, message)
}

/// The one credential of a request, wherever it stands.
fn credential(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Secret>, Refusal> {
    let mut found: Option<String> = None;
    let in_headers = CREDENTIAL_HEADERS.iter().flat_map(|name| {
        headers.get_all(name).iter().filter_map(move |value| {
            let text = value.to_str().ok()?.trim();
            let text = if name == http::header::AUTHORIZATION { token(text)? } else { text };
            (!text.is_empty()).then(|| text.to_owned())
        })
    });
    let in_query = query
        .into_iter()
        .flat_map(|query| url::form_urlencoded::parse(query.as_bytes()))
        .filter(|(name, value)| name == "key" && !value.is_empty())
        .map(|(_, value)| value.into_owned());
    for text in in_headers.chain(in_query) {
        match &found {
            Some(earlier) if *earlier != text => {
                let message = "two different credentials were sent; send one";
                return Err(Refusal::new(ErrorKind::ConflictingCredentials, message));
            }
            _ => found = Some(text),
        }
    }
    Ok(found.map(Secret::new))
}

/// The token of a `Bearer` credential, or a bare one without a scheme; other schemes carry none that we know.
fn token(text: &str) -> Option<&str> {
    let Some((scheme, token)) = text.split_once(' ') else { return Some(text) };
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
