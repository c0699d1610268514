//! Bodies that are not JSON: forms, whose fields, names, heads and text files are text, and bare text.
//!
//! Media pass unread. A form that does not keep to its own boundary is refused: what one reader takes for
//! a picture another could take for a field.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

use super::{
    RuleSet,
    body::{Checked, bare},
    mask::Vault,
    pairs,
    screen::{Failure, Masks, Report, Screen},
    text::{Form, Text},
    tree::Unreadable,
};
use crate::{
    dialect::{splice::Edit, steer::multipart_boundary},
    domain::Direction,
};

/// Checks a request's body that is not JSON. What is masked goes into `vault`.
///
/// # Errors
/// When a form is malformed, text is not UTF-8, or the check takes too long.
pub fn check_upload(rules: &RuleSet, content_type: &str, body: &[u8], vault: &mut Vault) -> Result<Checked, Failure> {
    let masks = Masks::Hide(vault);
    if is_urlencoded(content_type) {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::Encoding)?;
        let mut checked = Checked::default();
        let mut screen = Screen::new(rules, Direction::Request, masks, &mut checked.report);
        pairs::urlencoded(&mut screen, text.trim_ascii_end(), "", &mut checked.edits)?;
        return Ok(checked);
    }
    let Some(boundary) = multipart_boundary(content_type) else {
        return match content_of(body, content_type)? {
            Content::Text(text) => bare(rules, Direction::Request, masks, text, "body"),
            Content::Doubtful(text) => {
                let mut report = Report::default();
                let is_clean = Screen::new(rules, Direction::Request, masks, &mut report).is_clean(&text)?;
                if is_clean { Ok(Checked::default()) } else { Err(Unreadable::Encoding.into()) }
            }
            Content::Media => Ok(Checked::default()),
        };
    };
    let mut report = Report::default();
    let mut edits = Vec::new();
    let mut screen = Screen::new(rules, Direction::Request, masks, &mut report);
    for part in parts(body, boundary)? {
        let head = std::str::from_utf8(body.get(part.head.clone()).unwrap_or_default());
        let head = head.map_err(|_| Unreadable::Multipart)?;
        let fields = Fields::of(head)?;
        let is_word = fields.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_[].-".contains(&byte));
        let name = if is_word && fields.name.len() <= 64 { fields.name } else { "*" };
        for line in &fields.texts {
            let mut text = Text::new(Form::Bare);
            text.push(head.get(line.at.clone()).unwrap_or_default(), 0, part.head.start + line.at.start);
            screen.judge(&mut text, true, &|| format!("{name}.{}", line.what), &mut |_, mut edit| {
                // It stands in a line, perhaps between quotes.
                edit.with.retain(|byte| !matches!(byte, b'"' | b'\r' | b'\n' | b'\\'));
                edits.push(edit);
            })?;
        }
        if fields.name == "model" && !fields.has_file_name() {
            continue;
        }
        let declared = if fields.has_file_name() { fields.content_type } else { "text/plain" };
        let content = match content_of(body.get(part.content.clone()).unwrap_or_default(), declared)? {
            Content::Text(content) => content,
            Content::Media => continue,
            Content::Doubtful(text) if screen.is_clean(&text)? => continue,
            Content::Doubtful(_) => return Err(Unreadable::Encoding.into()),
        };
        let mut text = Text::new(Form::Bare);
        text.push(content, 0, part.content.start);
        let place = || name.to_owned();
        screen.judge(&mut text, true, &place, &mut |_, edit: Edit| edits.push(edit))?;
    }
    Ok(Checked { edits, report })
}

/// What the bytes of a file or field are.
pub(super) enum Content<'a> {
    Text(&'a str),
    /// Neither UTF-8 nor known media, read as well as may be: it cannot be edited, only be refused.
    Doubtful(Cow<'a, str>),
    /// Pictures, sounds, archives: not looked into.
    Media,
}

/// Tells text from media. What is declared as text must be UTF-8.
pub(super) fn content_of<'a>(bytes: &'a [u8], content_type: &str) -> Result<Content<'a>, Unreadable> {
    match std::str::from_utf8(bytes) {
        Ok(text) if memchr::memchr(0, bytes).is_none() => Ok(Content::Text(text)),
        _ if is_text(content_type) => Err(Unreadable::Encoding),
        _ if is_media(bytes, content_type) => Ok(Content::Media),
        _ => Ok(Content::Doubtful(String::from_utf8_lossy(bytes))),
    }
}

fn is_urlencoded(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether bytes that are no text are declared as media, or begin as files of media and archives do.
fn is_media(bytes: &[u8], content_type: &str) -> bool {
    const SIGNATURES: [&[u8]; 14] = [
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"ID3",
        b"\xff\xfb",
        b"\xff\xf3",
        b"fLaC",
        b"OggS",
        b"%PDF",
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"\x1a\x45\xdf\xa3",
        b"II*\0",
    ];
    let kind = content_type.trim().to_ascii_lowercase();
    ["audio/", "image/", "video/", "font/", "application/pdf", "application/zip"]
        .iter()
        .any(|media| kind.starts_with(media))
        || SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
        || bytes.get(4..8) == Some(b"ftyp")
}

/// Whether a body of this type is text that is neither JSON nor a stream.
pub fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kinds = ["json", "jsonl", "ndjson", "xml", "yaml", "csv", "x-subrip", "javascript"];
    essence.starts_with("text/") || kinds.iter().any(|kind| essence.ends_with(kind))
}

