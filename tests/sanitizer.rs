//! The sanitizer from outside: what reaches the provider, what reaches the client, and what is refused.

mod answers;
mod corpus;
mod hidden;
mod masks;
mod requests;
mod streams;

use super::harness::gateway::{Rig, start_with};

/// Personal data that no provider may see.
pub(crate) const CANARY: &str = "jo.doe@acme-corp.io";

/// A gateway that does this about e-mail addresses.
pub(crate) async fn rig(action: &str) -> Rig {
    start_with(&format!("[sanitization]\nenabled = true\n[sanitization.actions]\nemail = \"{action}\"\n")).await
}

/// As JSON writes it, with escapes that hide it from whoever does not undo them.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect()
}

/// Whether the bytes hold the canary, plainly or as JSON.
#[track_caller]
pub(crate) fn assert_unseen(bytes: &[u8], what: &str) {
    let text = String::from_utf8_lossy(bytes);
    let mut unescaped = text.replace("\\u0040", "@").replace("\\\\u0040", "@").replace("\\u002e", ".");
    unescaped.retain(|c| c != '\\');
    assert!(!text.contains(CANARY) && !unescaped.contains(CANARY), "{what}: {text}");
}
