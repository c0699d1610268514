//! Keys of model providers, and our own.

use super::{Anchor, Left, Rule, Seen, checks};

fn is_real(seen: &Seen<'_>) -> bool {
    !checks::is_placeholder(seen.text) && checks::entropy_bits(seen.text) > 3.0
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "anthropic_api_key",
        kind: "ANTHROPIC_KEY",
        finds: "API and admin keys of Anthropic",
        anchor: Anchor::Starts(&["sk-ant-"]),
        pattern: r"sk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{80,120}",
        left: Left::WordAnd(b"-"),
        check: is_real,
        source: "gitleaks anthropic-api-key; kingfisher anthropic",
        matches: &[concat!(
            "sk-ant-",
            "api03-",
            "fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fakeFAKE01234567-fake_AA"
        )],
        misses: &["sk-ant-api03-xxxx", "sk-ant-..."],
        ..Rule::USUAL
    },
    Rule {
        id: "openai_api_key",
        kind: "OPENAI_KEY",
        finds: "API keys of OpenAI: user, project, service account, admin",
        anchor: Anchor::Starts(&["sk-"]),
        pattern: r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,200}|[A-Za-z0-9]{32,64})",
        left: Left::WordAnd(b"-"),
        check: is_real,
        source: "gitleaks openai-api-key; kingfisher openai",
        matches: &[
            concat!("sk-", "fake0123FAKE4567abcdT3Blbk", "FJfake0123FAKE4567abcd"),
            concat!("sk-proj-", "fake0123FAKE4567abcd_fake0123FAKE-4567abcd"),
        ],
        misses: &[
            "sk-proj-xxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-...",
            "sk-your-key",
            "task-0123456789012345678901234567890123",
        ],
        ..Rule::USUAL
    },
];
