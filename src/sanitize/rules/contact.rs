//! Personal data: how somebody is reached.

use super::{Anchor, Left, Right, Rule, Seen};
use crate::domain::Category;

const USUAL: Rule = Rule { category: Category::Pii, ..Rule::USUAL };

/// Bytes of the part before the `@` (RFC 5322's dot-atom, without the rare ones).
fn is_local_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+'-".contains(&byte)
}

/// Names that stand for no mailbox: reserved by RFC 2606, or no address at all.
fn is_mailbox(seen: &Seen<'_>) -> bool {
    let domain = seen.text.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let reserved = ["example.com", "example.org", "example.net"];
    !(reserved.iter().any(|name| domain == *name || domain.ends_with(&format!(".{name}")))
        || [".example", ".invalid", ".test", ".localhost"].iter().any(|end| domain.ends_with(end)))
}

pub(super) const RULES: &[Rule] = &[Rule {
    id: "email",
    kind: "EMAIL",
    finds: "e-mail addresses, but for the names that RFC 2606 reserves for examples",
    anchor: Anchor::Around { marks: &["@"], run: is_local_part, most: 64 },
    pattern: r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_%+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}",
    left: Left::Any,
    right: Right::Word,
    check: is_mailbox,
    source: "RFC 5321, RFC 5322, RFC 2606; Presidio EmailRecognizer",
    matches: &["ada@lovelace.org", "j.doe+tag@mail.corp.co.uk", "o'neil_99@sub.domain.io"],
    misses: &["someone@example.com", "@handle", "a@b", "user@localhost", "git@", "x @ y.com"],
    ..USUAL
}];
