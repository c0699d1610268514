//! Requests, answers, errors and streams of any API into any other: no panic, and what is written is JSON.
//!
//! The first byte chooses both APIs, the rest is the body and, once more, the stream.

use llm_gateway::{
    dialect::translate::{
        Dropped, Envelope, Stream, Target, count, embedding, fault, generate_as_chat, read_reply, read_request,
        write_reply, write_request,
    },
    domain::{Api, Endpoint},
};

const EMBEDDING: [Endpoint; 4] =
    [Endpoint::Embeddings, Endpoint::EmbedContent, Endpoint::BatchEmbedContents, Endpoint::OllamaEmbed];

const APIS: [Api; 5] = [Api::OpenaiChat, Api::OpenaiResponses, Api::Anthropic, Api::Gemini, Api::Ollama];

fn is_json(bytes: &[u8]) {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).expect("what is written is JSON");
}

/// Counting, embedding and Ollama's `/api/generate`.
fn other_endpoints(client: Api, provider: Api, text: &str, target: &Target, envelope: &Envelope) {
    let mut dropped = Dropped::default();
    if let Ok(chat) = generate_as_chat(text) {
        is_json(chat.as_bytes());
    }
    if let Ok(request) = count::read_request(client, text, &mut dropped)
        && let Ok(body) = count::write_request(provider, &request, target, &mut dropped)
    {
        is_json(&body);
    }
    if let Ok(tokens) = count::read_reply(provider, text) {
        is_json(&count::write_reply(client, tokens));
    }
    for endpoint in EMBEDDING {
        if let Ok(request) = embedding::read_request(endpoint, text, &mut dropped) {
            is_json(&embedding::write_request(provider, client, &request, &mut dropped));
        }
        if let Ok(reply) = embedding::read_reply(provider, text) {
            is_json(&embedding::write_reply(endpoint, &reply, envelope, true));
        }
    }
}

pub fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let (client, provider) = (APIS[usize::from(choice % 5)], APIS[usize::from(choice / 5 % 5)]);
    let text = String::from_utf8_lossy(bytes);
    let target = Target {
        client,
        max_output_tokens: Some(4_096),
        is_openai: choice & 128 == 0,
        asks_for_usage: true,
        thinks_by_effort: choice & 128 == 0,
    };
    let envelope = Envelope {
        nonce: "fuzz".to_owned(),
        created: 0,
        model: "m".to_owned(),
        stream_usage: true,
        gemini_sse: choice & 128 == 0,
        ollama_generate: choice & 128 == 0,
        echo: None,
    };
    let mut dropped = Dropped::default();
    if let Ok(request) = read_request(client, &text, &mut dropped)
        && let Ok(body) = write_request(provider, &request, &target, &mut dropped)
    {
        is_json(&body);
    }
    if let Ok(reply) = read_reply(provider, &text, "fuzz") {
        is_json(&write_reply(client, &reply, &envelope, &mut dropped));
    }
    other_endpoints(client, provider, &text, &target, &envelope);
    is_json(&fault::write(client.family(), &fault::read(500, bytes), "fuzz").1);
    let translated = |chunks: &[&[u8]]| {
        let mut stream = Stream::new(provider, client, envelope.clone());
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| stream.feed(chunk, &mut out));
        stream.finish(&mut out);
        out
    };
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert_eq!(translated(&[bytes]), translated(&[first, second]), "a stream depends on its cuts");
}
