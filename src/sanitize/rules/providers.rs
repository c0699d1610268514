//! Keys of model providers, and our own.

use super::{Anchor, Left, Rule, checks};
use crate::domain::VirtualKey;

/// A token whose body may have hyphens in it.
const HYPHENS: Rule = Rule { left: Left::WordAnd(b"-"), check: checks::is_token, ..Rule::USUAL };
const PLAIN: Rule = Rule { check: checks::is_token, ..Rule::USUAL };

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "gateway_key",
        kind: "GATEWAY_KEY",
        finds: "this gateway's own virtual keys, with their checksum",
        anchor: Anchor::Starts(&["gk-"]),
        pattern: r"gk-[0-9A-Za-z]{46}",
        check: |seen| VirtualKey::is_well_formed(seen.text),
        source: "src/domain/key.rs",
        matches: &["gk-0bCnOza8jKvW7iGrS3eFqOzaBmNyW7iJuV3eFqR2WUDY69"],
        misses: &["gk-0bCnOza8jKvW7iGrS3eFqOzaBmNyW7iJuV3eFqR2WUDY60", "gk-short"],
        ..HYPHENS
    },
    Rule {
        id: "anthropic_api_key",
        kind: "ANTHROPIC_KEY",
        finds: "API, admin and OAuth tokens of Anthropic",
        anchor: Anchor::Starts(&["sk-ant-"]),
        pattern: r"sk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{80,120}",
        source: "gitleaks anthropic-api-key; kingfisher anthropic",
        matches: &[concat!(
            "sk-ant-",
            "api03-",
            "fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fakeFAKE01234567-fake_AA"
        )],
        misses: &["sk-ant-api03-xxxx", "sk-ant-...", "sk-ant-api03-your-key-here"],
        ..HYPHENS
    },
    Rule {
        id: "openrouter_api_key",
        kind: "OPENROUTER_KEY",
        finds: "API keys of OpenRouter",
        anchor: Anchor::Starts(&["sk-or-"]),
        pattern: r"sk-or-v1-[0-9a-f]{64}",
        source: "kingfisher openrouter",
        matches: &[concat!("sk-or-", "v1-", "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210")],
        misses: &["sk-or-v1-...", "sk-or-v1-0123"],
        ..HYPHENS
    },
    Rule {
        id: "openai_api_key",
        kind: "OPENAI_KEY",
        finds: "API keys of OpenAI (user, project, service account, admin) and of those who took their form",
        anchor: Anchor::Starts(&["sk-"]),
        pattern: r"sk-(?:(?:proj|svcacct|admin|service|None)-[A-Za-z0-9_-]{20,250}|[A-Za-z0-9]{32,64})",
        check: |seen| checks::is_token(seen) && checks::has_digit(seen.text),
        source: "gitleaks openai-api-key; kingfisher openai, deepseek",
        matches: &[
            concat!("sk-", "fake0123FAKE4567abcdT3Blbk", "FJfake0123FAKE4567abcd"),
            concat!("sk-proj-", "fake0123FAKE4567abcd_fake0123FAKE-4567abcd"),
            concat!("sk-svcacct-", "fake0123FAKE4567abcd_fake0123FAKE-4567abcd"),
            concat!("sk-admin-", "fake0123FAKE4567abcd_fake0123FAKE-4567abcd"),
        ],
        misses: &[
            "sk-proj-xxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-...",
            "sk-your-key",
            "task-0123456789012345678901234567890123",
        ],
        ..HYPHENS
    },
    Rule {
        id: "google_api_key",
        kind: "GOOGLE_API_KEY",
        finds: "API keys of Google Cloud and Gemini",
        anchor: Anchor::Starts(&["AIza"]),
        pattern: r"AIza[0-9A-Za-z_-]{35}",
        source: "gitleaks gcp-api-key; Google Cloud documentation, API keys",
        matches: &[concat!("AIza", "SyFake0123456789_fakeFAKE-012345678")],
        misses: &["AIzaXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "AIzaShort"],
        ..PLAIN
    },
    Rule {
        id: "google_oauth_token",
        kind: "GOOGLE_OAUTH",
        finds: "OAuth access and refresh tokens and client secrets of Google",
        anchor: Anchor::Starts(&["ya29.", "GOCSPX-", "1//0"]),
        pattern: r"(?:ya29\.[0-9A-Za-z_-]{30,400}|GOCSPX-[0-9A-Za-z_-]{28}|1//0[0-9A-Za-z_-]{40,120})",
        source: "secretlint gcp; trufflehog google oauth; kingfisher google",
        matches: &[
            concat!("ya29.", "a0fakeFAKE0123456789_fakeFAKE-0123456789"),
            concat!("GOCSPX-", "fakeFAKE0123456789fakeFAKE01"),
            concat!("1//0", "fakeFAKE0123456789_fakeFAKE-0123456789fakeFAKE"),
        ],
        misses: &["ya29.short", "GOCSPX-xxxx", "1//0 is no division"],
        ..PLAIN
    },
    Rule {
        id: "groq_api_key",
        kind: "GROQ_KEY",
        finds: "API keys of Groq",
        anchor: Anchor::Starts(&["gsk_"]),
        pattern: r"gsk_[A-Za-z0-9]{48,60}",
        source: "kingfisher groq; trufflehog groq",
        matches: &[concat!("gsk_", "fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567abcd")],
        misses: &["gsk_your_key", "gsk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        ..PLAIN
    },
    Rule {
        id: "xai_api_key",
        kind: "XAI_KEY",
        finds: "API keys of xAI",
        anchor: Anchor::Starts(&["xai-"]),
        pattern: r"xai-[A-Za-z0-9]{70,100}",
        source: "kingfisher xai; trufflehog xai",
        matches: &[concat!("xai-", "fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567")],
        misses: &["xai-key", "xai-org-grok"],
        ..HYPHENS
    },
    Rule {
        id: "perplexity_api_key",
        kind: "PERPLEXITY_KEY",
        finds: "API keys of Perplexity",
        anchor: Anchor::Starts(&["pplx-"]),
        pattern: r"pplx-[A-Za-z0-9]{40,64}",
        source: "gitleaks perplexity-api-key",
        matches: &[concat!("pplx-", "fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567")],
        misses: &["pplx-7b-online", "pplx-70b-chat"],
        ..HYPHENS
    },
    Rule {
        id: "replicate_api_token",
        kind: "REPLICATE_TOKEN",
        finds: "API tokens of Replicate",
        anchor: Anchor::Starts(&["r8_"]),
        pattern: r"r8_[A-Za-z0-9]{37,40}",
        source: "trufflehog replicate; kingfisher replicate",
        matches: &[concat!("r8_", "fake0123FAKE4567fake0123FAKE4567abcde")],
        misses: &["r8_register", "r8_0123"],
        ..PLAIN
    },
    Rule {
        id: "huggingface_token",
        kind: "HUGGINGFACE_TOKEN",
        finds: "access tokens of Hugging Face, of users and organisations",
        anchor: Anchor::Starts(&["hf_", "api_org_"]),
        pattern: r"(?:hf|api_org)_[A-Za-z0-9]{34,40}",
        source: "gitleaks huggingface-access-token, huggingface-organization-api-token",
        matches: &[
            concat!("hf_", "fakeFAKEtokenFAKEfakeTOKENabcdefgh"),
            concat!("api_org_", "fakeFAKEtokenFAKEfakeTOKENabcdefgh"),
        ],
        misses: &["hf_hub_download", "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        ..PLAIN
    },
    Rule {
        id: "databricks_token",
        kind: "DATABRICKS_TOKEN",
        finds: "personal access tokens of Databricks",
        anchor: Anchor::Starts(&["dapi"]),
        pattern: r"dapi[0-9a-f]{32}(?:-[0-9])?",
        source: "gitleaks databricks-api-token",
        matches: &[
            concat!("dapi", "0123456789abcdeffedcba9876543210"),
            concat!("dapi", "0123456789abcdeffedcba9876543210-3"),
        ],
        misses: &["dapi0123", "dapiary of things"],
        ..PLAIN
    },
    Rule {
        id: "nvidia_api_key",
        kind: "NVIDIA_KEY",
        finds: "API keys of NVIDIA NIM",
        anchor: Anchor::Starts(&["nvapi-"]),
        pattern: r"nvapi-[A-Za-z0-9_-]{60,72}",
        source: "kingfisher nvidia; trufflehog nvapi",
        matches: &[concat!("nvapi-", "fake0123FAKE4567fake0123FAKE4567fake_123FAKE4567fake0123FAKE4567")],
        misses: &["nvapi-key", "nvapi-..."],
        ..HYPHENS
    },
    Rule {
        id: "langsmith_api_key",
        kind: "LANGSMITH_KEY",
        finds: "API keys of LangSmith",
        anchor: Anchor::Starts(&["lsv2_"]),
        pattern: r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
        source: "trufflehog langsmith",
        matches: &[concat!("lsv2_", "pt_0123456789abcdeffedcba9876543210_0123456789")],
        misses: &["lsv2_pt_...", "lsv2_pt_0123"],
        ..PLAIN
    },
];
