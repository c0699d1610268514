"""Official clients on models of providers that speak another API: several turns, tools, streams."""

import json

import anthropic
import ollama
import openai
import pytest
from conftest import GATEWAY, KEY
from google import genai
from google.genai import types

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MODELS = ["openai/gpt-4o", "anthropic/claude-sonnet-4-20250514", "gemini/gemini-2.5-flash", "ollama/llama3.2"]
FOREIGN = {
    api: [model for model in MODELS if not model.startswith(api)] for api in ["openai", "anthropic", "gemini", "ollama"]
}


def headers(source):
    return {"x-source": source}


@pytest.mark.parametrize("model", FOREIGN["openai"])
def test_openai_chat(model, source, records):
    client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=KEY, default_headers=headers(source), max_retries=0)
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}]
    answer = client.chat.completions.create(model=model, messages=messages, tools=tools)
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    messages += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    with client.chat.completions.stream(
        model=model, messages=messages, tools=tools, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content and final.choices[0].finish_reason == "stop"
    second, first = records(2)
    assert first["outcome"] == second["outcome"] == "ok"
    assert second["output_tokens"] == final.usage.completion_tokens
    assert first["client_api"] == "openai_chat" and first["provider_api"] == model.split("/")[0]


@pytest.mark.parametrize("model", FOREIGN["openai"])
def test_openai_responses(model, source, records):
    client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=KEY, default_headers=headers(source), max_retries=0)
    tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA}]
    items = [{"role": "user", "content": "Weather in Oslo?"}]
    with client.responses.stream(model=model, input=items, tools=tools) as stream:
        final = stream.get_final_response()
    call = next(item for item in final.output if item.type == "function_call")
    items += [
        {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
        {"type": "function_call_output", "call_id": call.call_id, "output": "rain"},
    ]
    answer = client.responses.create(model=model, input=items, tools=tools)
    assert answer.output_text and answer.status == "completed"
    assert [record["outcome"] for record in records(2)] == ["ok", "ok"]


@pytest.mark.parametrize("model", FOREIGN["anthropic"])
def test_anthropic(model, source, records):
    client = anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, default_headers=headers(source), max_retries=0)
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    messages = [{"role": "user", "content": "Weather in Oslo?"}]
    with client.messages.stream(model=model, max_tokens=256, messages=messages, tools=tools) as stream:
        final = stream.get_final_message()
    call = next(block for block in final.content if block.type == "tool_use")
    assert final.stop_reason == "tool_use" and isinstance(call.input["city"], str)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    messages += [{"role": "assistant", "content": final.content}, {"role": "user", "content": [result]}]
    answer = client.messages.create(model=model, max_tokens=256, messages=messages, tools=tools)
    assert answer.content[0].text and answer.stop_reason in ("end_turn", "max_tokens")
    second, first = records(2)
    assert first["outcome"] == second["outcome"] == "ok"
    assert second["output_tokens"] == answer.usage.output_tokens


def test_anthropic_errors_are_its_own(source):
    client = anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, default_headers=headers(source), max_retries=0)
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    with pytest.raises(anthropic.BadRequestError) as error:
        client.messages.create(
            model="gemini/gemini-2.5-flash", max_tokens=9, messages=[{"role": "user", "content": [image]}]
        )
    assert error.value.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("model", FOREIGN["gemini"])
def test_gemini(model, source, records):
    client = genai.Client(
        api_key=KEY, http_options=types.HttpOptions(base_url=GATEWAY, headers=headers(source))
    )
    weather = {"name": "get_weather", "parameters_json_schema": SCHEMA}
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather])], system_instruction="Be brief."
    )
    asked = types.Content(role="user", parts=[types.Part(text="Weather in Oslo?")])
    answer = client.models.generate_content(model=model, contents=[asked], config=config)
    call = answer.function_calls[0]
    assert call.name == "get_weather" and isinstance(call.args["city"], str)
    result = types.Part.from_function_response(name=call.name, response={"output": "rain"})
    contents = [asked, answer.candidates[0].content, types.Content(role="user", parts=[result])]
    chunks = list(client.models.generate_content_stream(model=model, contents=contents, config=config))
    assert "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].candidates[0].finish_reason in (types.FinishReason.STOP, types.FinishReason.MAX_TOKENS)
    assert [record["outcome"] for record in records(2)] == ["ok", "ok"]


@pytest.mark.parametrize("model", FOREIGN["ollama"])
def test_ollama(model, source, records):
    client = ollama.Client(host=GATEWAY, headers={"authorization": f"Bearer {KEY}", **headers(source)})
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "Tells it.", "parameters": SCHEMA}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}]
    answer = client.chat(model=model, messages=messages, tools=tools)
    call = answer.message.tool_calls[0].function
    assert call.name == "get_weather" and isinstance(call.arguments["city"], str)
    messages += [answer.message, {"role": "tool", "tool_name": call.name, "content": "rain"}]
    chunks = list(client.chat(model=model, messages=messages, tools=tools, stream=True))
    assert "".join(chunk.message.content or "" for chunk in chunks)
    assert chunks[-1].done and chunks[-1].done_reason == "stop"
    second, first = records(2)
    assert first["outcome"] == second["outcome"] == "ok"
    assert second["output_tokens"] == chunks[-1].eval_count


@pytest.mark.parametrize("model", ["gemini/gemini-embedding-001", "ollama/nomic-embed-text"])
def test_openai_embeddings(model, source, records):
    """The client asks for base64 by itself, which these providers do not have."""
    client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=KEY, default_headers=headers(source), max_retries=0)
    answer = client.embeddings.create(model=model, input=["a", "b"])
    assert len(answer.data) == 2 and isinstance(answer.data[0].embedding[0], float)
    assert records(1)[0]["outcome"] == "ok"


@pytest.mark.parametrize("model", FOREIGN["anthropic"])
def test_anthropic_counts_tokens(model, source, records):
    client = anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, default_headers=headers(source), max_retries=0)
    messages = [{"role": "user", "content": "Weather in Oslo?"}]
    assert client.messages.count_tokens(model=model, messages=messages).input_tokens > 0
    assert records(1)[0]["endpoint"] == "count_tokens"
