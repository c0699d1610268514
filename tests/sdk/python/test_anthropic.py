"""The official anthropic client, changed in nothing but its base URL and headers."""

import anthropic
import pytest
from conftest import GATEWAY, KEY

MODEL = "claude-sonnet-4-20250514"
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(source):
    return anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, default_headers={"x-source": source}, max_retries=0)


def hello(**more):
    return {"model": MODEL, "max_tokens": 256, "messages": [{"role": "user", "content": "Hello from Python!"}], **more}


def test_messages(client, records):
    answer = client.messages.create(**hello())
    assert answer.content[0].text and answer.stop_reason == "end_turn"
    (record,) = records()
    assert record["client_api"] == "anthropic" and record["provider"] == "anthropic"
    assert record["output_tokens"] == answer.usage.output_tokens and record["cost_microcents"] > 0


def test_messages_stream(client, records):
    with client.messages.stream(**hello()) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text
    (record,) = records()
    assert record["stream"] and record["outcome"] == "ok" and record["ttft_ms"] > 0
    assert record["output_tokens"] == final.usage.output_tokens


def test_tools(client, records):
    answer = client.messages.create(**hello(tools=[TOOL], tool_choice={"type": "any"}))
    call = next(block for block in answer.content if block.type == "tool_use")
    assert call.name == "get_weather" and answer.stop_reason == "tool_use"
    assert records()[0]["finish_reason"] == "tool_use"


def test_tools_stream(client, records):
    with client.messages.stream(**hello(tools=[TOOL], tool_choice={"type": "any"})) as stream:
        final = stream.get_final_message()
    assert isinstance(next(block for block in final.content if block.type == "tool_use").input, dict)
    assert records()[0]["outcome"] == "ok"


def test_count_tokens(client, records):
    counted = client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hello"}])
    assert counted.input_tokens > 0
    (record,) = records()
    assert record["endpoint"] == "count_tokens" and record["cost_microcents"] == 0


def test_models(client):
    page = client.models.list()
    assert MODEL in [model.id for model in page] and page.data[0].type == "model"


def test_errors(source, records):
    stranger = anthropic.Anthropic(base_url=GATEWAY, api_key="nobody", default_headers={"x-source": source})
    with pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(**hello())
    assert records()[0]["error_kind"] == "authentication"
