"""The official openai client, changed in nothing but its base URL and headers."""

import base64

import openai
import pytest
from conftest import GATEWAY, KEY

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture
def client(source):
    return openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, default_headers={"x-source": source}, max_retries=0)


def hello(**more):
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello from Python!"}], **more}


def test_chat(client, records):
    answer = client.chat.completions.create(**hello())
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    (record,) = records()
    assert record["client_api"] == "openai_chat" and record["key_label"] == "Team Alpha"
    assert record["input_tokens"] == answer.usage.prompt_tokens
    assert record["output_tokens"] == answer.usage.completion_tokens
    assert record["cost_microcents"] > 0


def test_chat_stream(client, records):
    with client.chat.completions.create(**hello(stream=True)) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert all(chunk.choices for chunk in chunks), "the extra usage chunk was not asked for"
    (record,) = records()
    assert record["stream"] and record["outcome"] == "ok"
    assert record["output_tokens"] > 0 and record["ttft_ms"] > 0 and not record["usage_estimated"]


def test_chat_stream_with_usage(client, records):
    chunks = list(client.chat.completions.create(**hello(stream=True, stream_options={"include_usage": True})))
    usage = chunks[-1].usage
    assert chunks[-1].choices == [] and usage.total_tokens > 0
    (record,) = records()
    assert (record["input_tokens"], record["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_tools(client, records):
    answer = client.chat.completions.create(**hello(tools=TOOLS, tool_choice="required"))
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather" and answer.choices[0].finish_reason == "tool_calls"
    assert records()[0]["finish_reason"] == "tool_calls"


def test_tools_stream(client, records):
    name, arguments = "", ""
    for chunk in client.chat.completions.create(**hello(tools=TOOLS, tool_choice="required", stream=True)):
        for call in chunk.choices[0].delta.tool_calls or []:
            name += call.function.name or ""
            arguments += call.function.arguments or ""
    assert name == "get_weather" and arguments.startswith("{")
    assert records()[0]["output_tokens"] > 0


def test_responses(client, records):
    answer = client.responses.create(model="gpt-4o", input="Hello!")
    assert answer.output_text
    (record,) = records()
    assert record["client_api"] == "openai_responses"
    assert (record["input_tokens"], record["output_tokens"]) == (answer.usage.input_tokens, answer.usage.output_tokens)


def test_responses_stream(client, records):
    with client.responses.stream(model="gpt-4o", input="Hello!") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert records()[0]["output_tokens"] == final.usage.output_tokens


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client, encoding, records):
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], encoding_format=encoding)
    assert len(answer.data) == 2
    first = answer.data[0].embedding
    assert len(base64.b64decode(first) if isinstance(first, str) else first) > 0
    (record,) = records()
    assert record["endpoint"] == "embeddings" and record["input_tokens"] == answer.usage.prompt_tokens


def test_models(client):
    models = {model.id: model for model in client.models.list()}
    assert "gpt-4o" in models and models["gpt-4o"].object == "model"
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_errors(source, records):
    stranger = openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key="nobody", default_headers={"x-source": source})
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.chat.completions.create(**hello())
    assert refused.value.code == "authentication"
    (record,) = records()
    assert record["outcome"] == "refused" and record["error_kind"] == "authentication" and record["attempts"] == 0