struct Part {
    head: Range<usize>,
    content: Range<usize>,
}

/// The parts of a form (RFC 2046 §5.1.1), none of which may be in doubt.
fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, Unreadable> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    // The first delimiter may stand at the very beginning. A preamble is text that nobody reads: refused.
    let mut at = delimiter.len() - 2;
    if body.get(..at) != delimiter.as_bytes().get(2..) {
        return Err(Unreadable::Multipart);
    }
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            let is_empty = epilogue.iter().all(u8::is_ascii_whitespace);
            return if is_empty { Ok(parts) } else { Err(Unreadable::Multipart) };
        }
        let rest = rest.strip_prefix(b"\r\n").ok_or(Unreadable::Multipart)?;
        let head_start = at + 2;
        let head_len = memmem::find(rest, b"\r\n\r\n").ok_or(Unreadable::Multipart)?;
        let content_start = head_start + head_len + 4;
        let content = body.get(content_start..).ok_or(Unreadable::Multipart)?;
        // An empty part's delimiter may begin with the line end that ends the head.
        let len = finder.find(content).ok_or(Unreadable::Multipart)?;
        parts.push(Part { head: head_start..head_start + head_len, content: content_start..content_start + len });
        at = content_start + len + delimiter.len();
    }
}

/// What a part's head says.
struct Fields<'a> {
    name: &'a str,
    content_type: &'a str,
    /// What in the head is anybody's own words.
    texts: Vec<HeadText>,
}

/// A text in a part's head.
struct HeadText {
    what: &'static str,
    at: Range<usize>,
}

impl<'a> Fields<'a> {
    fn of(head: &'a str) -> Result<Self, Unreadable> {
        let mut fields = Self { name: "", content_type: "", texts: Vec::new() };
        for line in head.split("\r\n") {
            let (name, value) = line.split_once(':').ok_or(Unreadable::Multipart)?;
            let start = line.as_ptr().addr() - head.as_ptr().addr();
            let at = start + line.len() - value.len()..start + line.len();
            if name.eq_ignore_ascii_case("content-disposition") {
                fields.disposition(head, at)?;
                continue;
            }
            let is_encoding = name.eq_ignore_ascii_case("content-transfer-encoding");
            if is_encoding && !["binary", "8bit", "7bit"].iter().any(|plain| value.trim().eq_ignore_ascii_case(plain)) {
                return Err(Unreadable::Multipart);
            }
            if name.eq_ignore_ascii_case("content-type") {
                fields.content_type = value.trim();
            }
            fields.texts.push(HeadText { what: "header", at });
        }
        Ok(fields)
    }

    fn has_file_name(&self) -> bool {
        self.texts.iter().any(|text| text.what == "filename")
    }

