//! Credentials of cloud platforms.

use super::{Anchor, Left, Right, Rule, Seen, assignments::ASSIGN, checks};

const PLAIN: Rule = Rule { check: checks::is_token, ..Rule::USUAL };
/// A value behind its name.
const NAMED: Rule = Rule { left: Left::Any, check: checks::is_random, ..Rule::USUAL };

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// A whole run of base64, not a piece of a longer one.
fn is_whole_base64(seen: &Seen<'_>) -> bool {
    let goes_on = seen.after.is_some_and(|after| after.is_ascii() && is_base64(after as u8) && after != '=');
    !goes_on && checks::is_token(seen) && checks::has_digit(seen.text)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "aws_access_key_id",
        kind: "AWS_ACCESS_KEY_ID",
        finds: "access key ids of AWS: users, roles, services",
        anchor: Anchor::Starts(&["AKIA", "ASIA", "ABIA", "ACCA"]),
        pattern: r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
        source: "AWS IAM documentation, unique identifiers; gitleaks aws-access-token",
        matches: &[
            concat!("AKIA", "QX7FAKE5TESTONLY"),
            concat!("ASIA", "QX7FAKE5TESTONLY"),
            concat!("AKIA", "IOSFODNN7EXAMPLE"),
        ],
        misses: &["AKIAXXXXXXXXXXXXXXXX", "ASIATIC", "AKIAQX7FAKE5TESTONLYANDMORE"],
        ..PLAIN
    },
    Rule {
        id: "aws_secret_access_key",
        kind: "AWS_SECRET_KEY",
        finds: "secret access keys of AWS behind their name",
        anchor: Anchor::After {
            words: &[
                "secret_access_key",
                "secretaccesskey",
                "secret access key",
                "aws_secret_key",
                "aws_secret",
                "awssecretkey",
            ],
            between: ASSIGN,
        },
        pattern: r"[A-Za-z0-9/+]{40}",
        right: Right::Any,
        check: |seen| is_whole_base64(seen) && checks::entropy_bits(seen.text) > 3.5,
        source: "gitleaks; AWS CLI documentation, configuration files",
        matches: &[
            "aws_secret_access_key = «fakeFAKE0123/fakeFAKE4567+fakeFAKE89abCD»",
            "\"SecretAccessKey\": \"«fakeFAKE0123/fakeFAKE4567+fakeFAKE89abCD»\"",
            "AWS Secret Access Key [None]: «fakeFAKE0123/fakeFAKE4567+fakeFAKE89abCD»",
        ],
        misses: &[
            "aws_secret_access_key = ${AWS_SECRET}",
            "secret_access_key: 0123456789abcdef",
            "aws_secret_access_key",
        ],
        ..NAMED
    },
    Rule {
        id: "aws_session_token",
        kind: "AWS_SESSION_TOKEN",
        finds: "session tokens of AWS behind their name",
        anchor: Anchor::After {
            words: &["session_token", "sessiontoken", "security-token", "security_token"],
            between: ASSIGN,
        },
        pattern: r"[A-Za-z0-9/+]{100,1000}={0,2}",
        right: Right::Any,
        reach: 2048,
        source: "AWS STS documentation",
        matches: &[
            "aws_session_token=«FwoGfake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE==»",
        ],
        misses: &["aws_session_token=abc", "session_token: ${TOKEN}"],
        ..NAMED
    },
    Rule {
        id: "aws_bedrock_api_key",
        kind: "AWS_BEDROCK_KEY",
        finds: "API keys of Amazon Bedrock",
        anchor: Anchor::Starts(&["ABSKQmVkcm9ja0FQSUtleS", "bedrock-api-key-"]),
        pattern: r"(?:ABSKQmVkcm9ja0FQSUtleS[A-Za-z0-9+/]{80,120}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{40,2000})",
        right: Right::Any,
        reach: 2048,
        source: "gitleaks aws-amazon-bedrock-api-key-long-lived, -short-lived",
        matches: &[concat!(
            "ABSKQmVkcm9ja0FQSUtleS",
            "0tfake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE="
        )],
        misses: &["bedrock-api-key-id", "ABSK is a prefix"],
        ..PLAIN
    },
    Rule {
        id: "azure_storage_key",
        kind: "AZURE_STORAGE_KEY",
        finds: "account and shared access keys in connection strings of Azure",
        anchor: Anchor::After {
            words: &[
                "accountkey",
                "account_key",
                "sharedaccesskey",
                "storage_key",
                "storagekey",
                "primarykey",
                "primary_key",
            ],
            between: ASSIGN,
        },
        pattern: r"(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)",
        right: Right::Any,
        check: is_whole_base64,
        source: "Microsoft documentation, Azure Storage and Service Bus connection strings; secretlint azure",
        matches: &[
            "AccountName=acme;AccountKey=«fakeFAKE0123/fakeFAKE4567+fakeFAKE89abCDfakeFAKE0123/fakeFAKE4567+fakeFAKE89abCDabcdef==»;EndpointSuffix=core",
            "SharedAccessKey=«fakeFAKE0123/fakeFAKE4567+fakeFAKE89abCDefg=»",
        ],
        misses: &["AccountKey=abc==", "AccountKey=${KEY}", "primary_key=True"],
        ..NAMED
    },
    Rule {
        id: "azure_sas",
        kind: "AZURE_SAS",
        finds: "signatures of shared access URLs of Azure",
        anchor: Anchor::After { words: &["sig="], between: "" },
        pattern: r"[A-Za-z0-9%/+]{43,90}(?:%3D|=)",
        right: Right::Any,
        near: &["sv=*", "se=*", "sp=*", "sr=*", "spr=*"],
        source: "Microsoft documentation, shared access signatures",
        matches: &["?sv=2024-11-04&sp=r&sig=«fakeFAKE0123%2FfakeFAKE4567%2BfakeFAKE89abCDefg%3D»"],
        misses: &["&sig=abc%3D", "sig=fakeFAKE0123"],
        ..NAMED
    },
    Rule {
        id: "azure_client_secret",
        kind: "AZURE_CLIENT_SECRET",
        finds: "client secrets of Microsoft Entra ID (Azure AD)",
        anchor: Anchor::Around {
            marks: &["q~"],
            run: |byte| byte.is_ascii_alphanumeric() || b"_~.-".contains(&byte),
            most: 4,
        },
        pattern: r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
        left: Left::Any,
        source: "gitleaks azure-ad-client-secret",
        matches: &[concat!("abc8", "Q~fakeFAKE0123456789_fakeFAKE.012345")],
        misses: &["abc8Q~short", "q~"],
        ..PLAIN
    },
    Rule {
        id: "azure_openai_key",
        kind: "AZURE_OPENAI_KEY",
        finds: "keys of Azure OpenAI and AI services: 84 characters with their mark, or 32 hexadecimal digits behind their name",
        anchor: Anchor::Around { marks: &["jqqj99"], run: |byte| byte.is_ascii_alphanumeric(), most: 52 },
        pattern: r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}",
        source: "Microsoft documentation, Azure AI services keys; kingfisher azure openai",
        matches: &[concat!(
            "fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567abcd",
            "JQQJ99",
            "AKACYeBjFXJ3w3AAABACOGfake"
        )],
        misses: &["JQQJ99", "fake0123JQQJ99AKACYeBjFXJ3w3AAABACOGfake"],
        ..PLAIN
    },
    Rule {
        id: "azure_openai_key_in_context",
        kind: "AZURE_OPENAI_KEY",
        finds: "keys of 32 hexadecimal digits behind a name of Azure's",
        anchor: Anchor::After {
            words: &[
                "azure_openai_api_key",
                "azure_openai_key",
                "azureopenaikey",
                "ocp-apim-subscription-key",
                "azure_api_key",
                "azure openai key",
            ],
            between: ASSIGN,
        },
        pattern: r"[0-9a-fA-F]{32}",
        source: "Microsoft documentation, Azure OpenAI REST API: api-key header",
        matches: &[
            "AZURE_OPENAI_API_KEY=«0123456789abcdeffedcba9876543210»",
            "Ocp-Apim-Subscription-Key: «0123456789abcdeffedcba9876543210»",
        ],
        misses: &["AZURE_OPENAI_API_KEY=", "AZURE_OPENAI_API_KEY=<key>"],
        ..NAMED
    },
    Rule {
        id: "gcp_private_key_id",
        kind: "GCP_SERVICE_ACCOUNT",
        finds: "the key id in service account files of Google Cloud (the key itself is a private key)",
        anchor: Anchor::After { words: &["private_key_id"], between: ASSIGN },
        pattern: r"[0-9a-f]{40}",
        source: "Google Cloud documentation, service account keys",
        matches: &["\"private_key_id\": \"«0123456789abcdeffedcba987654321001234567»\""],
        misses: &["\"private_key_id\": \"abc\"", "private_key_id"],
        ..NAMED
    },
    Rule {
        id: "digitalocean_token",
        kind: "DIGITALOCEAN_TOKEN",
        finds: "access, OAuth and refresh tokens of DigitalOcean",
        anchor: Anchor::Starts(&["dop_v1_", "doo_v1_", "dor_v1_"]),
        pattern: r"do[opr]_v1_[0-9a-f]{64}",
        source: "gitleaks digitalocean-pat, -access-token, -refresh-token",
        matches: &[concat!("dop_", "v1_0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210")],
        misses: &["dop_v1_...", "dop_v1_0123"],
        ..PLAIN
    },
    Rule {
        id: "heroku_api_key",
        kind: "HEROKU_KEY",
        finds: "API keys of Heroku",
        anchor: Anchor::Starts(&["HRKU-"]),
        pattern: r"HRKU-[0-9A-Za-z_-]{36,66}",
        source: "gitleaks heroku-api-key-v2",
        matches: &[concat!("HRKU-", "AAfakeFAKE0123456789_fakeFAKE-0123456789fakeFAKE0123456789fa")],
        misses: &["HRKU-", "HRKU-xxxx"],
        ..PLAIN
    },
    Rule {
        id: "heroku_api_key_in_context",
        kind: "HEROKU_KEY",
        finds: "API keys of Heroku of the older form, behind their name",
        anchor: Anchor::After {
            words: &["heroku_api_key", "heroku_key", "heroku_token", "heroku api key"],
            between: ASSIGN,
        },
        pattern: r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        source: "gitleaks heroku-api-key",
        matches: &["HEROKU_API_KEY=«01234567-89ab-cdef-0123-456789abcdef»"],
        misses: &["HEROKU_API_KEY=", "heroku app 01234567-89ab-cdef-0123-456789abcdef"],
        ..NAMED
    },
    Rule {
        id: "cloudflare_token",
        kind: "CLOUDFLARE_TOKEN",
        finds: "API tokens and global keys of Cloudflare behind their name",
        anchor: Anchor::After {
            words: &[
                "cloudflare_api_token",
                "cloudflare_api_key",
                "cloudflare_token",
                "cf_api_token",
                "cf_api_key",
                "cf_token",
                "x-auth-key",
                "cloudflare api token",
                "cloudflare_global_api_key",
            ],
            between: ASSIGN,
        },
        pattern: r"[A-Za-z0-9_-]{37,40}",
        source: "gitleaks cloudflare-api-key, cloudflare-global-api-key",
        matches: &[
            "CLOUDFLARE_API_TOKEN=«fakeFAKE0123456789_fakeFAKE-0123456789ab»",
            "X-Auth-Key: «0123456789abcdeffedcba987654321001234»",
        ],
        misses: &["CF_API_TOKEN=", "cf_api_token = var.token"],
        ..NAMED
    },
    Rule {
        id: "cloudflare_origin_ca_key",
        kind: "CLOUDFLARE_TOKEN",
        finds: "origin CA keys of Cloudflare",
        anchor: Anchor::Starts(&["v1.0-"]),
        pattern: r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}",
        source: "gitleaks cloudflare-origin-ca-key",
        matches: &[concat!(
            "v1.0-",
            "0123456789abcdeffedcba98-",
            "0123456789abcdeffedcba98765432100123456789abcdeffedcba98765432100123456789abcdeffedcba98765432100123456789abcdeffedcba98765432100123456789abcdeffe"
        )],
        misses: &["v1.0-beta", "v1.0-0123456789abcdeffedcba98"],
        ..PLAIN
    },
    Rule {
        id: "flyio_token",
        kind: "FLYIO_TOKEN",
        finds: "access tokens of Fly.io",
        anchor: Anchor::Starts(&["fo1_", "fm1_", "fm1a_", "fm1r_", "fm2_"]),
        pattern: r"(?:fo1_[A-Za-z0-9_-]{43}|fm1[ar]?_[A-Za-z0-9+/]{100,800}={0,3}|fm2_[A-Za-z0-9+/]{100,800}={0,3})",
        right: Right::Any,
        source: "gitleaks flyio-access-token",
        matches: &[
            concat!("fo1_", "fakeFAKE0123456789_fakeFAKE-0123456789fakeF"),
            concat!(
                "fm2_",
                "lJPEfake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567fake0123FAKE4567=="
            ),
        ],
        misses: &["fo1_short", "fm2_..."],
        ..PLAIN
    },
    Rule {
        id: "vercel_token",
        kind: "VERCEL_TOKEN",
        finds: "tokens of Vercel with their prefix",
        anchor: Anchor::Starts(&["vcp_", "vci_", "vca_", "vcr_", "vck_"]),
        pattern: r"vc[piark]_[A-Za-z0-9]{24,72}",
        source: "Vercel changelog, new token formats; GitHub secret scanning patterns",
        matches: &[concat!("vcp_", "fakeFAKE0123456789fakeFAKE0123456789fakeFAKE0123456789fa")],
        misses: &["vcp_total", "vcr_xxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        ..PLAIN
    },
    Rule {
        id: "vercel_token_in_context",
        kind: "VERCEL_TOKEN",
        finds: "tokens of Vercel of the older form, behind their name",
        anchor: Anchor::After { words: &["vercel_token", "vercel_api_token", "vercel token"], between: ASSIGN },
        pattern: r"[A-Za-z0-9]{24}",
        source: "trufflehog vercel",
        matches: &["VERCEL_TOKEN=«fakeFAKE0123456789fakeFA»"],
        misses: &["VERCEL_TOKEN=", "vercel_token: $VERCEL"],
        ..NAMED
    },
    Rule {
        id: "netlify_token",
        kind: "NETLIFY_TOKEN",
        finds: "tokens of Netlify",
        anchor: Anchor::Starts(&["nfp_", "nfc_", "nfo_", "nfu_"]),
        pattern: r"nf[pcou]_[A-Za-z0-9_-]{36}",
        source: "Netlify documentation, API tokens; kingfisher netlify",
        matches: &[concat!("nfp_", "fakeFAKE0123456789fakeFAKE0123456789")],
        misses: &["nfp_...", "nfc_reader"],
        ..PLAIN
    },
    Rule {
        id: "supabase_token",
        kind: "SUPABASE_TOKEN",
        finds: "access tokens and secret keys of Supabase",
        anchor: Anchor::Starts(&["sbp_", "sb_secret_"]),
        pattern: r"(?:sbp_(?:oauth_)?[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{31})",
        source: "Supabase documentation, API keys; trufflehog supabasetoken",
        matches: &[
            concat!("sbp_", "0123456789abcdeffedcba987654321001234567"),
            concat!("sb_secret_", "fakeFAKE0123456789fake_FAKE0123"),
        ],
        misses: &["sbp_...", "sb_publishable_fakeFAKE0123456789fake_FAKE0123"],
        ..PLAIN
    },
    Rule {
        id: "alibaba_access_key_id",
        kind: "ALIBABA_ACCESS_KEY_ID",
        finds: "access key ids of Alibaba Cloud",
        anchor: Anchor::Starts(&["LTAI"]),
        pattern: r"LTAI[A-Za-z0-9]{17,21}",
        check: |seen| checks::is_token(seen) && checks::has_digit(seen.text),
        source: "gitleaks alibaba-access-key-id",
        matches: &[concat!("LTAI", "5tFakeFAKE0123456789")],
        misses: &["LTAI", "LTAIfake"],
        ..PLAIN
    },
];
