//! Values that only their name betrays: passwords, secrets, headers.

use super::{Anchor, Left, Right, Rule, Seen, Tail, checks};

/// What stands between a name and its value in code, configuration, JSON, YAML, XML, SQL, shell and
/// plain words: closing quotes and brackets, a sign, perhaps a type, opening quotes.
pub(super) const ASSIGN: &str = concat!(
    r#"[0-9]{0,2}\\?["'`]?[\])]{0,2}(?:"#,
    // YAML of Kubernetes: `name: DB_PASSWORD`, then `value: …`.
    r#"[ \t]{0,4},?\s{1,16}["']?value["']?[ \t]{0,4}[:=][ \t]{0,4}"#,
    // Rust, TypeScript, Python with types.
    r#"|[ \t]{0,4}:[ \t]{0,4}(?:&'?[a-z]{0,6} ?)?(?:str|string|String)[ \t]{0,4}=[ \t]{0,4}"#,
    r#"|[ \t]{0,4}(?:[:=]=?>?|->)[ \t]{0,8}"#,
    r#"|[ \t]{1,4}(?:is|was|=|:)[ \t:]{1,4}|\([ \t]{0,4}|>"#,
    r#"|[ \t]{0,2}\[[A-Za-z]{4}\]:[ \t]{0,4}"#,
    r#")(?:[brfuL@]{0,2}\\?["'`]{1,3})?"#
);

/// As [`ASSIGN`], but the value must be quoted.
const ASSIGN_QUOTED: &str = concat!(
    r#"[0-9]{0,2}\\?["'`]?[\])]{0,2}(?:"#,
    r#"[ \t]{0,4},?\s{1,16}["']?value["']?[ \t]{0,4}[:=][ \t]{0,4}"#,
    r#"|[ \t]{0,4}:[ \t]{0,4}(?:&'?[a-z]{0,6} ?)?(?:str|string|String)[ \t]{0,4}=[ \t]{0,4}"#,
    r#"|[ \t]{0,4}(?:[:=]=?>?|->)[ \t]{0,8}"#,
    r#"|[ \t]{1,4}(?:is|was)[ \t:]{1,4}|[ \t]{0,2}\([ \t]{0,4}|>|[ \t]{1,2}"#,
    r#")[brfuL@]{0,2}\\?["'`]{1,3}"#
);

const PASSWORD_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "passwort",
    "kennwort",
    "mot de passe",
    "motdepasse",
    "contraseña",
    "contrasena",
    "senha",
    "пароль",
    "密码",
    "_pass",
    "userpass",
    "dbpass",
    "identified by",
];

const SECRET_WORDS: &[&str] = &[
    "api_key",
    "api-key",
    "apikey",
    "api key",
    "secret",
    "secret_key",
    "secretkey",
    "secret-key",
    "secret key",
    "token",
    "access_key",
    "access-key",
    "accesskey",
    "access key",
    "auth_key",
    "authkey",
    "client_secret",
    "clientsecret",
    "signing_key",
    "signingkey",
    "encryption_key",
    "encryptionkey",
    "private_key",
    "privatekey",
    "credential",
    "credentials",
    "webhook_key",
    "master_key",
    "service_key",
    "license_key",
    "secret_key_base",
    "密钥",
    "ключ",
];

/// Words that stand where a password would, and are none.
const NO_PASSWORDS: [&str; 22] = [
    "sha1",
    "sha256",
    "sha512",
    "sha-256",
    "md5",
    "bcrypt",
    "argon2",
    "argon2id",
    "pbkdf2",
    "scrypt",
    "base64",
    "utf8",
    "utf-8",
    "oauth2",
    "oauth1",
    "password1234567",
    "int32",
    "int64",
    "varchar2",
    "ed25519",
    "aes256",
    "text2",
];

/// Whether a value reads like a password and not like code, prose or a name.
fn is_password(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_symbol = |byte: u8| byte.is_ascii_punctuation() && !b"_-./:".contains(&byte);
    let has_mark = value.bytes().any(|byte| byte.is_ascii_digit() || is_symbol(byte));
    value.chars().count() >= 6
        && has_mark
        && value.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !checks::is_placeholder(value)
        && !NO_PASSWORDS.contains(&lower.as_str())
        && !is_expression(&lower)
        && !is_name(value, 1)
}

/// Whether a value is code, a path or a URL: what the password is read from.
fn is_expression(lower: &str) -> bool {
    const BEGINNINGS: [&str; 20] = [
        "/",
        "./",
        "../",
        "~/",
        "http:",
        "https:",
        "file:",
        "process.env",
        "os.",
        "env.",
        "env:",
        "env[",
        "config.",
        "self.",
        "this.",
        "vault:",
        "secret:",
        "arn:",
        "ssm:",
        "op://",
    ];
    BEGINNINGS.iter().any(|begin| lower.starts_with(begin))
        || lower.contains("${")
        || lower.contains("{{")
        || lower.contains("://")
}

