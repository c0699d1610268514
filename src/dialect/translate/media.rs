//! Media in the forms that the APIs share: `data:` URLs, types and the short names of sound formats.

use super::conversation::{Content, Media, MediaKind, Source};

/// What a URL stands for: a `data:` URL in base64 is its bytes.
pub(super) fn of_url(url: String, kind: MediaKind) -> Media {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (source, mime) = match inline {
        Some((mime, data)) => {
            let mime = mime.split(';').next().filter(|mime| !mime.is_empty()).map(str::to_owned);
            (Source::Base64(data.to_owned()), mime)
        }
        None => (Source::Url(url), None),
    };
    Media { kind, source, mime, name: None, detail: None }
}

/// A file's bytes: a `data:` URL, or plain base64 of a PDF.
pub(super) fn of_file_data(data: String) -> Media {
    let media = of_url(data, MediaKind::File);
    match media.source {
        Source::Url(data) if !data.contains("://") => Media { source: Source::Base64(data), ..media },
        _ => media,
    }
}

/// The URL of media whose bytes are here, or where they lie; `None` when only the provider has them.
pub(super) fn to_url(media: &Media) -> Option<String> {
    match &media.source {
        Source::Url(url) => Some(url.clone()),
        Source::Base64(data) => Some(format!("data:{};base64,{data}", mime(media))),
        Source::FileId(_) | Source::Text(_) => None,
    }
}

/// The bytes of an image that are here, in base64.
pub(super) fn image_data(media: &Media) -> Option<&str> {
    match (media.kind, &media.source) {
        (MediaKind::Image, Source::Base64(data)) => Some(data),
        _ => None,
    }
}

/// The type of media; what is most likely where nobody said.
pub(super) fn mime(media: &Media) -> &str {
    media.mime.as_deref().unwrap_or(match media.kind {
        MediaKind::Image => "image/png",
        MediaKind::Audio => "audio/wav",
        MediaKind::Video => "video/mp4",
        MediaKind::File => "application/pdf",
    })
}

/// The kind that a type is of.
pub(super) fn kind_of(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::File,
    }
}

/// The type that a short name of a sound format stands for.
pub(super) fn audio_mime(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}

/// The short name of a sound's type, as OpenAI has them.
pub(super) fn audio_format(media: &Media) -> Option<&'static str> {
    match mime(media) {
        "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _ => None,
    }
}

/// Plain text as content.
pub(super) fn text(text: impl Into<String>) -> Content {
    Content::Text { text: text.into(), citations: Vec::new() }
}
