//! Images that models make: carried where the client's API has a place for them, else named.

use super::{streams::translated, *};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUg==";

fn whole(provider: Api) -> Option<String> {
    Some(match provider {
        Api::OpenaiChat => format!(
            r#"{{"id":"c","model":"gpt-x","choices":[{{"index":0,"message":{{"role":"assistant","content":"Here.","images":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{PNG}"}}}}]}},"finish_reason":"stop"}}]}}"#
        ),
        Api::OpenaiResponses => format!(
            r#"{{"id":"r","object":"response","status":"completed","model":"gpt-x","output":[{{"type":"message","id":"m","role":"assistant","content":[{{"type":"output_text","text":"Here."}}]}},{{"type":"image_generation_call","id":"ig_1","status":"completed","output_format":"png","result":"{PNG}"}}]}}"#
        ),
        Api::Gemini => format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"Here."}},{{"inlineData":{{"mimeType":"image/png","data":"{PNG}"}}}}],"role":"model"}},"finishReason":"STOP","index":0}}],"modelVersion":"gemini-x","responseId":"r"}}"#
        ),
        Api::Ollama => format!(
            r#"{{"model":"llama","message":{{"role":"assistant","content":"Here.","images":["{PNG}"]}},"done":true,"done_reason":"stop"}}"#
        ),
        _ => return None,
    })
}

fn stream(provider: Api) -> Option<String> {
    Some(match provider {
        Api::OpenaiChat => format!(
            "data: {{\"id\":\"c\",\"model\":\"gpt-x\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"Here.\"}}}}]}}\n\ndata: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"images\":[{{\"type\":\"image_url\",\"index\":0,\"image_url\":{{\"url\":\"data:image/png;base64,{PNG}\"}}}}]}}}}]}}\n\ndata: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n"
        ),
        Api::OpenaiResponses => format!(
            "data: {{\"type\":\"response.created\",\"response\":{{\"id\":\"r\",\"model\":\"gpt-x\"}}}}\n\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"Here.\"}}\n\ndata: {{\"type\":\"response.output_item.done\",\"item\":{{\"type\":\"message\"}}}}\n\ndata: {{\"type\":\"response.output_item.added\",\"item\":{{\"type\":\"image_generation_call\",\"id\":\"ig_1\",\"status\":\"in_progress\"}}}}\n\ndata: {{\"type\":\"response.output_item.done\",\"item\":{{\"type\":\"image_generation_call\",\"id\":\"ig_1\",\"status\":\"completed\",\"output_format\":\"png\",\"result\":\"{PNG}\"}}}}\n\ndata: {{\"type\":\"response.completed\",\"response\":{{\"status\":\"completed\"}}}}\n\n"
        ),
        Api::Gemini => format!(
            "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"Here.\"}}],\"role\":\"model\"}},\"index\":0}}],\"modelVersion\":\"gemini-x\",\"responseId\":\"r\"}}\r\n\r\ndata: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"inlineData\":{{\"mimeType\":\"image/png\",\"data\":\"{PNG}\"}}}}],\"role\":\"model\"}},\"finishReason\":\"STOP\",\"index\":0}}]}}\r\n\r\n"
        ),
        Api::Ollama => format!(
            "{{\"model\":\"llama\",\"message\":{{\"role\":\"assistant\",\"content\":\"Here.\"}},\"done\":false}}\n{{\"model\":\"llama\",\"message\":{{\"role\":\"assistant\",\"content\":\"\",\"images\":[\"{PNG}\"]}},\"done\":false}}\n{{\"model\":\"llama\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\"done\":true,\"done_reason\":\"stop\"}}\n"
        ),
        _ => return None,
    })
}

