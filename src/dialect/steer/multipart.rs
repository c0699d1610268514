//! The model that a `multipart/form-data` body names (audio, image edits, files).
//!
//! It looks only at the beginning of the body that it is given and never holds any of it.

use memchr::memmem;

/// Longest model name that is believed.
const MAX_MODEL_BYTES: usize = 256;

/// The value of the form field `model`, if it lies whole within `prefix`, the beginning of the
/// body; `None` as well when it is empty or occurs twice with different values.
pub fn multipart_model(content_type: &str, prefix: &[u8]) -> Option<String> {
    let boundary = boundary(content_type)?;
    let delimiter = format!("--{boundary}");
    let mut found: Option<String> = None;
    let mut rest = prefix;
    while let Some(at) = memmem::find(rest, delimiter.as_bytes()) {
        rest = rest.get(at + delimiter.len()..)?;
        let Some(head_len) = memmem::find(rest, b"\r\n\r\n") else { break };
        let (head, value) = rest.split_at_checked(head_len + 4)?;
        let Some(value_len) = memmem::find(value, delimiter.as_bytes()) else { break };
        if !is_model_field(head) {
            continue;
        }
        let value = value.get(..value_len)?.strip_suffix(b"\r\n")?;
        let model = std::str::from_utf8(value).ok().map(str::trim)?;
        if model.is_empty() || model.len() > MAX_MODEL_BYTES || found.as_deref().is_some_and(|other| other != model) {
            return None;
        }
        found = Some(model.to_owned());
    }
    found
}

/// The boundary that a `multipart/form-data` type names.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let value = value.trim_matches('"');
    // RFC 2046 §5.1.1 allows at most 70 characters.
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// Whether a part's head says `Content-Disposition: form-data; name="model"`, and no file name.
fn is_model_field(head: &[u8]) -> bool {
    let Ok(head) = std::str::from_utf8(head) else { return false };
    head.lines().any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let mut parameters = value.split(';').map(str::trim);
        name.trim().eq_ignore_ascii_case("content-disposition")
            && parameters.next().is_some_and(|kind| kind.eq_ignore_ascii_case("form-data"))
            && parameters.clone().any(|parameter| matches!(parameter, "name=\"model\"" | "name=model"))
            && !parameters.any(|parameter| parameter.starts_with("filename"))
    })
}
