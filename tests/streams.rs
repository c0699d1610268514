//! Byte equality, both ways, for each dialect, whatever the split and the encoding; and the one true record of it.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use llm_gateway::demo::{Encoding, Provider, ProviderOptions, Script};
use proptest::{prelude::any, test_runner::TestRunner};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::harness::gateway::{start, start_on};

/// Path, a request whose bytes no serializer would write, content type of the answer, its bytes.
const DIALECTS: [(&str, &str, &str, &str); 8] = [
    (
        "/v1/chat/completions",
        "{ \"stream\":true,\n\t\"model\" : \"gpt-4o\",\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"\\u0068\\/\u{e9}\"}],\"temperature\":1.0,\"zz\":1e0 }",
        "text/event-stream",
        "\u{feff}: ping\r\ndata: {\"id\":\"a\",\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"h\u{e9}\u{1f600}\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    ),
    (
        "/v1/responses",
        "{\"input\":\"hi\", \"model\":\"gpt-4o\",\"stream\":true,\"x\":[1.0,1]}\n",
        "text/event-stream",
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"h\u{e9}\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"model\":\"gpt-4o\",\"status\":\"completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n",
    ),
    (
        "/v1/embeddings",
        "{\"input\" : [\"a\"],\"model\":\"text-embedding-3-small\"}",
        "application/json",
        "{\n  \"object\": \"list\", \"data\": [ ], \"model\":\"text-embedding-3-small\", \"usage\": {\"prompt_tokens\": 3, \"total_tokens\": 3}\n}\n",
    ),
    (
        "/v1/completions",
        "{\"prompt\":\"a\",\"model\":\"gpt-3.5-turbo-instruct\",\"top_p\":1.00}",
        "application/json",
        "{\"choices\":[{\"text\":\"b\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}",
    ),
    (
        "/v1/messages",
        "{\"max_tokens\":5,\"model\":\"claude-sonnet-4-20250514\", \"stream\": true,\"messages\":[] ,\"new\":{\"a\":1.0}}",
        "text/event-stream",
        "event: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-sonnet-4-20250514\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}   }\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"h\u{e9}\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "{\"contents\" :[ {\"parts\":[{\"text\":\"\\u00e9\"}]}]}",
        "text/event-stream",
        "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"h\u{e9}\"}]},\"finishReason\": \"STOP\"}],\"usageMetadata\": {\"promptTokenCount\": 3,\"candidatesTokenCount\": 2},\"modelVersion\": \"gemini-2.5-flash\"}\r\n\r\n",
    ),
    (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        "{\"contents\":[]}",
        "application/json; charset=UTF-8",
        "[{\n  \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"h\"}]}}],\"usageMetadata\": {\"promptTokenCount\": 3}\n}\n,\r\n{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\u{e9}\"}]},\"finishReason\": \"STOP\"}],\"usageMetadata\": {\"promptTokenCount\": 3,\"candidatesTokenCount\": 2}}\n]",
    ),
    (
        "/api/chat",
        "{\"model\":\"llama3\", \"messages\":[]}",
        "application/x-ndjson",
        "{\"model\":\"llama3\",\"message\":{\"role\":\"assistant\",\"content\":\"h\u{e9}\"},\"done\":false}\n{\"model\":\"llama3\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n",
    ),
];

/// The bytes cut at these places.
fn cut(bytes: &[u8], at: &[usize]) -> Vec<Bytes> {
    let mut places: Vec<_> = at.iter().map(|place| place % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|pair| Bytes::copy_from_slice(&bytes[pair[0]..pair[1]])).collect()
}

fn script(kind: &str, pieces: Vec<Bytes>) -> Script {
    Script { status: Some(200), ..Script::stream(pieces).with_header("content-type", kind) }
}

#[tokio::test]
async fn every_dialect_passes_byte_for_byte_both_ways_in_pieces_of_any_size() {
    let rig = start().await;
    let mut sent = 0;
    for (path, request, kind, body) in DIALECTS {
        for size in [1, 2, 3, 7, 64, 100_000] {
            for encoding in
                [None, Some(Encoding::Gzip), Some(Encoding::Br), Some(Encoding::Deflate), Some(Encoding::Zstd)]
            {
                if encoding.is_some() && ![1, 7].contains(&size) {
                    continue;
                }
                let mut script = script(kind, vec![Bytes::from(body)]);
                script.rechunk_bytes = Some(size);
                script.encoding = encoding;
                rig.upstream.script(script);
                let answer = rig.client().send(Method::POST, path, Some(request.into())).await;
                sent += 1;
                assert_eq!(rig.upstream.ledger().last().unwrap().body, request, "{path}");
                match encoding {
                    None => assert_eq!(answer.text(), body, "{path} in pieces of {size}"),
                    Some(encoding) => {
                        assert_eq!(answer.headers["content-encoding"], encoding.as_str(), "{path}");
                        assert_eq!(unpacked(encoding, &answer.body), body.as_bytes(), "{path} {encoding:?}");
                    }
                }
            }
        }
    }
    for record in rig.records_when(sent).await {
        assert_eq!(record["outcome"], "ok", "{record:#}");
        assert_eq!(record["input_tokens"], 3, "{record:#}");
        if record["endpoint"] != "embeddings" {
            assert_eq!(record["output_tokens"], 2, "{record:#}");
        }
        assert_eq!(record["usage_estimated"], false, "{record:#}");
    }
}

