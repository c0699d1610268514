//! `[incidents]`: when failures count as over, which are told of, and to whom.

use std::time::Duration;

use url::Url;

use super::{fields::Fields, report::did_you_mean};
use crate::domain::{IncidentKind, Secret};

/// `[incidents]`
#[derive(Clone, Debug)]
pub struct Incidents {
    /// An incident that has not grown for so long is over.
    pub quiet_time: Duration,
    /// The kinds that are told of.
    pub kinds: Vec<IncidentKind>,
    /// Who is told when one opens or closes.
    pub webhook: Option<Webhook>,
}

/// Where openings and endings of incidents are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `http` or `https`; any address, since the operator wrote it. Its path often is a secret.
    pub url: Url,
    /// Signs each delivery.
    pub secret: Option<Secret>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.shown()).field("secret", &self.secret).finish()
    }
}

impl Webhook {
    /// The address as it may be shown: without what could be a token.
    pub fn shown(&self) -> String {
        let origin = self.url.origin().ascii_serialization();
        if self.url.path().len() > 1 || self.url.query().is_some() { format!("{origin}/***") } else { origin }
    }
}

impl Default for Incidents {
    fn default() -> Self {
        Self { quiet_time: Duration::from_mins(5), kinds: IncidentKind::ALL.to_vec(), webhook: None }
    }
}

/// `[incidents]`
pub(super) fn incidents(fields: &mut Fields<'_>) -> Incidents {
    let usual = Incidents::default();
    let secret_place = fields.place_of("webhook_secret");
    let secret = fields.secret("webhook_secret");
    let url = receiver_url(fields, "webhook_url", "webhook_secret");
    if secret.is_some() && url.is_none() {
        fields.error_at(&secret_place, "webhook_secret", "signs nothing without webhook_url; state that too");
    }
    Incidents {
        quiet_time: fields.seconds("quiet_time").unwrap_or(usual.quiet_time),
        kinds: kinds(fields).unwrap_or(usual.kinds),
        webhook: url.map(|url| Webhook { url, secret }),
    }
}

fn kinds(fields: &mut Fields<'_>) -> Option<Vec<IncidentKind>> {
    let names = fields.list("kinds")?;
    let mut kinds = Vec::with_capacity(names.len());
    for name in names {
        match IncidentKind::parse(&name.value) {
            Some(kind) if kinds.contains(&kind) => {}
            Some(kind) => kinds.push(kind),
            None => {
                let known = IncidentKind::ALL.map(IncidentKind::as_str);
                let hint = did_you_mean(&name.value, known);
                let what = format!("{} is not a kind of incident{hint}; known are {}", name.quoted(), known.join(", "));
                fields.error_at(&name.place, "kinds", what);
            }
        }
    }
    Some(kinds)
}

/// The address of somebody who is told, under this key; credentials belong into `credential_key`. The address may hold
/// a token in its path or query, so it is never quoted in a message.
pub(super) fn receiver_url(fields: &mut Fields<'_>, key: &str, credential_key: &str) -> Option<Url> {
    let text = fields.text(key)?;
    let fault = match Url::parse(text.value.trim()) {
        Err(fault) => format!("is not a URL: {fault}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "must begin with http:// or https://".to_owned(),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            format!("must not hold a user name or password; use {credential_key}")
        }
        Ok(url) => return Some(url),
    };
    fields.error_at(&text.place, key, fault);
    None
}
