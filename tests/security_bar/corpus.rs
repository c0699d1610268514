//! One good call of every inference endpoint, and what attackers write into fields.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

/// Path (with query) and body of a call that the scripted upstream answers with 200.
pub(super) fn calls() -> Vec<(&'static str, Value)> {
    let chat = json!([{"role": "user", "content": "Hello"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello"}]}]);
    vec![
        ("/v1/chat/completions", json!({"model": "gpt-4o", "messages": chat})),
        ("/v1/responses", json!({"model": "gpt-4o", "input": "Hello"})),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": "Hello"})),
        ("/v1/completions", json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"})),
        ("/v1/moderations", json!({"model": "omni-moderation-latest", "input": "Hello"})),
        ("/v1/rerank", json!({"model": "rerank", "query": "Hello", "documents": ["Hello", "Bye"]})),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "prompt": "Hello"})),
        ("/v1/audio/speech", json!({"model": "tts-1", "input": "Hello", "voice": "alloy"})),
        ("/v1/batches", json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions"})),
        ("/v1/messages", json!({"model": "claude-haiku-4-5-20251001", "max_tokens": 64, "messages": chat})),
        ("/v1/messages/count_tokens", json!({"model": "claude-haiku-4-5-20251001", "messages": chat})),
        ("/v1beta/models/gemini-2.5-flash:generateContent", json!({"contents": contents})),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", json!({"contents": contents})),
        ("/v1beta/models/gemini-2.5-flash:countTokens", json!({"contents": contents})),
        ("/v1beta/models/gemini-embedding-001:embedContent", json!({"content": contents[0]})),
        ("/v1/models/gemini-2.5-flash:generateContent", json!({"contents": contents})),
        ("/api/chat", json!({"model": "llama3.2", "messages": chat, "stream": false})),
        ("/api/generate", json!({"model": "llama3.2", "prompt": "Hello", "stream": false})),
        ("/api/embed", json!({"model": "llama3.2", "input": "Hello"})),
    ]
}

/// A call of an inference endpoint as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    pub(super) method: Method,
    pub(super) target: String,
    /// `content-type`
    pub(super) kind: String,
    pub(super) body: Bytes,
    pub(super) stream: bool,
}

impl Inference {
    fn json(target: &str, body: &Value, stream: bool) -> Self {
        let kind = "application/json".to_owned();
        Self { method: Method::POST, target: target.to_owned(), kind, body: body.to_string().into(), stream }
    }

    fn bare(method: Method, target: &str) -> Self {
        Self { method, body: Bytes::new(), ..Self::json(target, &Value::Null, false) }
    }

    fn form(target: &str) -> Self {
        let body = "--x\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngpt-4o\r\n--x\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nHello\r\n--x--\r\n";
        let kind = "multipart/form-data; boundary=x".to_owned();
        Self { kind, body: body.into(), ..Self::json(target, &Value::Null, false) }
    }
}

/// Every inference endpoint in one piece, and as a stream where it has one.
pub(super) fn inferences() -> Vec<Inference> {
    let mut all = Vec::new();
    for (target, mut body) in calls() {
        let streams =
            ["chat/completions", "/v1/responses", "/v1/completions", "/v1/messages", "/api/chat", "/api/generate"];
        all.push(Inference::json(target, &body, target.contains(":stream")));
        if streams.iter().any(|end| target.ends_with(end)) {
            body["stream"] = json!(true);
            if target.ends_with("completions") {
                // What is asked for need not be cut out again: the bytes stay the provider's.
                body["stream_options"] = json!({"include_usage": true});
            }
            all.push(Inference::json(target, &body, true));
        }
    }
    let contents = json!({"requests": [{"content": {"parts": [{"text": "Hello"}]}}]});
    all.push(Inference::json("/v1beta/models/gemini-embedding-001:batchEmbedContents", &contents, false));
    for target in ["/v1/files", "/v1/audio/transcriptions", "/v1/images/edits"] {
        all.push(Inference::form(target));
    }
    for target in ["/v1/files", "/v1/files/file-1", "/v1/batches", "/v1/batches/batch_1"] {
        all.push(Inference::bare(Method::GET, target));
    }
    all.push(Inference::bare(Method::DELETE, "/v1/files/file-1"));
    all
}

/// Reads that go to a provider or tell what providers serve.
pub(super) const READS: [&str; 8] = [
    "/v1/models",
    "/v1/models/gpt-4o",
    "/v1beta/models",
    "/v1beta/models/gemini-2.5-flash",
    "/api/tags",
    "/v1/files",
    "/v1/files/file-1",
    "/v1/batches",
];

/// What scanners for SQL injection put into fields.
pub(super) const SQL: [&str; 24] = [
    "' OR '1'='1",
    "' OR 1=1 --",
    "\" OR \"\"=\"",
    "'; DROP TABLE records; --",
    "'; DELETE FROM keys; --",
    "1; ATTACH DATABASE '/tmp/evil.db' AS evil",
    "' UNION SELECT sql FROM sqlite_master --",
    "' UNION ALL SELECT NULL,NULL,NULL --",
    "1' AND (SELECT 1 FROM (SELECT randomblob(100000000)))--",
    "' AND 1=CAST((SELECT hash FROM keys) AS INT) --",
    "%' OR '%'='",
    "_%_%_%_%_%_%_%_%",
    "') OR ('1'='1",
    "')) OR (('1'='1",
    "admin'--",
    "' || (SELECT hash FROM keys LIMIT 1) || '",
    "1 OR 1=1",
    "-1 UNION SELECT load_extension('/tmp/x')",
    "*/ OR 1=1 /*",
    "' GROUP BY 1 HAVING 1=1 --",
    "?1",
    ":name",
    "\\'; --",
    "' OR sleep(5) OR '",
];
