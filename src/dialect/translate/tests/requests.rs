//! Requests.

use super::*;

const PIXEL: &str = "iVBORw0KGgo=";

/// One conversation with everything that agents use, as each client says it.
fn agent(client: Api) -> String {
    let schema = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    match client {
        Api::OpenaiChat => format!(
            r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":true}},
            "messages":[{{"role":"developer","content":"Be brief."}},
            {{"role":"user","name":"ann","content":[{{"type":"text","text":"What is this, and the weather?"}},
              {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{PIXEL}","detail":"low"}}}}]}},
            {{"role":"assistant","content":"Let me look.","reasoning_content":"I need both.","tool_calls":[
              {{"id":"call_1","type":"function","function":{{"name":"weather","arguments":"{{\"city\":\"Oslo\"}}"}}}},
              {{"id":"call_2","type":"function","function":{{"name":"weather","arguments":"{{\"city\":\"Rome\"}}"}}}}]}},
            {{"role":"tool","tool_call_id":"call_2","content":"{{\"c\":20}}"}},
            {{"role":"tool","tool_call_id":"call_1","content":"rain"}}],
            "tools":[{{"type":"function","function":{{"name":"weather","description":"Tells the weather.","parameters":{schema},"strict":true}}}}],
            "tool_choice":"auto","parallel_tool_calls":false,"max_completion_tokens":9000,"temperature":1.5,"top_p":0.9,
            "stop":["END"],"seed":7,"frequency_penalty":0.5,"reasoning_effort":"low","user":"u1","metadata":{{"k":"v"}},
            "service_tier":"flex","verbosity":"low","logit_bias":{{"5":1}},"store":false,
            "response_format":{{"type":"json_schema","json_schema":{{"name":"out","schema":{schema},"strict":true}}}}}}"#
        ),
        Api::OpenaiResponses => format!(
            r#"{{"model":"m","stream":true,"instructions":"Be brief.","input":[
            {{"role":"user","content":[{{"type":"input_text","text":"What is this, and the weather?"}},
              {{"type":"input_image","image_url":"data:image/png;base64,{PIXEL}","detail":"low"}}]}},
            {{"type":"reasoning","id":"rs_1","summary":[{{"type":"summary_text","text":"I need both."}}],"encrypted_content":"gw1.a.SIGNED"}},
            {{"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{{"type":"output_text","text":"Let me look.","annotations":[]}}]}},
            {{"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":"{{\"city\":\"Oslo\"}}","status":"completed"}},
            {{"type":"function_call","id":"fc_2","call_id":"call_2","name":"weather","arguments":"{{\"city\":\"Rome\"}}","status":"completed"}},
            {{"type":"function_call_output","call_id":"call_1","output":"rain"}},
            {{"type":"function_call_output","call_id":"call_2","output":[{{"type":"input_text","text":"20"}}]}}],
            "tools":[{{"type":"function","name":"weather","description":"Tells the weather.","parameters":{schema},"strict":false}}],
            "tool_choice":"auto","parallel_tool_calls":true,"max_output_tokens":9000,"temperature":0.5,"top_p":0.9,
            "reasoning":{{"effort":"low","summary":"auto"}},"include":["reasoning.encrypted_content"],"store":false,
            "text":{{"format":{{"type":"json_schema","name":"out","schema":{schema},"strict":true}},"verbosity":"low"}},
            "prompt_cache_key":"k","truncation":"auto"}}"#
        ),
        Api::Anthropic => format!(
            r#"{{"model":"m","stream":true,"max_tokens":9000,
            "system":[{{"type":"text","text":"Be brief.","cache_control":{{"type":"ephemeral","ttl":"1h"}}}}],
            "messages":[{{"role":"user","content":[{{"type":"text","text":"What is this, and the weather?"}},
              {{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PIXEL}"}}}}]}},
            {{"role":"assistant","content":[{{"type":"thinking","thinking":"I need both.","signature":"gw1.g.SIGNED"}},
              {{"type":"text","text":"Let me look."}},
              {{"type":"tool_use","id":"toolu_1","name":"weather","input":{{"city":"Oslo"}}}},
              {{"type":"tool_use","id":"toolu_2","name":"weather","input":{{"city":"Rome"}}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":"no such city","is_error":true}},
              {{"type":"tool_result","tool_use_id":"toolu_2","content":[{{"type":"text","text":"20"}},
                {{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PIXEL}"}}}}],"cache_control":{{"type":"ephemeral"}}}},
              {{"type":"text","text":"Go on."}}]}}],
            "tools":[{{"name":"weather","description":"Tells the weather.","input_schema":{schema},"cache_control":{{"type":"ephemeral"}}}}],
            "tool_choice":{{"type":"auto","disable_parallel_tool_use":true}},"top_k":40,"stop_sequences":["END"],
            "thinking":{{"type":"enabled","budget_tokens":4000}},"metadata":{{"user_id":"u1"}},"context_management":{{}}}}"#
        ),
        Api::Gemini => format!(
            r#"{{"systemInstruction":{{"parts":[{{"text":"Be brief."}}]}},"contents":[
            {{"role":"user","parts":[{{"text":"What is this, and the weather?"}},{{"inlineData":{{"mimeType":"image/png","data":"{PIXEL}"}}}}]}},
            {{"role":"model","parts":[{{"text":"I need both.","thought":true}},{{"text":"Let me look."}},
              {{"functionCall":{{"name":"weather","args":{{"city":"Oslo"}}}},"thoughtSignature":"Z3cxLmEuU0lHTkVE"}},
              {{"functionCall":{{"name":"weather","args":{{"city":"Rome"}}}}}}]}},
            {{"role":"user","parts":[{{"functionResponse":{{"name":"weather","response":{{"output":"rain"}}}}}},
              {{"functionResponse":{{"name":"weather","response":{{"c":20}}}}}}]}}],
            "tools":[{{"functionDeclarations":[{{"name":"weather","description":"Tells the weather.","parameters":{{"type":"OBJECT","properties":{{"city":{{"type":"STRING"}}}},"required":["city"]}}}}]}}],
            "toolConfig":{{"functionCallingConfig":{{"mode":"AUTO"}}}},"safetySettings":[],
            "generationConfig":{{"maxOutputTokens":9000,"temperature":0.5,"topK":40,"topP":0.9,"seed":7,"stopSequences":["END"],
              "responseMimeType":"application/json","responseSchema":{{"type":"OBJECT"}},"thinkingConfig":{{"thinkingBudget":2048,"includeThoughts":true}}}}}}"#
        ),
        _ => format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"Be brief."}},
            {{"role":"user","content":"What is this, and the weather?","images":["{PIXEL}"]}},
            {{"role":"assistant","content":"Let me look.","thinking":"I need both.","tool_calls":[
              {{"function":{{"name":"weather","arguments":{{"city":"Oslo"}}}}}},{{"function":{{"name":"weather","arguments":{{"city":"Rome"}}}}}}]}},
            {{"role":"tool","tool_name":"weather","content":"rain"}},{{"role":"tool","tool_name":"weather","content":"20"}}],
            "tools":[{{"type":"function","function":{{"name":"weather","description":"Tells the weather.","parameters":{schema}}}}}],
            "format":{schema},"think":true,"keep_alive":"5m",
            "options":{{"num_predict":9000,"temperature":0.5,"top_k":40,"seed":7,"stop":["END"],"num_ctx":8192}}}}"#
        ),
    }
}