#[test]
fn an_image_goes_from_every_provider_that_makes_one_to_every_client() {
    let (mut answers, mut streams) = (String::new(), String::new());
    for provider in APIS {
        let (Some(body), Some(events)) = (whole(provider), stream(provider)) else { continue };
        for client in APIS {
            let reply = read_reply(provider, &body, "0198c0de").unwrap();
            let mut dropped = Dropped::default();
            let out = write_reply(client, &reply, &envelope(), &mut dropped);
            let title = format!("=== {} to {}\n", provider.as_str(), client.as_str());
            answers += &format!("{title}dropped: {dropped}\n{}\n", pretty(&out));
            let has_place = !matches!(client, Api::Anthropic | Api::Ollama);
            let is_there = String::from_utf8(out).unwrap().contains(PNG);
            assert_eq!((is_there, dropped.is_empty()), (has_place, has_place));
            let out = translated(provider, client, &[events.as_bytes()]);
            for at in 0..=events.len() {
                let (first, second) = events.as_bytes().split_at(at);
                assert_eq!(translated(provider, client, &[first, second]), out, "{provider:?} {client:?} at {at}");
            }
            let out = String::from_utf8(out).unwrap().replace("\r\n", "\n");
            assert_eq!(out.contains(PNG), has_place, "{provider:?} {client:?}: {out}");
            let is_named = match client {
                Api::Ollama => out.contains(r#""x_gateway_dropped":"answer.media"}"#),
                _ => out.contains(": x-gateway-dropped: answer.media\n\n"),
            };
            assert_eq!(is_named, !has_place, "{provider:?} {client:?}: {out}");
            streams += &format!("{title}{out}\n");
        }
    }
    golden("image_answers", &answers);
    golden("image_streams", &streams);
}

#[test]
fn one_image_has_a_place_in_ollamas_generate() {
    let reply = read_reply(Api::Ollama, &whole(Api::Ollama).unwrap().replace("[\"", "[\"AAAA\",\""), "n").unwrap();
    let mut dropped = Dropped::default();
    let out = write_reply(Api::Ollama, &reply, &Envelope { ollama_generate: true, ..envelope() }, &mut dropped);
    let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((out["image"].as_str(), dropped.to_string().as_str()), (Some("AAAA"), "answer.media"));
    let mut stream = Stream::new(Api::Gemini, Api::Ollama, Envelope { ollama_generate: true, ..envelope() });
    let mut out = Vec::new();
    stream.feed(self::stream(Api::Gemini).unwrap().as_bytes(), &mut out);
    stream.finish(&mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(&format!(r#""image":"{PNG}""#)) && !out.contains("x_gateway_dropped"), "{out}");
}

/// An image that the model made comes back with the conversation.
#[test]
fn an_image_of_an_earlier_answer_is_shown_to_who_takes_it_and_else_named() {
    let bodies = [
        (
            Api::OpenaiChat,
            format!(
                r#"{{"messages":[{{"role":"user","content":"draw"}},{{"role":"assistant","content":"Here.","images":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{PNG}"}}}}]}},{{"role":"user","content":"bluer"}}]}}"#
            ),
        ),
        (
            Api::OpenaiResponses,
            format!(
                r#"{{"input":[{{"role":"user","content":"draw"}},{{"type":"image_generation_call","id":"ig_1","status":"completed","result":"{PNG}"}},{{"role":"user","content":"bluer"}}]}}"#
            ),
        ),
    ];
    for (client, body) in bodies {
        for (provider, shows) in
            [(Api::Gemini, true), (Api::Ollama, true), (Api::OpenaiChat, false), (Api::OpenaiResponses, false)]
        {
            let mut dropped = Dropped::default();
            let request = read_request(client, &body, &mut dropped).unwrap();
            assert!(dropped.is_empty(), "{client:?}: {dropped}");
            let written = write_request(provider, &request, &target(client), &mut dropped).unwrap();
            let has_it = String::from_utf8(written).unwrap().contains(PNG);
            assert_eq!((has_it, dropped.is_empty()), (shows, shows), "{client:?} {provider:?}: {dropped}");
        }
    }
}