#[test]
fn random_splits_change_nothing_and_hide_exactly_the_unasked_usage_chunk() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let rig = runtime.block_on(start());
    let visible = "data: {\"id\":\"a\",\"choices\":[],\"model\":\"\",\"prompt_filter_results\":[]}\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"\u{e9}\"}}]}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\r\n\r\n";
    let end = "data: [DONE]\n\n";
    let config = proptest::test_runner::Config::with_cases(40);
    let strategy = (proptest::collection::vec(any::<usize>(), 0..12), 0..5_usize);
    TestRunner::new(config)
        .run(&strategy, |(places, encoding)| {
            runtime.block_on(async {
                let all = format!("{visible}{usage}{end}");
                let mut script = script("text/event-stream", cut(all.as_bytes(), &places));
                script.encoding = Encoding::ALL.get(encoding).copied();
                rig.upstream.script(script.clone());
                let unasked = json!({"model": "gpt-4o", "stream": true, "messages": []});
                let answer = rig.client().post("/v1/chat/completions", &unasked).await;
                assert_eq!(answer.text(), format!("{visible}{end}"));
                assert!(!answer.headers.contains_key("content-encoding"));
                script.encoding = None;
                for (path, request, kind, body) in DIALECTS {
                    rig.upstream.script(self::script(kind, cut(body.as_bytes(), &places)));
                    assert_eq!(rig.client().send(Method::POST, path, Some(request.into())).await.text(), body);
                }
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn only_the_spans_that_must_change_change() {
    let rig = start().await;
    let cases = [
        (
            r#"{ "a":1.0 , "model" : "openai/gpt-4o" ,"messages":[]}"#,
            r#"{ "a":1.0 , "model" : "gpt-4o" ,"messages":[]}"#,
        ),
        (r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true } }"#, ""),
        (
            r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false } }"#,
            "",
        ),
    ];
    for (sent, arrives) in cases {
        rig.client().send(Method::POST, "/v1/chat/completions", Some(sent.into())).await;
        let arrived = rig.upstream.ledger().last().unwrap();
        assert_eq!(String::from_utf8_lossy(&arrived.body), if arrives.is_empty() { sent } else { arrives });
    }
    let plain = r#"{ "x":1.0,"model":"gpt-4o",  "stream":true , "messages":[ ] }"#;
    rig.client().send(Method::POST, "/v1/chat/completions", Some(plain.into())).await;
    let arrived = rig.upstream.ledger().last().unwrap();
    let text = String::from_utf8(arrived.body.to_vec()).unwrap();
    assert_eq!(arrived.json().unwrap()["stream_options"], json!({"include_usage": true}));
    let cut = [r#","stream_options":{"include_usage":true}"#, r#""stream_options":{"include_usage":true},"#];
    assert!(cut.iter().any(|span| text.replacen(span, "", 1) == plain), "{text}");
}

#[tokio::test]
async fn compressed_requests_arrive_untouched_and_a_length_stays() {
    let rig = start().await;
    let body = br#"{"model":"gpt-4o", "messages":[]}"#;
    let compressed =
        [("gzip", packed_gzip(body)), ("br", packed_br(body)), ("zstd", zstd::encode_all(&body[..], 3).unwrap())];
    for (name, bytes) in compressed {
        let client = rig.client().with("content-encoding", name);
        let answer = client.send(Method::POST, "/v1/chat/completions", Some(bytes.clone().into())).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let arrived = rig.upstream.ledger().last().unwrap();
        assert_eq!(arrived.body, bytes, "{name}");
        assert_eq!(arrived.header("content-encoding"), Some(name));
        let told: usize = answer.headers["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(told, answer.body.len());
    }
}

/// An upstream that says the same to every caller, all at once, and hangs up.
async fn curt(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut heard = Vec::new();
            while !heard.ends_with(b"}") {
                caller.read_buf(&mut heard).await.unwrap();
            }
            caller.write_all(says).await.unwrap();
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_an_answer_that_breaks_off_at_once_arrives_with_its_head() {
    let url =
        curt(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"id\":\"ab").await;
    let upstream = Provider::spawn(ProviderOptions::default()).await.unwrap();
    let providers = format!(
        "[[providers]]\nid = \"curt\"\nprovider_type = \"openai\"\napi_key = \"sk-test\"\nbase_url = \"{url}/v1\"\n"
    );
    let rig = start_on(upstream, &providers, "[routing]\nretries = 0\nbreaker_failures = 0\n").await;
    for _ in 0..50 {
        let asked = Some(r#"{"model":"curt/gpt-4o","messages":[]}"#.into());
        let answer = rig.client().open(Method::POST, "/v1/chat/completions", asked).await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-length"]), (200, &"99".parse().unwrap()));
        let mut body = answer.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "{\"id\":\"ab");
        assert!(body.frame().await.unwrap().is_err(), "the client sees that it is not whole");
    }
    let records = rig.records_when(50).await;
    assert!(records.iter().all(|record| record["error_kind"] == "upstream_protocol"), "{records:#?}");
}

fn packed_gzip(body: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut coder, body).unwrap();
    coder.finish().unwrap()
}

fn packed_br(body: &[u8]) -> Vec<u8> {
    let mut coder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
    std::io::Write::write_all(&mut coder, body).unwrap();
    coder.into_inner()
}

fn unpacked(encoding: Encoding, packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut reader: Box<dyn std::io::Read + '_> = match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(packed)),
        Encoding::Br => Box::new(brotli::Decompressor::new(packed, 4096)),
        Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(packed).unwrap()),
    };
    reader.read_to_end(&mut plain).unwrap();
    plain
}