/// Whether a value is made of words: `claude-3-5-sonnet`, `db_password2`, `my.field.name`. A part with
/// more than `digits` digits behind letters is no word; a part of digits alone is one.
fn is_name(value: &str, digits: usize) -> bool {
    value.contains(['_', '-', '.', '/', ':'])
        && value.split(['_', '-', '.', '/', ':', ',']).all(|part| {
            let letters = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let count = part.len() - letters.len();
            letters.bytes().all(|byte| byte.is_ascii_alphabetic())
                && !has_mixed_case(letters)
                && (letters.is_empty() || count <= digits)
        })
}

/// Capitals behind small letters more than once, as in random text.
fn has_mixed_case(letters: &str) -> bool {
    let turns = letters
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    turns.count() > 2
}

/// A value without quotes around it.
fn is_bare_password(seen: &Seen<'_>) -> bool {
    // A call, an index or a generic type: `password=get("x")`.
    let is_code = seen.text.starts_with('-')
        || seen.text.contains(['(', ')', '{', '}', '<', '[', ']'])
        || matches!(seen.after, Some('(' | '['));
    !is_code && is_password(seen.text)
}

fn is_quoted_password(seen: &Seen<'_>) -> bool {
    let is_closed = matches!(seen.after, Some('"' | '\'' | '`' | '\\'));
    is_closed && !seen.text.contains(' ') && is_password(seen.text)
}

/// A value that looks random, as keys do.
fn is_secret(seen: &Seen<'_>) -> bool {
    let text = seen.text;
    let before = seen.before.to_ascii_lowercase();
    let is_cursor = [
        "page",
        "next",
        "cursor",
        "continuation",
        "sync",
        "csrf",
        "idempotency",
        "public",
        "max_",
        "partition",
        "cache",
    ]
    .iter()
    .any(|word| before.rsplit(['\n', ',', ';']).next().is_some_and(|line| line.contains(word)));
    checks::is_random(seen)
        && text.bytes().filter(u8::is_ascii_digit).count() >= 2
        && checks::entropy_bits(text) > 3.2
        && !is_cursor
        && !is_name(text, 4)
        && !is_expression(&text.to_ascii_lowercase())
        && !is_identifier_of_a_call(text)
        && !matches!(seen.after, Some('(' | '['))
}

/// Ids of calls and messages, which models send by the thousand.
fn is_identifier_of_a_call(text: &str) -> bool {
    [
        "call_",
        "toolu_",
        "msg_",
        "req_",
        "resp_",
        "chatcmpl-",
        "run_",
        "thread_",
        "asst_",
        "file-",
        "sha256",
        "sha512",
        "gpt-",
        "claude-",
    ]
    .iter()
    .any(|begin| text.starts_with(begin))
}

