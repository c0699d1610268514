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

/// How tokens are drawn, what may be called, labels.
fn settings() -> impl Strategy<Value = Request> {
    use proptest::option::of;
    let number = |most: u64| of(1..most);
    let half = || of((0_u8..=2).prop_map(|halves| f64::from(halves) * 0.5));
    let words = || proptest::collection::vec("[a-z]{1,8}", 0..3);
    let drawn = (half(), half(), number(99), of(-9_i64..9), words(), half(), half(), of(2_u64..4), number(9));
    let choice = of((0_usize..4).prop_map(|choice| {
        [ToolChoice::Auto, ToolChoice::None, ToolChoice::Required, ToolChoice::Function("f".to_owned())][choice].clone()
    }));
    let labels = (of("[a-z]{1,8}"), of("[a-z]{1,8}"), of(Just("flex".to_owned())), of(Just("low".to_owned())));
    (drawn, choice, of(any::<bool>()), labels).prop_map(|(drawn, tool_choice, parallel_tool_calls, labels)| {
        let (temperature, top_p, top_k, seed, stop, frequency_penalty, presence_penalty, n, top_logprobs) = drawn;
        let (user, label, service_tier, verbosity) = labels;
        Request {
            turns: vec![Turn { role: Role::User, name: None, parts: vec![said("go".to_owned())] }],
            tools: vec![Tool {
                name: "f".to_owned(),
                description: Some("does".to_owned()),
                schema: Some(r#"{"type":"object"}"#.to_owned()),
                strict: None,
                cache: None,
            }],
            tool_choice,
            parallel_tool_calls,
            sampling: Sampling {
                max_output_tokens: Some(20_000),
                temperature,
                top_p,
                top_k,
                seed,
                stop,
                frequency_penalty,
                presence_penalty,
                n,
                logprobs: top_logprobs.map(|_| true),
                top_logprobs,
            },
            user,
            metadata: label.map(|label| ("k".to_owned(), label)).into_iter().collect(),
            service_tier,
            verbosity,
            ..Request::default()
        }
    })
}

/// The same without what the API has no place for.
fn as_far_as(api: Api, mut request: Request) -> Request {
    let is_openai = matches!(api, Api::OpenaiChat | Api::OpenaiResponses);
    let sampling = &mut request.sampling;
    let mut lacks = |is_lacking: bool, clear: fn(&mut Sampling)| {
        if is_lacking {
            clear(sampling);
        }
    };
    lacks(is_openai, |sampling| sampling.top_k = None);
    lacks(matches!(api, Api::OpenaiResponses | Api::Anthropic), |sampling| {
        (sampling.seed, sampling.frequency_penalty, sampling.presence_penalty) = (None, None, None);
    });
    lacks(api == Api::OpenaiResponses, |sampling| sampling.stop.clear());
    lacks(!matches!(api, Api::OpenaiChat | Api::Gemini), |sampling| sampling.n = None);
    lacks(!is_openai, |sampling| (sampling.logprobs, sampling.top_logprobs) = (None, None));
    // One of both, and 1 goes without saying.
    lacks(api == Api::Anthropic, |sampling| sampling.top_p = None);
    if !is_openai {
        (request.service_tier, request.verbosity) = (None, None);
        request.metadata.clear();
        request.user.take_if(|_| api != Api::Anthropic);
    }
    if matches!(api, Api::Gemini | Api::Ollama) {
        request.parallel_tool_calls = None;
    }
    if api == Api::Anthropic && matches!(request.tool_choice, None | Some(ToolChoice::None)) {
        // It is said of a choice.
        request.parallel_tool_calls = None;
    }
    if api == Api::Anthropic {
        request.parallel_tool_calls = request.parallel_tool_calls.filter(|several| !several);
    }
    if api == Api::Ollama {
        request.tool_choice = None;
    }
    request
}

/// Media that an API has a place for.
fn media(api: Api) -> Vec<Media> {
    let of = |kind, mime: &str, data: &str, name: Option<&str>| Media {
        kind,
        source: Source::Base64(data.to_owned()),
        mime: Some(mime.to_owned()),
        name: name.map(str::to_owned),
        detail: None,
    };
    let image = of(MediaKind::Image, "image/png", "iVBORw0KGgo=", None);
    let sound = of(MediaKind::Audio, "audio/wav", "UklGRg==", None);
    let file = of(MediaKind::File, "application/pdf", "JVBERi0=", Some("a.pdf"));
    let by_url = Media { source: Source::Url("https://example.com/a.png".to_owned()), mime: None, ..image.clone() };
    match api {
        Api::OpenaiChat => vec![image, by_url, sound, file],
        Api::OpenaiResponses | Api::Anthropic => vec![image, by_url, file],
        Api::Gemini => vec![image, sound, Media { name: None, ..file }],
        _ => vec![image],
    }
}

#[test]
fn media_and_failures_come_back() {
    for api in APIS {
        let turn = |role, parts| Turn { role, name: None, parts };
        let shown: Vec<Part> = media(api).into_iter().map(|media| Content::Media(media).into()).collect();
        let fails = matches!(api, Api::Anthropic | Api::Gemini);
        let call = Content::ToolCall { id: "call_1".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
        let result = Content::ToolResult {
            id: "call_1".to_owned(),
            name: None,
            parts: vec![said("no such file".to_owned())],
            is_error: fails,
        };
        let request = Request {
            model: "m".to_owned(),
            turns: vec![
                turn(Role::User, shown),
                turn(Role::Assistant, vec![call.into()]),
                turn(Role::User, vec![result.into()]),
            ],
            sampling: Sampling { max_output_tokens: Some(20_000), ..Sampling::default() },
            ..Request::default()
        };
        let mut dropped = Dropped::default();
        let body = write_request(api, &request, &target(api), &mut dropped).unwrap();
        let body = String::from_utf8(body).unwrap();
        let mut again = read_request(api, &body, &mut dropped).unwrap();
        assert!(dropped.is_empty(), "{api:?}: {dropped}");
        // Definitions of tools that were called are filled in where an API demands them.
        (again.tools, again.tool_choice) = (Vec::new(), None);
        assert_eq!(normal(again, api), normal(request, api), "{api:?} {body}");
    }
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

    /// Whoever speaks twice, or first, or says nothing.
    #[test]
    fn roles_alternate_where_they_must(said in proptest::collection::vec((0_usize..4, "[ a]{0,2}"), 0..8)) {
        let roles = [Role::User, Role::Assistant, Role::System, Role::Developer];
        let turns = said.into_iter().filter_map(|(role, text)| {
            Some(Turn { role: *roles.get(role)?, name: None, parts: vec![self::said(text)] })
        });
        let request = Request { model: "m".to_owned(), turns: turns.collect(), ..Request::default() };
        for (api, list, model) in [(Api::Anthropic, "messages", "assistant"), (Api::Gemini, "contents", "model")] {
            let body = write_request(api, &request, &target(api), &mut Dropped::default()).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let roles: Vec<_> = body[list].as_array().unwrap().iter().map(|turn| turn["role"].clone()).collect();
            prop_assert!(!roles.is_empty(), "{body}");
            for (place, role) in roles.iter().enumerate() {
                prop_assert_eq!(role, if place % 2 == 0 { "user" } else { model }, "{}", body);
            }
        }
    }

    #[test]
    fn settings_keep_their_meaning(settings in settings()) {
        for api in APIS {
            let asked = as_far_as(api, settings.clone());
            let mut dropped = Dropped::default();
            let body = String::from_utf8(write_request(api, &asked, &target(api), &mut dropped).unwrap()).unwrap();
            let again = read_request(api, &body, &mut dropped).unwrap();
            prop_assert!(dropped.is_empty(), "{:?} {} {}", api, dropped, body);
            prop_assert_eq!(&again.sampling, &asked.sampling, "{:?} {}", api, body);
            prop_assert_eq!(again.parallel_tool_calls, asked.parallel_tool_calls, "{:?} {}", api, body);
            prop_assert_eq!(&again.metadata, &asked.metadata);
            let labels = |request: &Request| {
                (request.user.clone(), request.service_tier.clone(), request.verbosity.clone())
            };
            prop_assert_eq!(labels(&again), labels(&asked), "{:?} {}", api, body);
            prop_assert_eq!(normal(again, api), normal(asked, api), "{:?} {}", api, body);
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
