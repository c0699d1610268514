//! An example of each endpoint's request, rich in fields, and what in it is no text.

use serde_json::{Value, json};

/// Path and body. Every string in it that is not named by [`is_fixed`] is text.
pub(super) fn requests() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "description": "Where", "enum": ["Rome"]}}, "required": ["city"]});
    let contents = json!([
        {"role": "user", "parts": [{"text": "Hello"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]},
        {"role": "model", "parts": [
            {"text": "thinking", "thought": true, "thoughtSignature": "CiQBVKhc7vVwQ2s="},
            {"functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Rome", "days": 3}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "sunny"}}},
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            {"fileData": {"mimeType": "text/plain", "fileUri": "https://files.test/a"}},
        ]},
    ]);
    let gemini = json!({
        "contents": contents,
        "systemInstruction": {"parts": [{"text": "Be kind"}]},
        "tools": [{"functionDeclarations": [{"name": "weather", "description": "Tells it", "parameters": schema}]}],
        "generationConfig": {"stopSequences": ["END"], "responseSchema": schema},
        "labels": {"team": "blue"},
    });
    let chat = json!([
        {"role": "system", "content": "Be kind"},
        {"role": "user", "name": "some body", "content": "Hello"},
        {"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "input_audio", "input_audio": {"data": "UklGRiQAAABXQVZF", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}},
        ]},
        {"role": "assistant", "content": "I call", "refusal": "no", "reasoning_content": "hm", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}},
            {"id": "call_2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "{\"weather\": \"sunny\"}"},
    ]);
    let anthropic = json!([
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"},
            {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
            {"type": "text", "text": "I call"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome", "deep": ["a", {"b": "c"}]}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}]},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
            {"type": "document", "title": "Notes", "context": "mine", "source": {"type": "text", "media_type": "text/plain", "data": "Note"}},
            {"type": "search_result", "source": "https://a.test", "title": "A", "content": [{"type": "text", "text": "found"}]},
        ]},
    ]);
    let messages = json!({
        "model": "claude-haiku-4-5-20251001", "max_tokens": 64, "messages": anthropic,
        "system": [{"type": "text", "text": "Be kind", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "weather", "description": "Tells it", "input_schema": schema}],
        "stop_sequences": ["END"], "metadata": {"user_id": "u 1"},
    });
    vec![
        (
            "/v1/chat/completions",
            json!({
                "model": "gpt-4o", "messages": chat, "user": "me", "stop": ["END"], "metadata": {"team": "blue"},
                "tools": [{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": schema}}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "description": "An answer", "schema": schema}},
                "prediction": {"type": "content", "content": "maybe"}, "safety_identifier": "me",
                "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Rome"}}},
            }),
        ),
        (
            "/v1/responses",
            json!({
                "model": "gpt-4o", "instructions": "Be kind", "prompt": {"id": "pmpt_1", "variables": {"name": "Jane"}},
                "metadata": {"team": "blue"}, "safety_identifier": "me",
                "tools": [{"type": "function", "name": "weather", "description": "Tells it", "parameters": schema},
                          {"type": "mcp", "server_label": "x", "server_url": "https://mcp.test", "authorization": "some word"}],
                "text": {"format": {"type": "json_schema", "name": "answer", "schema": schema}},
                "input": [
                    {"role": "user", "content": "Hello"},
                    {"type": "message", "role": "user", "content": [
                        {"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "https://pictures.test/a"},
                        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}]},
                    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAAAABo"},
                    {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{\"city\":\"Rome\"}"},
                    {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
                    {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": "ls"},
                    {"type": "local_shell_call_output", "id": "l_1", "output": "done"},
                ],
            }),
        ),
        ("/v1/embeddings", json!({"model": "text-embedding-3-small", "input": ["Hello", "Bye"], "user": "me"})),
        (
            "/v1/completions",
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": ["Hello", "Bye"], "suffix": "end", "stop": "END"}),
        ),
        (
            "/v1/moderations",
            json!({"model": "omni-moderation-latest", "input": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "https://pictures.test/a"}}]}),
        ),
        (
            "/v1/rerank",
            json!({"model": "rerank", "query": "Hello", "documents": ["Hello", {"text": "Bye", "title": "B"}]}),
        ),
        ("/v1/images/generations", json!({"model": "gpt-image-1", "prompt": "Hello", "user": "me"})),
        ("/v1/audio/speech", json!({"model": "tts-1", "input": "Hello", "voice": "alloy", "instructions": "softly"})),
        (
            "/v1/batches",
            json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "metadata": {"team": "blue"}}),
        ),
        ("/v1/messages", messages.clone()),
        ("/v1/messages/count_tokens", messages),
        ("/v1beta/models/gemini-2.5-flash:generateContent", gemini.clone()),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", gemini.clone()),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", json!({"contents": contents})),
        ("/v1beta/models/gemini-2.5-flash:countTokens", json!({"generateContentRequest": gemini})),
        ("/v1beta/models/gemini-embedding-001:embedContent", json!({"content": contents[0], "title": "A"})),
        (
            "/v1beta/models/gemini-embedding-001:batchEmbedContents",
            json!({"requests": [{"model": "models/gemini-embedding-001", "content": contents[0]}]}),
        ),
        ("/v1/models/gemini-2.5-flash:generateContent", json!({"contents": contents})),
        (
            "/api/chat",
            json!({
                "model": "llama3.2", "stream": false, "format": schema, "options": {"stop": ["END"]},
                "tools": [{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": schema}}],
                "messages": [
                    {"role": "user", "content": "Hello", "images": ["iVBORw0KGgo="]},
                    {"role": "assistant", "content": "I call", "thinking": "hm", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}]},
                    {"role": "tool", "tool_name": "weather", "content": "sunny"},
                ],
            }),
        ),
        (
            "/api/generate",
            json!({"model": "llama3.2", "prompt": "Hello", "suffix": "end", "system": "Be kind", "template": "{{ .Prompt }}", "stream": false, "images": ["iVBORw0KGgo="]}),
        ),
        ("/api/embed", json!({"model": "llama3.2", "input": ["Hello", "Bye"]})),
    ]
}

/// Strings that steer the gateway itself.
pub(super) fn is_fixed(pointer: &str) -> bool {
    pointer == "/model"
}

/// Pointers to all strings of a document.
pub(super) fn strings(value: &Value) -> Vec<String> {
    fn below(value: &Value, at: &str, all: &mut Vec<String>) {
        match value {
            Value::String(_) => all.push(at.to_owned()),
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    below(item, &format!("{at}/{index}"), all);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    below(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    below(value, "", &mut all);
    all
}