/// How much of a value without quotes belongs to it: not the punctuation of the sentence.
fn without_tail(value: &str) -> usize {
    const TAIL: [char; 17] =
        ['.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '。', '，', '；', '！', '？', '）', '」'];
    value.trim_end_matches(TAIL).len()
}

const NAMED: Rule = Rule { left: Left::Any, right: Right::Any, reach: 512, ..Rule::USUAL };

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=._~:-".contains(&byte)
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "authorization_header",
        kind: "AUTH_HEADER",
        finds: "credentials in Authorization headers",
        anchor: Anchor::After {
            words: &["authorization"],
            between: r#"\\?["'`]?[ \t]{0,4}[:=,][ \t]{0,4}(?:[brf]?\\?["'`])?(?:[Bb]asic|[Bb]earer|[Tt]oken|[Aa]pi-?[Kk]ey|[Kk]ey|[Dd]igest|[Nn]egotiate|AWS4-HMAC-SHA256)[ \t]{1,4}"#,
        },
        pattern: r"[A-Za-z0-9+/=._~:-]{12,}",
        reach: usize::MAX,
        tail: Tail::Run(is_token_byte),
        check: |seen| {
            !checks::is_placeholder(seen.text) && !is_name(seen.text, 1) && checks::entropy_bits(seen.text) > 2.8
        },
        source: "RFC 9110 §11.6.2, RFC 6750, RFC 7617",
        matches: &[
            "Authorization: Basic «ZmFrZTpmYWtlUGFzczk5»",
            "\"Authorization\": \"Bearer «fakeFAKE0123456789»\"",
            "-H 'authorization: token «fakeFAKE0123456789abcd»'",
        ],
        misses: &[
            "Authorization: Bearer ${TOKEN}",
            "Authorization: Bearer <token>",
            "Authorization: Bearer YOUR_API_KEY",
            "Authorization: Basic auth",
        ],
        ..NAMED
    },
    Rule {
        id: "bearer_token",
        kind: "AUTH_HEADER",
        finds: "bearer tokens outside of headers",
        anchor: Anchor::After { words: &["bearer"], between: r"[ \t]{1,4}" },
        pattern: r"[A-Za-z0-9+/=._~-]{20,}",
        reach: usize::MAX,
        tail: Tail::Run(is_token_byte),
        check: |seen| checks::is_random(seen) && !is_name(seen.text, 4),
        source: "RFC 6750",
        matches: &["curl -H \"X-Auth: Bearer «fakeFAKE0123456789_fake»\""],
        misses: &["bearer token", "Bearer authentication-is-required-here"],
        ..NAMED
    },
    Rule {
        id: "password_quoted",
        kind: "PASSWORD",
        finds: "passwords in quotes behind their name, in code and configuration of many forms",
        anchor: Anchor::After { words: PASSWORD_WORDS, between: ASSIGN_QUOTED },
        pattern: r#"[^"'`\n\\]{6,128}"#,
        check: is_quoted_password,
        source: "detect-secrets keyword; kingfisher generic password; gitleaks generic-api-key",
        matches: &[
            "password = \"«plumtr33!»\"",
            "{\"password\": \"«Fake;Pass&99»\"}",
            "DB_PASSWORD='«fake-Pass-2024!»'",
            "conn.password(\"«fakePass99»\")",
            "let password: &str = \"«fakePass99»\";",
            "{\\\"passwd\\\": \\\"«fakePass99»\\\"}",
            "CREATE USER app IDENTIFIED BY ('«fakePass99»')",
        ],
        misses: &[
            "password = \"\"",
            "\"password\": \"string\"",
            "password: \"your-password-1\"",
            "password = \"${DB_PASSWORD1}\"",
            "label=\"Password\" type=\"text\"",
            "\"password\": \"Must be at least 8 characters\"",
            "password_hash = \"argon2id\"",
        ],
        ..NAMED
    },
    Rule {
        id: "password_assignment",
        kind: "PASSWORD",
        finds: "passwords without quotes behind their name, in configuration, connection strings and sentences",
        anchor: Anchor::After { words: PASSWORD_WORDS, between: ASSIGN },
        pattern: r#"[^\s"'`;&,\\<>]{6,128}"#,
        shorten: without_tail,
        check: is_bare_password,
        source: "detect-secrets keyword; kingfisher generic password; Microsoft documentation, ADO.NET connection strings",
        matches: &[
            "password=«fakePass99»",
            "Server=db;Database=app;User Id=sa;Password=«fakePass99»;Encrypt=true",
            "password: «fakePass99»\nuser: app",
            "My password is «fakePass99»",
            "<password>«fakePass99»</password>",
            "- name: DB_PASSWORD\n  value: «fakePass99»\n",
            "https://corp.io/login?user=a&password=«fakePass99»&x=1",
            "пароль: «fakePass99»",
        ],
        misses: &[
            "password: str",
            "password = get_password1()",
            "password=os.environ[\"PASS1\"]",
            "password: ********",
            "password is required",
            "forgot password?",
            "PWD=/home/app/v1",
            "password = config.password1",
            "password: ${PASS1}",
            "password=<your-password>",
        ],
        ..NAMED
    },
    Rule {
        id: "password_flag",
        kind: "PASSWORD",
        finds: "passwords behind a flag on a command line",
        anchor: Anchor::After {
            words: &["--password", "--pass", "--passwd", "--passphrase"],
            between: r#"[ \t]{1,2}["']?"#,
        },
        pattern: r#"[^\s"'`\\]{6,128}"#,
        check: is_bare_password,
        source: "detect-secrets keyword; curl, mysql manuals",
        matches: &["mysqldump --password «fakePass99» app", "tool --passphrase '«fakePass99»'"],
        misses: &["--password $DB_PASS1", "--password <value1>", "--password --user1"],
        ..NAMED
    },
    Rule {
        id: "generic_secret",
        kind: "SECRET",
        finds: "values that look random behind a name such as key, secret or token",
        anchor: Anchor::After { words: SECRET_WORDS, between: ASSIGN },
        pattern: r"[A-Za-z0-9_/+.~=-]{16,256}",
        shorten: without_tail,
        check: is_secret,
        source: "gitleaks generic-api-key; detect-secrets high entropy strings, keyword",
        matches: &[
            "API_KEY=«fake8F3kQ0zL5vT9wX2b»",
            "\"client_secret\": \"«9fG2-fake_kL0pQ7rT4vX»\"",
            "secret_key_base: «0a1b2c3d4e5f60718293a4b5c6d7e8f9»",
            "apiKey: '«fake8F3kQ0zL5vT9wX2b»',",
            "x-api-key: «fake8F3kQ0zL5vT9wX2b»",
            "token: str = \"«fake8F3kQ0zL5vT9wX2b»\"",
        ],
        misses: &[
            "api_key=YOUR_API_KEY_GOES_HERE_1",
            "max_tokens: 4096",
            "token = \"call_abc123DEF456ghi789\"",
            "nextPageToken: CAUQAA0123456789abcdef",
            "api_key = os.environ[\"OPENAI_API_KEY1\"]",
            "secret: projects/app/secrets/db-1/versions",
            "token: 0123456789",
            "model_key: claude-3-5-sonnet-20241022",
        ],
        ..NAMED
    },
];
