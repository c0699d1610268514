//! Texts that stand outside of bodies or are written in ways of their own: headers, query strings,
//! form-urlencoded bodies, and text files in base64.
//!
//! What has to change is written again as a whole, in the way it was written; what has not stays byte for byte.

use base64::{
    Engine as _,
    alphabet::{self, Alphabet},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    RuleSet,
    mask::Vault,
    screen::{Failure, Masks, Report, Screen},
    text::{Form, Text},
    tree::Unreadable,
    upload::{self, Content},
};
use crate::{
    dialect::splice::Edit,
    domain::{Action, Direction},
};

/// A text that stands by itself: what it must become, if anything, and what was found.
#[derive(Debug, Default)]
pub struct CheckedText {
    /// What takes its place; `None` when it may stay.
    pub text: Option<String>,
    /// What was found.
    pub report: Report,
}

/// Checks a header of a request.
///
/// # Errors
/// When the check takes too long, or the bytes are no UTF-8 and something is in them.
pub fn check_header(rules: &RuleSet, name: &str, value: &[u8], vault: &mut Vault) -> Result<CheckedText, Failure> {
    header(rules, Direction::Request, Masks::Hide(vault), name, value)
}

/// Checks a header of an answer.
///
/// # Errors
/// As [`check_header`].
pub fn check_answer_header(rules: &RuleSet, name: &str, value: &[u8], vault: &Vault) -> Result<CheckedText, Failure> {
    header(rules, Direction::Response, Masks::Restore(vault), name, value)
}

fn header(
    rules: &RuleSet,
    direction: Direction,
    masks: Masks<'_>,
    name: &str,
    value: &[u8],
) -> Result<CheckedText, Failure> {
    let mut checked = CheckedText::default();
    let mut screen = Screen::new(rules, direction, masks, &mut checked.report);
    let text = judged_bytes(&mut screen, value, &|| format!("header.{name}"))?;
    // Whoever writes a line break into a header ends it.
    checked.text = text.map(|text| text.chars().filter(|c| !c.is_control()).collect());
    Ok(checked)
}

/// Checks the query of a request's address.
///
/// # Errors
/// As [`check_header`].
pub fn check_query(rules: &RuleSet, query: &str, vault: &mut Vault) -> Result<CheckedText, Failure> {
    let mut checked = CheckedText::default();
    let mut screen = Screen::new(rules, Direction::Request, Masks::Hide(vault), &mut checked.report);
    let mut edits = Vec::new();
    urlencoded(&mut screen, query, "query.", &mut edits)?;
    checked.text = spliced(query, edits);
    Ok(checked)
}

/// Checks the part of a request's path that the client chose. Nothing can be replaced there: what would have to be
/// is blocked.
///
/// # Errors
/// As [`check_header`].
pub fn check_path(rules: &RuleSet, tail: &str) -> Result<Report, Failure> {
    unchangeable(rules, &decoded(tail, false), "path")
}

/// Checks the name of the model that the client asks for. It decides where the request goes and is put into bodies and
/// paths again, so nothing can be replaced in it either.
///
/// # Errors
/// As [`check_header`].
pub fn check_model(rules: &RuleSet, model: &str) -> Result<Report, Failure> {
    unchangeable(rules, model.as_bytes(), "model")
}

fn unchangeable(rules: &RuleSet, bytes: &[u8], place: &str) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut vault = Vault::default();
    let mut screen = Screen::new(rules, Direction::Request, Masks::Hide(&mut vault), &mut report);
    judged_bytes(&mut screen, bytes, &|| place.to_owned())?;
    for found in report.findings.iter_mut().filter(|found| found.action > Action::Log) {
        found.action = Action::Block;
        report.blocked = true;
    }
    Ok(report)
}

/// Judges `name=value&…`, names included. Changes are spans of `text`.
pub(super) fn urlencoded(
    screen: &mut Screen<'_>,
    text: &str,
    place: &str,
    edits: &mut Vec<Edit>,
) -> Result<(), Failure> {
    let mut at = 0;
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte));
        let shown = if is_word && name.len() <= 40 { name } else { "*" };
        for (side, start) in [(name, at), (value, at + pair.len() - value.len())] {
            if side.is_empty() {
                continue;
            }
            if let Some(changed) = judged_bytes(screen, &decoded(side, true), &|| format!("{place}{shown}"))? {
                edits.push(Edit { span: start..start + side.len(), with: percent_encoded(&changed).into_bytes() });
            }
        }
        at += pair.len() + 1;
    }
    Ok(())
}

