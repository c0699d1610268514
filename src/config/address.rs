//! Where a provider is reached: `base_url`, `endpoint` or the preset's address, brought to one form.
//!
//! Only parses; whether an address may be called is decided where the call is made.

use url::Url;

use super::{
    fields::{Fields, Stated},
    presets::{PRESETS, Preset},
    report::did_you_mean,
    types::ProviderType,
};

/// `base_url` is what the provider's own SDK takes, `endpoint` the root of the server.
pub(super) fn base_url(fields: &mut Fields<'_>, id: &str, kind: ProviderType, preset: Option<&Preset>) -> Option<Url> {
    let is_absent = !fields.has("base_url") && !fields.has("endpoint");
    let default = default_of(preset, kind);
    match (fields.text("base_url"), fields.text("endpoint")) {
        (Some(_), Some(endpoint)) => {
            fields.error_at(&endpoint.place, "endpoint", "and base_url are both given; keep one of them");
            None
        }
        (Some(url), None) => parse(fields, "base_url", kind, &url).map(|url| of_base_url(kind, url)),
        (None, Some(root)) => parse(fields, "endpoint", kind, &root).map(|url| of_endpoint(kind, url)),
        (None, None) => {
            if is_absent && default.is_none() {
                missing_address(fields, id, kind);
            }
            default.and_then(|url| Url::parse(url).ok())
        }
    }
}

/// Types that stand for one service, or one usual address.
const fn is_own(kind: ProviderType) -> bool {
    matches!(kind, ProviderType::Openai | ProviderType::Anthropic | ProviderType::Gemini | ProviderType::Ollama)
}

fn missing_address(fields: &Fields<'_>, id: &str, kind: ProviderType) {
    match kind {
        ProviderType::AzureOpenai => {
            fields.error(
                "endpoint",
                "is missing; write the resource's root, such as https://myresource.openai.azure.com",
            );
        }
        ProviderType::Local => {
            fields.error("endpoint", "is missing; write the server's root, such as http://localhost:11434");
        }
        _ => {
            let presets = PRESETS.iter().filter(|preset| preset.provider_type == kind).map(|preset| preset.id);
            let hint = did_you_mean(id, presets);
            let hint = if hint.is_empty() { hint } else { hint.replace("; did you mean", "; or did you mean id =") };
            let right = "write what the OpenAI SDK takes, such as https://api.example.com/v1";
            fields.error("base_url", format_args!("is missing, and the id is not one of the presets; {right}{hint}"));
        }
    }
}

/// Parses an address; only scheme, host, port and path may be given.
fn parse(fields: &Fields<'_>, key: &str, kind: ProviderType, text: &Stated<String>) -> Option<Url> {
    let typed = text.value.trim();
    // `OLLAMA_HOST` is customarily written without scheme, and may be a bind address.
    let completed =
        if kind == ProviderType::Ollama && !typed.contains("://") { ollama_address(typed) } else { typed.to_owned() };
    let problem = match Url::parse(&completed) {
        Err(_) => "is not a URL; write it with scheme and host, such as https://api.example.com",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "has another scheme than http or https; write https://…"
        }
        Ok(url) if url.host().is_none() => "has no host; write it as https://host",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "holds a user name or password; give the credential as api_key"
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => "holds a query or fragment; remove it",
        Ok(url) => return Some(url),
    };
    fields.error_at(&text.place, key, problem);
    None
}

fn ollama_address(typed: &str) -> String {
    const PORT: &str = "11434";
    let typed = typed.trim_end_matches('/');
    let reachable = match typed.strip_prefix("0.0.0.0") {
        Some(rest) => format!("127.0.0.1{rest}"),
        None => typed.to_owned(),
    };
    let has_port = reachable
        .rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
    if has_port { format!("http://{reachable}") } else { format!("http://{reachable}:{PORT}") }
}

/// The base URL of a provider for which none is stated: its preset's, or that of the one service that
/// its type stands for.
pub fn default_base_url(id: &str, kind: ProviderType) -> Option<Url> {
    default_of(Preset::by_id(id), kind).and_then(|url| Url::parse(url).ok())
}

fn default_of(preset: Option<&Preset>, kind: ProviderType) -> Option<&'static str> {
    let of_type = || PRESETS.iter().find(|preset| preset.provider_type == kind && is_own(kind));
    preset.filter(|preset| preset.provider_type == kind).or_else(of_type).map(|preset| preset.base_url)
}

/// Brings what people write as `base_url` to the form of [`super::Provider::base_url`].
pub fn of_base_url(kind: ProviderType, url: Url) -> Url {
    match kind {
        // These SDKs add the version themselves.
        ProviderType::Anthropic | ProviderType::Local | ProviderType::Ollama => without(url, &["/v1"]),
        ProviderType::Gemini => without(url, &["/v1beta", "/v1"]),
        ProviderType::AzureOpenai => without(url, &["/openai/v1", "/openai"]),
        ProviderType::Openai | ProviderType::OpenaiCompatible => without(url, &[]),
    }
}

/// Brings what people write as `endpoint`, the server's root, to the form of [`super::Provider::base_url`].
pub fn of_endpoint(kind: ProviderType, url: Url) -> Url {
    let mut url = of_base_url(kind, url);
    if matches!(kind, ProviderType::Openai | ProviderType::OpenaiCompatible) && !url.path().ends_with("/v1") {
        let path = format!("{}/v1", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url
}

fn without(mut url: Url, endings: &[&str]) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    let path = endings.iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(&path);
    url.set_path(path);
    url
}