#[test]
fn an_agents_conversation_goes_from_every_client_to_every_provider() {
    for client in APIS {
        let mut text = String::new();
        for provider in APIS {
            let mut dropped = Dropped::default();
            let request = read_request(client, &agent(client), &mut dropped).unwrap();
            let body = write_request(provider, &request, &target(client), &mut dropped).unwrap();
            text +=
                &format!("=== {} to {}\ndropped: {dropped}\n{}\n", client.as_str(), provider.as_str(), pretty(&body));
        }
        golden(&format!("request_{}", client.as_str()), &text);
    }
}

/// One odd case: a request, the provider, and what must come of it.
#[test]
fn what_would_change_the_meaning_is_refused_and_named() {
    let user = r#""messages":[{"role":"user","content":"hi"}]"#;
    let tool = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    let image = r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]"#;
    let audio = r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]"#;
    let file = r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]"#;
    let rows = [
        (format!(r#"{{{user},"n":2}}"#), Api::Anthropic, "n"),
        (format!(r#"{{{user},"n":2}}"#), Api::OpenaiResponses, "n"),
        (format!(r#"{{{user},"n":2}}"#), Api::Ollama, "n"),
        (format!(r#"{{{user},{tool},"tool_choice":"required"}}"#), Api::Ollama, "tool_choice"),
        (format!("{{{image}}}"), Api::Gemini, "messages[].content[].image_url"),
        (format!("{{{image}}}"), Api::Ollama, "messages[].content[].image_url"),
        (format!("{{{audio}}}"), Api::Anthropic, "messages[].content[].input_audio"),
        (format!("{{{audio}}}"), Api::OpenaiResponses, "messages[].content[].input_audio"),
        (format!("{{{file}}}"), Api::Anthropic, "messages[].content[].file"),
        (format!("{{{file}}}"), Api::Gemini, "messages[].content[].file"),
    ];
    for (body, provider, path) in rows {
        let request = read_request(Api::OpenaiChat, &body, &mut Dropped::default()).unwrap();
        let unfit = write_request(provider, &request, &target(Api::OpenaiChat), &mut Dropped::default()).unwrap_err();
        assert_eq!((unfit.path.as_str(), unfit.target), (path, provider.as_str()));
    }
    // What the target can carry passes.
    for (body, provider) in [
        (format!(r#"{{{user},"n":2}}"#), Api::Gemini),
        (format!("{{{image}}}"), Api::Anthropic),
        (format!("{{{image}}}"), Api::OpenaiResponses),
        (format!("{{{audio}}}"), Api::Gemini),
        (format!(r#"{{{user},{tool},"tool_choice":"required"}}"#), Api::Anthropic),
    ] {
        let request = read_request(Api::OpenaiChat, &body, &mut Dropped::default()).unwrap();
        write_request(provider, &request, &target(Api::OpenaiChat), &mut Dropped::default()).unwrap();
    }
}

#[test]
fn what_lies_with_a_provider_or_is_its_own_is_refused_by_name() {
    let rows = [
        (Api::OpenaiChat, r#"{"messages":[],"functions":[]}"#, "functions"),
        (Api::OpenaiChat, r#"{"messages":[],"tools":[{"type":"custom","custom":{}}]}"#, "custom"),
        (Api::OpenaiChat, r#"{"messages":[],"modalities":["text","audio"]}"#, "audio"),
        (Api::OpenaiResponses, r#"{"input":"hi","previous_response_id":"resp_1"}"#, "previous_response_id"),
        (Api::OpenaiResponses, r#"{"input":"hi","background":true}"#, "background"),
        (Api::OpenaiResponses, r#"{"input":"hi","tools":[{"type":"web_search"}]}"#, "web_search"),
        (Api::OpenaiResponses, r#"{"input":[{"type":"item_reference","id":"x"}]}"#, "item_reference"),
        (
            Api::Anthropic,
            r#"{"messages":[],"tools":[{"type":"web_search_20250305","name":"s"}]}"#,
            "web_search_20250305",
        ),
        (Api::Gemini, r#"{"contents":[],"tools":[{"googleSearch":{}}]}"#, "googleSearch"),
        (Api::Gemini, r#"{"contents":[],"generationConfig":{"responseModalities":["IMAGE"]}}"#, "IMAGE"),
    ];
    for (client, body, word) in rows {
        let error = read_request(client, body, &mut Dropped::default()).unwrap_err();
        assert!(error.to_string().contains(word), "{client:?}: {error}");
    }
}

#[test]
fn errors_say_where_and_never_what() {
    let body =
        r#"{"messages":[{"role":"user","content":"ok"},{"role":"user","content":[{"type":"text","text":5551234}]}]}"#;
    let error = read_request(Api::OpenaiChat, body, &mut Dropped::default()).unwrap_err().to_string();
    assert_eq!(error, "messages[1]: content[0]: `text` must be a string");
}

#[test]
fn unknown_fields_are_named_once_and_bounded() {
    let many: String = (0..200).map(|n| format!(r#","x{n}":1"#)).collect();
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":"a","odd":1}},{{"role":"user","content":"b","odd":2}}]{many}}}"#
    );
    let mut dropped = Dropped::default();
    read_request(Api::OpenaiChat, &body, &mut dropped).unwrap();
    assert_eq!(dropped.paths().iter().filter(|path| *path == "messages[].odd").count(), 1);
    assert_eq!(dropped.paths().len(), 40);
    assert!(dropped.to_string().ends_with(",+161"), "{dropped}");
    let mut dropped = Dropped::default();
    read_request(Api::OpenaiChat, "{\"messages\":[],\"a,b\\r\\nx: y\u{fc}\":1}", &mut dropped).unwrap();
    assert_eq!(dropped.to_string(), "abx:y");
}
