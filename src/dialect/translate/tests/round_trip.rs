//! Neutral, written in a dialect and read again: what the dialect has a place for comes back.

use proptest::prelude::*;

use super::*;
use crate::dialect::translate::{
    answer::{Choice, FinishReason, Reply},
    conversation::{
        Content, Effort, Format, Maker, Media, MediaKind, Part, Reasoning, Request, Role, Sampling, Seal, Source,
        Thought, Tool, ToolChoice, Turn,
    },
};

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Zü😀\"\\\\\n{}<>~:;,. ]{0,20}[a-z]"
}

fn said(text: String) -> Part {
    Content::Text { text, citations: Vec::new() }.into()
}

/// A round of the conversation: the user asks, the model thinks, calls and is answered.
fn round(number: usize, maker: Maker) -> impl Strategy<Value = Vec<Turn>> {
    let image = Media {
        kind: MediaKind::Image,
        source: Source::Base64("iVBORw0KGgo=".to_owned()),
        mime: Some("image/png".to_owned()),
        name: None,
        detail: None,
    };
    (text(), any::<bool>(), text(), text(), text()).prop_map(move |(asked, shows, answered, argument, result)| {
        let mut user = vec![said(asked)];
        if shows {
            user.push(Content::Media(image.clone()).into());
        }
        let arguments = serde_json::json!({ "a": argument }).to_string();
        let id = if maker == Maker::Openai { "rs_1:" } else { "" };
        let seal = Seal { maker, data: format!("{id}U{number}") };
        // A seal of Gemini's stands alone; the others have what was thought with it.
        let id = format!("call_{}", number + 1);
        let thought = if maker == Maker::Gemini { String::new() } else { "thought".to_owned() };
        let turn = |role, parts| Turn { role, name: None, parts };
        vec![
            turn(Role::User, user),
            turn(
                Role::Assistant,
                vec![
                    Content::Reasoning(Thought { text: thought, seal: Some(seal) }).into(),
                    said(answered),
                    Content::ToolCall { id: id.clone(), name: "f".to_owned(), arguments }.into(),
                ],
            ),
            turn(
                Role::User,
                vec![Content::ToolResult { id, name: None, parts: vec![said(result)], is_error: false }.into()],
            ),
        ]
    })
}