    fn disposition(&mut self, head: &'a str, at: Range<usize>) -> Result<(), Unreadable> {
        let value = head.get(at.clone()).unwrap_or_default();
        let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
        while !rest.trim().is_empty() {
            let (key, after) = rest.split_once('=').ok_or(Unreadable::Multipart)?;
            let key = key.trim();
            let after = after.trim_start();
            let (word, next) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let mut escaped = false;
                    let end = quoted.bytes().position(|byte| {
                        let ends = byte == b'"' && !escaped;
                        escaped = byte == b'\\' && !escaped;
                        ends
                    });
                    let end = end.ok_or(Unreadable::Multipart)?;
                    (quoted.get(..end).unwrap_or_default(), quoted.get(end + 1..).unwrap_or_default())
                }
                None => {
                    let end = after.find(';').unwrap_or(after.len());
                    (after.get(..end).unwrap_or_default().trim(), after.get(end..).unwrap_or_default())
                }
            };
            let start = word.as_ptr().addr() - head.as_ptr().addr();
            let at = start..start + word.len();
            if key.eq_ignore_ascii_case("name") {
                self.name = word;
                self.texts.push(HeadText { what: "name", at });
            } else if key.eq_ignore_ascii_case("filename") {
                self.texts.push(HeadText { what: "filename", at });
            } else {
                // RFC 7578 §4.2 rules `filename*` out; its encoding would hide a name.
                return Err(Unreadable::Multipart);
            }
            rest = next.trim_start().strip_prefix(';').unwrap_or(next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{dialect::splice::splice, domain::Action, sanitize::testing::rules};

    const TYPE: &str = "multipart/form-data; boundary=xyz";

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (head, content) in parts {
            body.extend_from_slice(format!("--xyz\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--xyz--\r\n");
        body
    }

    fn checked(body: &[u8]) -> Result<(Bytes, Report), Failure> {
        let mut vault = Vault::default();
        let checked = check_upload(&rules(Action::Redact), TYPE, body, &mut vault)?;
        let mut edits = checked.edits;
        Ok((splice(&Bytes::copy_from_slice(body), &mut edits), checked.report))
    }

    #[test]
    fn fields_names_and_text_files_are_text_and_media_are_not() {
        let media = b"\x00\xff jo@acme-corp.io \xfe";
        let heads = [
            "Content-Disposition: form-data; name=\"model\"",
            "Content-Disposition: form-data; name=\"prompt\"",
            "Content-Disposition: form-data; name=\"file\"; filename=\"jo@acme-corp.io\"\r\nContent-Type: audio/mpeg",
            "content-disposition: form-data; name=file; filename=\"b.jsonl\"\r\nContent-Type: application/octet-stream",
        ];
        let lines = b"{\"a\":\"jo\\u0040acme-corp.io\"}\n{\"b\":12345678901}\n";
        let contents: [&[u8]; 4] = [b"whisper-1", b"ask jo@acme-corp.io, please", media, lines];
        let body = form(&[0, 1, 2, 3].map(|n| (heads[n], contents[n])));
        let (out, report) = checked(&body).unwrap();
        let redacted = heads[2].replace("jo@acme-corp.io", "[REDACTED|EMAIL]");
        let contents: [&[u8]; 4] = [
            b"whisper-1",
            b"ask [REDACTED|EMAIL], please",
            media,
            b"{\"a\":\"[REDACTED|EMAIL]\"}\n{\"b\":\"[REDACTED|KEY]\"}\n",
        ];
        let expected =
            form(&[(heads[0], contents[0]), (heads[1], contents[1]), (&redacted, media), (heads[3], contents[3])]);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
        let places: Vec<_> = report.findings.iter().map(|found| &*found.place).collect();
        assert_eq!(places, ["prompt", "file.filename", "file", "file"]);
    }

    #[test]
    fn text_in_another_encoding_is_refused_when_there_is_something_in_it() {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"kunden.csv\"";
        let cases: [(&[u8], bool); 6] = [
            (b"M\xfcller;jo@acme-corp.io", false),
            (b"M\xfcller;nobody", true),
            (b"\0 jo@acme-corp.io", false),
            (b"\x89PNG\r\n\xff jo@acme-corp.io", true),
            (b"\0\0\0\x20ftypisom\xff jo@acme-corp.io", true),
            (b"\xff\xfe random \x01\x02", true),
        ];
        for (content, passes) in cases {
            assert_eq!(checked(&form(&[(head, content)])).is_ok(), passes, "{content:?}");
            let mut vault = Vault::default();
            let bare = check_upload(&rules(Action::Redact), "application/octet-stream", content, &mut vault);
            assert_eq!(bare.is_ok(), passes, "{content:?}");
        }
    }

    #[test]
    fn names_and_further_lines_of_a_parts_head_are_text() {
        let head =
            |name: &str, more: &str| format!("Content-Disposition: form-data; name=\"{name}\"\r\nX-Note: by {more}");
        let body = form(&[(&head("to jo@acme-corp.io", "jo@acme-corp.io"), b"a"), (&head("model", "nobody"), b"m")]);
        let (out, report) = checked(&body).unwrap();
        let redacted = "[REDACTED|EMAIL]";
        let expected = form(&[(&head(&format!("to {redacted}"), redacted), b"a"), (&head("model", "nobody"), b"m")]);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
        let places: Vec<_> = report.findings.iter().map(|found| &*found.place).collect();
        assert_eq!(places, ["*.name", "*.header"]);
    }

    #[test]
    fn a_urlencoded_body_is_read_as_its_reader_does() {
        let mut vault = Vault::default();
        let body = b"purpose=a&note=ask+jo%40acme-corp.io&x=1";
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let checked = check_upload(&rules(Action::Redact), kind, body, &mut vault).unwrap();
        let mut edits = checked.edits;
        let out = splice(&Bytes::from_static(body), &mut edits);
        assert_eq!(out, "purpose=a&note=ask%20%5BREDACTED%7CEMAIL%5D&x=1");
        assert_eq!(&*checked.report.findings[0].place, "note");
    }

    #[test]
    fn a_form_in_doubt_is_refused() {
        let good = form(&[("Content-Disposition: form-data; name=\"prompt\"", b"a")]);
        assert!(checked(&good).is_ok());
        let text = String::from_utf8(good.clone()).unwrap();
        for bad in [
            text.replace("--xyz--", "--xyz"),
            format!("preamble\r\n{text}"),
            format!("{text}jo@acme-corp.io"),
            text.replace("\r\n\r\n", "\r\n"),
            text.replace("name=\"prompt\"", "name=\"prompt\"; filename*=UTF-8''jo%40acme-corp.io"),
            text.replace("name=\"prompt\"", "name=\"prompt\"\r\nContent-Transfer-Encoding: base64"),
            text.replace("--xyz\r\n", "--xyzz\r\n"),
        ] {
            assert!(checked(bad.as_bytes()).is_err(), "{bad}");
        }
        let latin = form(&[("Content-Disposition: form-data; name=\"prompt\"", b"\xe9")]);
        assert!(checked(&latin).is_err());
    }
}