/// `%40` and `+` undone.
fn decoded(text: &str, is_form: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 2;
            }
            (b'+', ..) if is_form => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    out
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Judges bytes that should be a text. What is no UTF-8 cannot be edited, only be refused.
fn judged_bytes(screen: &mut Screen<'_>, bytes: &[u8], place: &dyn Fn() -> String) -> Result<Option<String>, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) => judged(screen, text, place),
        Err(_) if screen.is_clean(&String::from_utf8_lossy(bytes))? => Ok(None),
        Err(_) => Err(Unreadable::Encoding.into()),
    }
}

/// Judges a text; what it must become, if anything.
pub(super) fn judged(
    screen: &mut Screen<'_>,
    text: &str,
    place: &dyn Fn() -> String,
) -> Result<Option<String>, Failure> {
    if screen.is_clean(text)? {
        return Ok(None);
    }
    let mut read = Text::new(Form::Bare);
    read.push(text, 0, 0);
    let mut edits = Vec::new();
    screen.judge(&mut read, true, place, &mut |_, edit| edits.push(edit))?;
    Ok(spliced(text, edits))
}

fn spliced(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    let body = bytes::Bytes::copy_from_slice(text.as_bytes());
    Some(String::from_utf8_lossy(&crate::dialect::splice::splice(&body, &mut edits)).into_owned())
}

/// How much of a payload is looked at to tell text from media, in characters of base64.
const OPENING_CHARS: usize = 128;

/// Whether a payload in base64 that does not say what it is begins as text does. Media have bytes in their first
/// dozens that no text has.
pub(super) fn begins_as_text(payload: &str) -> bool {
    let opening: String = payload.chars().filter(|c| !c.is_whitespace() && *c != '\\').take(OPENING_CHARS).collect();
    let whole = opening.get(..opening.len() / 4 * 4).filter(|whole| whole.len() >= 8);
    let Some(bytes) = whole.and_then(|whole| engine(whole).decode(whole).ok()) else { return false };
    // A document in PDF has a line of text first.
    if bytes.starts_with(b"%PDF") {
        return false;
    }
    if begins_wide(&bytes) {
        return true;
    }
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).map_or("", |valid| std::str::from_utf8(valid).unwrap_or_default())
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// Judges a file in base64, which the document writes as `raw`. What it must become, in base64 again. What is not UTF-8
/// is read as well as may be, and what then shows cannot be edited, only be refused, as is what is packed and declared as
/// text.
pub(super) fn judged_base64(
    screen: &mut Screen<'_>,
    raw: &str,
    is_declared_text: bool,
    place: &dyn Fn() -> String,
) -> Result<Option<String>, Failure> {
    // Line breaks and slashes may be escaped.
    let mut payload = raw.replace("\\r", "").replace("\\n", "").replace('\\', "");
    payload.retain(|c| !c.is_whitespace());
    let engine = engine(&payload);
    let bytes = engine.decode(&payload).map_err(|_| Failure::from(Unreadable::Encoding))?;
    let changed = match upload::content_of(&bytes, "application/octet-stream")? {
        Content::Text(text) => judged(screen, text, place)?,
        Content::Media if !is_declared_text => None,
        Content::Doubtful(text) if screen.is_clean(&text)? && screen.is_clean(&narrowed(&bytes))? => None,
        Content::Media | Content::Doubtful(_) => return Err(Unreadable::Encoding.into()),
    };
    Ok(changed.map(|changed| engine.encode(changed)))
}

/// Bytes of a text in UTF-16 or UTF-32, in either order, as its letters of ASCII alone would be in UTF-8.
fn narrowed(bytes: &[u8]) -> String {
    let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&narrow).into_owned()
}

/// Whether bytes begin as text in UTF-16 or UTF-32 does: with a mark, or with letters that have zeros between them.
fn begins_wide(bytes: &[u8]) -> bool {
    let opening = bytes.get(..16).unwrap_or(bytes);
    let zeros = opening.iter().filter(|byte| **byte == 0).count();
    let is_letter = |byte: &u8| matches!(byte, 0 | 0xfe | 0xff | b'\n' | b'\r' | b'\t' | b' '..=b'~');
    zeros >= 3 && 3 * zeros >= opening.len() && zeros < opening.len() && opening.iter().all(is_letter)
}

