//! Tokens of chat, payment, mail and other services.

use super::{Anchor, Left, Right, Rule, assignments::ASSIGN, checks};

const PLAIN: Rule = Rule { check: checks::is_token, ..Rule::USUAL };
const HYPHENS: Rule = Rule { left: Left::WordAnd(b"-"), ..PLAIN };
const NAMED: Rule = Rule { left: Left::Any, check: checks::is_random, ..Rule::USUAL };

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "slack_token",
        kind: "SLACK_TOKEN",
        finds: "bot, user, app, refresh and configuration tokens of Slack",
        anchor: Anchor::Starts(&["xoxb-", "xoxp-", "xoxa-", "xoxe", "xoxr-", "xoxs-", "xoxo-", "xapp-"]),
        pattern: r"(?:xox[abposr]-[A-Za-z0-9-]{20,250}|xoxe(?:\.xox[bp])?-[A-Za-z0-9-]{20,250}|xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[a-f0-9]{40,80})",
        source: "Slack documentation, token types; gitleaks slack rules",
        matches: &[
            concat!("xoxb-", "012345678901-012345678901-fakeFAKE0123456789fakeFA"),
            concat!("xapp-", "1-A0FAKE12345-0123456789012-0123456789abcdeffedcba98765432100123456789abcdef"),
        ],
        misses: &["xoxb-...", "xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx", "xoxb-your-token"],
        ..HYPHENS
    },
    Rule {
        id: "slack_webhook",
        kind: "SLACK_WEBHOOK",
        finds: "webhook addresses of Slack",
        anchor: Anchor::Starts(&["hooks.slack.com/"]),
        pattern: r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,90}",
        source: "Slack documentation, incoming webhooks; gitleaks slack-webhook-url",
        matches: &["https://«hooks.slack.com/services/T0FAKE012/B0FAKE345/fakeFAKE0123456789fakeFA»"],
        misses: &["https://hooks.slack.com/services/T00/B00/XXXX", "https://hooks.slack.com/"],
        ..PLAIN
    },
    Rule {
        id: "discord_webhook",
        kind: "DISCORD_WEBHOOK",
        finds: "webhook addresses of Discord",
        anchor: Anchor::Starts(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
        pattern: r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}",
        source: "Discord documentation, webhooks; trufflehog discordwebhook",
        matches: &[
            "https://«discord.com/api/webhooks/118273645546372819/fakeFAKE0123456789_fakeFAKE-0123456789fakeFAKE0123456789fakeFAKE0123456»",
        ],
        misses: &["https://discord.com/api/webhooks/", "discord.com/api/webhooks/1/2"],
        ..PLAIN
    },
    Rule {
        id: "discord_bot_token",
        kind: "DISCORD_TOKEN",
        finds: "bot tokens of Discord",
        anchor: Anchor::Around { marks: &["."], run: is_url_safe, most: 28 },
        pattern: r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
        source: "Discord documentation, authentication; detect-secrets discord; kingfisher discord",
        matches: &[concat!(
            "MTIz",
            "NDU2Nzg5MDEyMzQ1Njc4",
            ".",
            "Gfake0",
            ".",
            "fakeFAKE0123456789_fakeFAKE-0123456789"
        )],
        misses: &["Module.method.call", "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gfake0.short"],
        ..PLAIN
    },
    Rule {
        id: "telegram_bot_token",
        kind: "TELEGRAM_TOKEN",
        finds: "bot tokens of Telegram",
        anchor: Anchor::Around { marks: &[":aa"], run: |byte| byte.is_ascii_digit(), most: 10 },
        pattern: r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
        source: "Telegram Bot API documentation; gitleaks telegram-bot-api-token",
        matches: &[concat!("0123456789", ":AA", "fakeFAKE0123456789_fakeFAKE-01234")],
        misses: &["12:AA", "0123456789:AAshort"],
        ..PLAIN
    },
    Rule {
        id: "stripe_key",
        kind: "STRIPE_KEY",
        finds: "secret and restricted keys and webhook secrets of Stripe",
        anchor: Anchor::Starts(&["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"]),
        pattern: r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9+/]{32,64}={0,2})",
        source: "Stripe documentation, API keys; gitleaks stripe-access-token",
        matches: &[
            concat!("sk_", "live_", "fakeFAKE0123456789fakeFA"),
            concat!("rk_", "test_", "fakeFAKE0123456789fakeFA"),
            concat!("whsec", "_fakeFAKE0123456789fakeFAKE012345"),
        ],
        misses: &["sk_test_...", "sk_live_xxxxxxxxxxxxxxxx", "pk_live_fakeFAKE0123456789fakeFA"],
        ..PLAIN
    },
    Rule {
        id: "square_token",
        kind: "SQUARE_TOKEN",
        finds: "access tokens and OAuth secrets of Square",
        anchor: Anchor::Starts(&["sq0atp-", "sq0csp-", "EAAA"]),
        pattern: r"(?:sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43}|EAAA[A-Za-z0-9_-]{60})",
        check: |seen| checks::is_token(seen) && checks::has_digit(seen.text),
        source: "gitleaks square-access-token; trufflehog square; detect-secrets square_oauth",
        matches: &[
            concat!("sq0atp-", "fakeFAKE0123456789fake"),
            concat!("sq0csp-", "fakeFAKE0123456789_fakeFAKE-0123456789fakeF"),
            concat!("EAAA", "EfakeFAKE0123456789_fakeFAKE-0123456789fakeFAKE0123456789fak"),
        ],
        misses: &["sq0atp-short", "EAAA"],
        ..PLAIN
    },
    Rule {
        id: "braintree_token",
        kind: "PAYPAL_TOKEN",
        finds: "access tokens of PayPal Braintree",
        anchor: Anchor::Starts(&["access_token$"]),
        pattern: r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
        source: "trufflehog paypaloauth, braintreepayments",
        matches: &[concat!("access_token$", "production$", "fake0123fake4567$", "0123456789abcdeffedcba9876543210")],
        misses: &["access_token$sandbox$x", "$access_token$"],
        ..PLAIN
    },
    Rule {
        id: "paypal_secret",
        kind: "PAYPAL_TOKEN",
        finds: "client secrets of PayPal behind their name",
        anchor: Anchor::After {
            words: &["paypal_client_secret", "paypal_secret", "paypal client secret"],
            between: ASSIGN,
        },
        pattern: r"E[A-Za-z0-9_-]{60,79}",
        source: "PayPal documentation, REST API credentials; trufflehog paypaloauth",
        matches: &[
            "PAYPAL_CLIENT_SECRET=«EfakeFAKE0123456789_fakeFAKE-0123456789fakeFAKE0123456789fakeFAKE0123456789fake»",
        ],
        misses: &["PAYPAL_CLIENT_SECRET=", "paypal_secret = None"],
        ..NAMED
    },
    Rule {
        id: "twilio_key",
        kind: "TWILIO_KEY",
        finds: "API key ids of Twilio",
        anchor: Anchor::Starts(&["SK"]),
        pattern: r"SK[0-9a-f]{32}",
        source: "Twilio documentation, API keys; gitleaks twilio-api-key",
        matches: &[concat!("SK", "0123456789abcdeffedcba9876543210")],
        misses: &["SK0123", "SKU0123456789"],
        ..PLAIN
    },
    Rule {
        id: "twilio_auth_token",
        kind: "TWILIO_KEY",
        finds: "auth tokens of Twilio behind their name",
        anchor: Anchor::After {
            words: &["twilio_auth_token", "twilio_token", "twilio_auth", "twilio auth token", "twilioauthtoken"],
            between: ASSIGN,
        },
        pattern: r"[0-9a-f]{32}",
        source: "Twilio documentation, auth tokens; detect-secrets twilio",
        matches: &["TWILIO_AUTH_TOKEN='«0123456789abcdeffedcba9876543210»'"],
        misses: &["TWILIO_AUTH_TOKEN=your_token", "TWILIO_AUTH_TOKEN"],
        ..NAMED
    },
    Rule {
        id: "sendgrid_key",
        kind: "SENDGRID_KEY",
        finds: "API keys of SendGrid",
        anchor: Anchor::Starts(&["SG."]),
        pattern: r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
        source: "gitleaks sendgrid-api-token",
        matches: &[concat!("SG.", "fakeFAKE0123456789fake.", "fakeFAKE0123456789_fakeFAKE-0123456789fakeF")],
        misses: &["SG.x.y", "SG.fakeFAKE0123456789fake"],
        ..PLAIN
    },
    Rule {
        id: "mailgun_key",
        kind: "MAILGUN_KEY",
        finds: "API and signing keys of Mailgun",
        anchor: Anchor::Starts(&["key-"]),
        pattern: r"key-[0-9a-f]{32}",
        source: "gitleaks mailgun-private-api-token",
        matches: &[concat!("key-", "0123456789abcdeffedcba9876543210")],
        misses: &["key-value", "key-0123"],
        ..HYPHENS
    },
    Rule {
        id: "mailgun_or_mailchimp_key",
        kind: "MAIL_API_KEY",
        finds: "keys of Mailgun (newer form) and Mailchimp",
        anchor: Anchor::Around { marks: &["-"], run: is_hex, most: 32 },
        pattern: r"[0-9a-f]{32}-(?:[0-9a-f]{8}-[0-9a-f]{8}|us[0-9]{1,2})",
        source: "gitleaks mailgun-signing-key, mailchimp-api-key",
        matches: &[
            concat!("0123456789abcdeffedcba9876543210", "-01234567-89abcdef"),
            concat!("0123456789abcdeffedcba9876543210", "-us12"),
        ],
        misses: &["01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdeffedcba9876543210-uk"],
        ..PLAIN
    },
    Rule {
        id: "notion_token",
        kind: "NOTION_TOKEN",
        finds: "integration tokens of Notion",
        anchor: Anchor::Starts(&["ntn_", "secret_"]),
        pattern: r"(?:ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})",
        check: |seen| checks::is_token(seen) && checks::has_digit(seen.text),
        source: "gitleaks notion-api-token; Notion changelog",
        matches: &[
            concat!("ntn_", "01234567890fakeFAKE0123456789fakeFAKE01234567"),
            concat!("secret_", "fakeFAKE0123456789fakeFAKE0123456789fakeFAK"),
        ],
        misses: &["secret_key", "ntn_..."],
        ..PLAIN
    },
    Rule {
        id: "linear_key",
        kind: "LINEAR_KEY",
        finds: "API keys and OAuth tokens of Linear",
        anchor: Anchor::Starts(&["lin_api_", "lin_oauth_"]),
        pattern: r"lin_(?:api_[A-Za-z0-9]{40}|oauth_[0-9a-f]{64})",
        source: "gitleaks linear-api-key",
        matches: &[concat!("lin_", "api_fakeFAKE0123456789fakeFAKE0123456789fake")],
        misses: &["lin_api_key", "lin_alg_norm"],
        ..PLAIN
    },
    Rule {
        id: "okta_token",
        kind: "OKTA_TOKEN",
        finds: "API tokens of Okta behind their name",
        anchor: Anchor::After {
            words: &["okta_api_token", "okta_token", "okta_client_token", "ssws", "okta api token"],
            between: r#"(?:["'`]{0,2}[ \t]{0,4}[:=][ \t]{0,4}["'`]?|[ \t]{1,4})"#,
        },
        pattern: r"00[A-Za-z0-9_-]{40}",
        source: "gitleaks okta-access-token; Okta documentation, API tokens",
        matches: &[
            "Authorization: SSWS «00fakeFAKE0123456789_fakeFAKE-0123456789fa»",
            "OKTA_API_TOKEN=«00fakeFAKE0123456789_fakeFAKE-0123456789fa»",
        ],
        misses: &["SSWS ${token}", "okta_token=00"],
        ..NAMED
    },
    Rule {
        id: "datadog_key",
        kind: "DATADOG_KEY",
        finds: "API and application keys of Datadog behind their name",
        anchor: Anchor::After {
            words: &[
                "dd_api_key",
                "dd-api-key",
                "dd_app_key",
                "dd-application-key",
                "datadog_api_key",
                "datadog_app_key",
                "datadog api key",
            ],
            between: ASSIGN,
        },
        pattern: r"(?:[0-9a-f]{40}|[0-9a-f]{32})",
        source: "gitleaks datadog-access-token; Datadog documentation, API and application keys",
        matches: &[
            "DD_API_KEY=«0123456789abcdeffedcba9876543210»",
            "DD-APPLICATION-KEY: «0123456789abcdeffedcba987654321001234567»",
        ],
        misses: &["DD_API_KEY=<key>", "DD_API_KEY=0123"],
        ..NAMED
    },
    Rule {
        id: "newrelic_key",
        kind: "NEWRELIC_KEY",
        finds: "user, insert and browser keys of New Relic",
        anchor: Anchor::Starts(&["NRAK-", "NRII-", "NRIQ-", "NRJS-", "NRRA-"]),
        pattern: r"(?:NRAK-[A-Z0-9]{27}|NRI[IQ]-[A-Za-z0-9_-]{32}|NRJS-[0-9a-f]{19}|NRRA-[0-9a-f]{42})",
        source: "New Relic documentation, API keys; gitleaks new-relic rules",
        matches: &[concat!("NRAK-", "FAKE0123456789FAKE012345678"), concat!("NRJS-", "0123456789abcdeffed")],
        misses: &["NRAK-xxxx", "NRAK-0"],
        ..PLAIN
    },
    Rule {
        id: "newrelic_license_key",
        kind: "NEWRELIC_KEY",
        finds: "licence keys of New Relic",
        anchor: Anchor::Around { marks: &["nral"], run: |byte| byte.is_ascii_alphanumeric(), most: 36 },
        pattern: r"(?:[0-9a-f]{36}|[a-z]{2}[0-9]{2}xx[0-9a-f]{30})NRAL",
        source: "New Relic documentation, license key; kingfisher newrelic",
        matches: &[
            concat!("0123456789abcdeffedcba98765432100123", "NRAL"),
            concat!("eu01xx", "0123456789abcdeffedcba98765432", "NRAL"),
        ],
        misses: &["NRAL", "0123NRAL", "general"],
        ..PLAIN
    },
    Rule {
        id: "sentry_token",
        kind: "SENTRY_TOKEN",
        finds: "organisation and user auth tokens of Sentry",
        anchor: Anchor::Starts(&["sntrys_", "sntryu_", "sntrya_", "sntryi_"]),
        pattern: r"(?:sntrys_eyJ[A-Za-z0-9+/=_-]{60,500}|sntry[uai]_[0-9a-f]{64})",
        right: Right::Any,
        source: "Sentry documentation, auth tokens; gitleaks sentry-org-token, sentry-user-token",
        matches: &[concat!("sntryu_", "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210")],
        misses: &["sntrys_...", "sntryu_0123"],
        ..PLAIN
    },
    Rule {
        id: "grafana_token",
        kind: "GRAFANA_TOKEN",
        finds: "service account and cloud access tokens of Grafana, and its older API keys",
        anchor: Anchor::Starts(&["glsa_", "glc_", "eyJrIjoi"]),
        pattern: r"(?:glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}|eyJrIjoi[A-Za-z0-9+/]{60,400}={0,3})",
        right: Right::Any,
        source: "gitleaks grafana-service-account-token, grafana-cloud-api-token, grafana-api-key",
        matches: &[
            concat!("glsa_", "fakeFAKE0123456789fakeFAKE012345_0123abcd"),
            concat!("glc_", "eyJvIjoiZmFrZTAxMjMiLCJuIjoiRkFLRTQ1NjcifQ=="),
        ],
        misses: &["glsa_...", "glc_token"],
        ..PLAIN
    },
    Rule {
        id: "shopify_token",
        kind: "SHOPIFY_TOKEN",
        finds: "access tokens and shared secrets of Shopify",
        anchor: Anchor::Starts(&["shpat_", "shpca_", "shppa_", "shpss_"]),
        pattern: r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
        source: "Shopify changelog, token formats; gitleaks shopify rules",
        matches: &[concat!("shpat_", "0123456789abcdeffedcba9876543210")],
        misses: &["shpat_...", "shpat_0123"],
        ..PLAIN
    },
    Rule {
        id: "service_token",
        kind: "SERVICE_TOKEN",
        finds: "tokens of Airtable, Contentful, Dynatrace, Figma, PlanetScale, Postman and README",
        anchor: Anchor::Starts(&["CFPAT-", "dt0c01.", "dt0s01.", "figd_", "pscale_", "PMAK-", "rdme_"]),
        pattern: r"(?:CFPAT-[A-Za-z0-9_-]{43}|dt0[cs]01\.[A-Z0-9]{24}\.[A-Z0-9]{64}|figd_[A-Za-z0-9_-]{38,46}|pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{32,64}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|rdme_[a-z0-9]{70})",
        source: "gitleaks contentful, dynatrace, planetscale, postman, readme; kingfisher figma",
        matches: &[
            concat!("PMAK-", "0123456789abcdeffedcba98-0123456789abcdeffedcba987654321001"),
            concat!("figd_", "fakeFAKE0123456789_fakeFAKE-0123456789fa"),
            concat!("pscale_", "tkn_fakeFAKE0123456789_fakeFAKE-012345"),
        ],
        misses: &["PMAK-", "figd_...", "pscale_tkn_"],
        ..PLAIN
    },
    Rule {
        id: "airtable_token",
        kind: "SERVICE_TOKEN",
        finds: "personal access tokens of Airtable",
        anchor: Anchor::Around { marks: &["."], run: |byte| byte.is_ascii_alphanumeric(), most: 17 },
        pattern: r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
        source: "gitleaks airtable-personnal-access-token",
        matches: &[concat!(
            "pat",
            "fakeFAKE012345",
            ".",
            "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210"
        )],
        misses: &["pattern.match", "patfakeFAKE012345.0123"],
        ..PLAIN
    },
];
