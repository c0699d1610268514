//! Writing JSON strings that are also safe inside server-sent events and scripts.
//!
//! It never lets a line break of any kind through as itself.

/// Appends `text` as a JSON string, quotes included.
///
/// Every control character and the two Unicode line separators (U+2028, U+2029) are written as
/// escapes, so that foreign text can neither end an SSE line nor a line of newline-delimited JSON.
pub(super) fn push(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quoted_text_reads_back_as_itself_and_holds_no_line_break() {
        for text in ["", "plain", "q\"b\\", "a\r\nb\tc\0d", "\u{2028}\u{2029}\u{85}", "😀 Ünïcode", "\u{1b}[0m"] {
            let json = quoted(text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            assert!(!json.contains(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}', '\0']), "{json}");
        }
    }
}