/// The engine that writes as `payload` is written.
fn engine(payload: &str) -> GeneralPurpose {
    let letters: &Alphabet = if payload.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(payload.ends_with('=') || payload.len().is_multiple_of(4));
    GeneralPurpose::new(letters, config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::testing::rules;

    #[test]
    fn a_query_changes_where_something_is_found_and_nowhere_else() {
        let rules = rules(Action::Redact);
        let query = |query: &str| check_query(&rules, query, &mut Vault::default()).unwrap();
        for clean in ["", "alt=sse", "a=b&&c&=d&e=%zz%", "after=file-abc&limit=20&x=%F0%9F%98%80+b"] {
            assert_eq!(query(clean).text, None, "{clean}");
        }
        for (sent, expected) in [
            ("a=1&user=jo%40acme-corp.io&b=+", "a=1&user=%5BREDACTED%7CEMAIL%5D&b=+"),
            ("q=ask+jo@acme-corp.io", "q=ask%20%5BREDACTED%7CEMAIL%5D"),
            ("%6Ao%40acme-corp.io=1", "%5BREDACTED%7CEMAIL%5D=1"),
            ("jo@acme-corp.io", "%5BREDACTED%7CEMAIL%5D"),
        ] {
            let checked = query(sent);
            assert_eq!(checked.text.as_deref(), Some(expected), "{sent}");
            assert!(checked.report.findings[0].place.starts_with("query."), "{:?}", checked.report);
        }
        assert!(check_query(&rules, "a=%FFjo@acme-corp.io", &mut Vault::default()).is_err());
    }

    #[test]
    fn headers_and_paths_are_texts() {
        let rules = rules(Action::Redact);
        let checked = check_header(&rules, "user-agent", b"bot (jo@acme-corp.io)", &mut Vault::default()).unwrap();
        assert_eq!(checked.text.as_deref(), Some("bot ([REDACTED|EMAIL])"));
        assert_eq!(&*checked.report.findings[0].place, "header.user-agent");
        let mut vault = Vault::default();
        let known = vault.placeholder("EMAIL", "a\r\nb").to_owned();
        let restored = check_answer_header(&rules, "x", known.as_bytes(), &vault).unwrap();
        assert_eq!(restored.text.as_deref(), Some("ab"), "no line break comes back into a head");
        assert!(check_header(&rules, "x", b"\xff jo@acme-corp.io", &mut vault).is_err());
        assert!(check_header(&rules, "x", b"\xff", &mut vault).unwrap().text.is_none());
        assert!(check_path(&rules, "/file-1/jo%40acme-corp.io").unwrap().blocked);
        assert!(!check_path(&rules, "/file-abc123/content").unwrap().blocked);
    }

    #[test]
    fn text_in_base64_is_told_from_media_and_written_as_before() {
        let rules = rules(Action::Redact);
        let mut vault = Vault::default();
        let mut report = Report::default();
        let mut screen = Screen::new(&rules, Direction::Request, Masks::Hide(&mut vault), &mut report);
        let text = "Kunde: jo@acme-corp.io, größer\n";
        for engine in [&base64::engine::general_purpose::STANDARD, &base64::engine::general_purpose::URL_SAFE_NO_PAD] {
            let payload = engine.encode(text);
            assert!(begins_as_text(&payload));
            let changed = judged_base64(&mut screen, &payload, true, &|| "file".to_owned()).unwrap().unwrap();
            assert_eq!(
                engine.decode(changed.trim_end_matches('=')).or_else(|_| engine.decode(&changed)).unwrap(),
                text.replace("jo@acme-corp.io", "[REDACTED|EMAIL]").as_bytes()
            );
            let lines = format!("{}\\r\\n{}", &payload[..8], &payload[8..]);
            assert!(judged_base64(&mut screen, &lines, true, &String::new).unwrap().is_some());
        }
        let clean = base64::engine::general_purpose::STANDARD.encode("nobody here");
        assert_eq!(judged_base64(&mut screen, &clean, true, &String::new).unwrap(), None);
        assert!(judged_base64(&mut screen, "a*b=", true, &String::new).is_err());
        for media in [
            "iVBORw0KGgoAAAANSUhEUg==",
            "JVBERi0xLjQKJeLjz9MK",
            "UklGRiQAAABXQVZF",
            "/9j/4AAQSkZJRg==",
            "EqQBCgIYAhIM1gbcDa9GJwZA2b3h",
            "AACAPwAAAEA=",
        ] {
            assert!(!begins_as_text(media), "{media}");
        }
    }
}