fn request(maker: Maker) -> impl Strategy<Value = Request> {
    let turns = (round(0, maker), round(1, maker)).prop_map(|(first, second)| [first, second].concat());
    (text(), turns, any::<bool>(), 0_usize..4, proptest::option::of(text())).prop_map(
        |(system, mut turns, stream, choice, schema)| {
            turns.insert(0, Turn { role: Role::System, name: None, parts: vec![said(system)] });
            let choices = [ToolChoice::Auto, ToolChoice::None, ToolChoice::Auto, ToolChoice::Auto];
            Request {
                model: "m".to_owned(),
                stream,
                stream_usage: true,
                turns,
                tools: vec![Tool {
                    name: "f".to_owned(),
                    description: Some("does".to_owned()),
                    schema: Some(r#"{"type":"object"}"#.to_owned()),
                    strict: None,
                    cache: None,
                }],
                tool_choice: choices.get(choice).cloned(),
                format: schema.map(|title| Format::Schema {
                    name: None,
                    description: None,
                    schema: serde_json::json!({ "title": title }).to_string(),
                    strict: None,
                }),
                reasoning: Some(Reasoning { effort: Some(Effort::Medium), ..Reasoning::default() }),
                sampling: Sampling { max_output_tokens: Some(20_000), ..Sampling::default() },
                ..Request::default()
            }
        },
    )
}

/// The maker whose seals an API carries as its own.
const fn maker(api: Api) -> Maker {
    match api {
        Api::OpenaiResponses => Maker::Openai,
        Api::Gemini => Maker::Gemini,
        _ => Maker::Anthropic,
    }
}

/// Neutral requests in a form in which only what was meant can differ.
fn normal(mut request: Request, api: Api) -> Request {
    // The model and streaming stand in Gemini's URL.
    request.model.clear();
    request.stream = false;
    request.stream_usage = true;
    // Efforts and budgets stand for each other.
    let effort = request.reasoning.and_then(|reasoning| reasoning.effort());
    request.reasoning = Some(Reasoning { effort, ..Reasoning::default() });
    if let Some(Format::Schema { name, strict, .. }) = &mut request.format {
        *name = None;
        *strict = None;
    }
    request.tools.iter_mut().for_each(|tool| tool.strict = None);
    if request.tool_choice == Some(ToolChoice::None) && api == Api::Ollama {
        request.tools.clear();
    }
    if api == Api::Ollama || request.tool_choice == Some(ToolChoice::Auto) {
        request.tool_choice = None;
    }
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match &mut part.content {
            Content::Media(media) => media.detail = None,
            Content::ToolResult { name, .. } => *name = None,
            _ => {}
        }
    }
    // Two APIs have no field for a maker's seals towards a provider: there they come back from clients only.
    if matches!(api, Api::OpenaiChat | Api::Ollama) {
        for turn in &mut request.turns {
            turn.parts.retain(|part| !matches!(part.content, Content::Reasoning(_)));
        }
    }
    // Neighbours of one role are one turn.
    let mut turns: Vec<Turn> = Vec::new();
    for turn in request.turns {
        match turns.last_mut() {
            Some(last) if last.role == turn.role => last.parts.extend(turn.parts),
            _ => turns.push(turn),
        }
    }
    turns.iter_mut().filter(|turn| turn.role == Role::User).for_each(|turn| {
        turn.parts.sort_by_key(|part| !matches!(part.content, Content::ToolResult { .. }));
    });
    request.turns = turns;
    request
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_request_keeps_its_meaning(
        requests in APIS.map(|api| request(maker(api)))
    ) {
        for (api, request) in APIS.into_iter().zip(requests) {
            let mut dropped = Dropped::default();
            let body = write_request(api, &request, &target(api), &mut dropped).unwrap();
            let body = String::from_utf8(body).unwrap();
            let again = read_request(api, &body, &mut dropped).unwrap();
            prop_assert_eq!(normal(again, api), normal(request, api), "{:?} {}", api, body);
        }
    }

    #[test]
    fn an_answer_keeps_its_meaning(words in text(), argument in text(), calls in any::<bool>()) {
        for api in APIS {
            let mut parts = vec![said(words.clone())];
            if calls {
                let arguments = serde_json::json!({ "a": argument }).to_string();
                let seal = Some(Seal { maker: Maker::Anthropic, data: "U0lH".to_owned() });
                parts.insert(0, Content::Reasoning(Thought { text: "why".to_owned(), seal }).into());
                parts.push(Content::ToolCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments }.into());
            }
            let reason = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
            let usage = crate::domain::Usage {
                input: Some(60),
                cache_read: (api != Api::Ollama).then_some(40),
                output: Some(50),
                ..crate::domain::Usage::default()
            };
            let reply = Reply {
                id: Some("msg_1".to_owned()),
                model: Some("m".to_owned()),
                choices: vec![Choice { parts: parts.clone(), finish: reason.into(), logprobs: None }],
                usage,
                service_tier: None,
            };
            let body = String::from_utf8(write_reply(api, &reply, &envelope(), &mut Dropped::default())).unwrap();
            let again = read_reply(api, &body, "n").unwrap();
            let choice = &again.choices[0];
            prop_assert_eq!(&choice.finish, &reason.into());
            prop_assert_eq!(&choice.parts, &parts, "{:?} {}", api, body);
            prop_assert_eq!(again.usage.input_tokens(), usage.input_tokens());
            prop_assert_eq!(again.usage.output_tokens(), usage.output_tokens());
        }
    }
}
