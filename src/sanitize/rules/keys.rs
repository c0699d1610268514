//! Private keys, JSON web tokens and URLs with passwords.

use super::{Anchor, Left, Right, Rule, Seen, Tail, checks};

const BASE: Rule = Rule { left: Left::Any, right: Right::Any, reach: usize::MAX, ..Rule::USUAL };

/// The password in `user:password`.
fn has_password(seen: &Seen<'_>) -> bool {
    let password = seen.text.split_once(':').map_or("", |(_, password)| password);
    let lower = password.to_ascii_lowercase();
    let stock = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "user",
        "username",
        "root",
        "guest",
        "admin",
        "test",
        "postgres",
        "mysql",
        "redis",
        "token",
        "key",
        "x",
        "pw",
        "p",
        "dbpass",
        "mypassword",
        "db_password",
        "api_key",
        "apikey",
    ];
    let is_variable =
        password.contains("${") || password.contains("{{") || password.starts_with(['$', '<', '{', '%', '*', '.']);
    !(is_variable || stock.contains(&lower.as_str()) || checks::is_placeholder(password))
}

/// `user:password` as it stands before the `@`, which is the last one before a slash.
const USER_PASSWORD: &str = r#"[A-Za-z0-9._~%!$&*+,;=-]{0,128}:[^\s/"'`<>\\]{1,256}"#;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "private_key",
        kind: "PRIVATE_KEY",
        finds: "private keys in PEM (RSA, EC, PKCS#8, OpenSSH, encrypted) and PGP armour, cut off ones too",
        anchor: Anchor::Starts(&["-----begin"]),
        pattern: concat!(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
            // Lines: headers, base64; line ends may be escaped, and strings may be joined by code.
            r#"(?:(?:[\s"'`+,>|]|\\[nrt"\\])*(?:[A-Z][A-Za-z-]{2,20}: [^\n\\]{1,80}|=?[A-Za-z0-9+/=]{20,}))+"#,
            r#"(?:(?:(?:[\s"'`+,>|]|\\[nrt"\\])*=?[A-Za-z0-9+/=]{1,20}){0,2}(?:[\s"'`+,>|]|\\[nrt"\\])*-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"#
        ),
        tail: Tail::Until("-----END"),
        source: "RFC 7468, RFC 9580, PROTOCOL.key of OpenSSH; gitleaks private-key; detect-secrets private_key",
        matches: &[
            concat!(
                "-----BEGIN RSA PRIVATE",
                " KEY-----\nZmFrZUZBS0UwMTIzNDU2Nzg5ZmFrZUZBS0U=\nZmFrZQ==\n-----END RSA PRIVATE KEY-----"
            ),
            concat!(
                "-----BEGIN OPENSSH PRIVATE",
                " KEY-----\\nZmFrZUZBS0UwMTIzNDU2Nzg5ZmFrZUZBS0U\\nZmFr\\n-----END OPENSSH PRIVATE KEY-----"
            ),
            concat!(
                "-----BEGIN RSA PRIVATE",
                " KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\nZmFrZUZBS0UwMTIzNDU2Nzg5ZmFrZUZBS0U=\n-----END RSA PRIVATE KEY-----"
            ),
            concat!(
                "-----BEGIN PGP PRIVATE",
                " KEY BLOCK-----\nVersion: GnuPG v2\n\nZmFrZUZBS0UwMTIzNDU2Nzg5ZmFrZUZBS0U=\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"
            ),
        ],
        misses: &[
            concat!("A file that begins with -----BEGIN PRIVATE", " KEY----- is a private key."),
            "-----BEGIN PUBLIC KEY-----\nZmFrZUZBS0UwMTIzNDU2Nzg5ZmFrZUZBS0U=\n-----END PUBLIC KEY-----",
        ],
        ..BASE
    },
    Rule {
        id: "putty_private_key",
        kind: "PRIVATE_KEY",
        finds: "private keys of PuTTY",
        anchor: Anchor::Starts(&["putty-user-key-file-"]),
        pattern: r"PuTTY-User-Key-File-[23]: (?:[A-Za-z0-9+/=:@.,_() \t\r\n\\-]){40,}?Private-(?:MAC|Hash): [0-9a-f]{40,64}",
        reach: 8192,
        source: "PuTTY manual, appendix C: PPK file format",
        matches: &[
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: fake\nPublic-Lines: 1\nZmFrZQ==\nPrivate-Lines: 1\nZmFrZQ==\nPrivate-MAC: 0123456789abcdeffedcba987654321001234567",
        ],
        misses: &["PuTTY-User-Key-File-3: is the first line", "PuTTY-User-Key-File-2"],
        ..BASE
    },
    Rule {
        id: "age_secret_key",
        kind: "PRIVATE_KEY",
        finds: "secret keys of age",
        anchor: Anchor::Starts(&["age-secret-key-1"]),
        pattern: r"(?:AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}|age-secret-key-1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58})",
        left: Left::Word,
        right: Right::Word,
        check: checks::is_token,
        source: "age specification (C2SP); gitleaks age-secret-key",
        matches: &[concat!("AGE-SECRET", "-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE")],
        misses: &["AGE-SECRET-KEY-1...", "AGE-SECRET-KEY-1QPZRY"],
        ..BASE
    },
    Rule {
        id: "jwt",
        kind: "JWT",
        finds: "JSON web tokens, signed, unsigned and encrypted",
        anchor: Anchor::Starts(&["eyJ"]),
        // What is cut off, or goes on behind what may be held at once, is a token too.
        pattern: r"eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?|[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,})?)",
        left: Left::WordAnd(b"-/+"),
        tail: Tail::Run(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)),
        check: |seen| !checks::is_filler(seen.text),
        source: "RFC 7519, RFC 7515, RFC 7516; gitleaks jwt",
        matches: &[
            concat!("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJmYWtlIn0", ".fakeFAKE0123456789_fakeFAKE-0123456789fakeF"),
            concat!("eyJhbGciOiJub25lIn0", ".eyJzdWIiOiJmYWtlIn0."),
        ],
        misses: &["eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.", "data.eyJ0eXAi"],
        ..BASE
    },
    Rule {
        id: "connection_string",
        kind: "CONNECTION_STRING",
        finds: "user and password in connection strings of databases and queues",
        anchor: Anchor::After {
            words: &[
                "postgres://",
                "postgresql://",
                "mysql://",
                "mariadb://",
                "mongodb://",
                "mongodb+srv://",
                "redis://",
                "rediss://",
                "valkey://",
                "amqp://",
                "amqps://",
                "mssql://",
                "sqlserver://",
                "oracle://",
                "clickhouse://",
                "cockroachdb://",
                "cassandra://",
                "neo4j://",
                "bolt://",
                "nats://",
                "kafka://",
                "psycopg2://",
                "asyncpg://",
                "psycopg://",
                "pymysql://",
                "mysql2://",
                "pyodbc://",
                "snowflake://",
                "influxdb://",
                "memcached://",
                "couchdb://",
            ],
            between: "",
        },
        pattern: USER_PASSWORD,
        right: Right::Byte(b'@'),
        check: has_password,
        reach: 512,
        source: "RFC 3986 §3.2.1; kingfisher postgres, mysql, mongodb, redis, amqp; detect-secrets basic_auth",
        matches: &[
            "postgres://«app:s3cr3t-fake»@db.internal:5432/app",
            "mongodb+srv://«svc:fake%40Pass1»@cluster0.mongodb.net",
            "redis://«:fakePass99»@cache:6379/0",
            "postgresql+asyncpg://«app:p@ssFake1»@db/app",
        ],
        misses: &[
            "postgres://localhost:5432/app",
            "postgres://user:password@localhost/db",
            "mysql://app:${DB_PASS}@db/app",
            "redis://cache:6379",
        ],
        ..BASE
    },
    Rule {
        id: "url_credentials",
        kind: "URL_CREDENTIALS",
        finds: "user and password in other URLs",
        anchor: Anchor::After { words: &["://"], between: "" },
        pattern: USER_PASSWORD,
        right: Right::Byte(b'@'),
        check: has_password,
        reach: 512,
        source: "RFC 3986 §3.2.1; detect-secrets basic_auth",
        matches: &[
            "https://«deploy:fakePass99»@git.corp.io/repo.git",
            "ftp://«anna:fakeFTP-7»@files.corp.io",
            "smtp://«mailer:fake.Mail7»@smtp.corp.io:587",
        ],
        misses: &[
            "https://corp.io:8443/path",
            "https://user:pass@host",
            "http://a.io/x:y@z",
            "https://<user>:<token>@host",
        ],
        ..BASE
    },
];
