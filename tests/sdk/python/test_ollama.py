"""The official ollama client, changed in nothing but its host and headers."""

import ollama
import pytest
from conftest import GATEWAY, KEY


@pytest.fixture
def client(source):
    return ollama.Client(host=GATEWAY, headers={"x-source": source, "Authorization": f"Bearer {KEY}"})


@pytest.fixture
def model(client):
    return client.list().models[0].model


def hello(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **more}


def test_chat(client, model, records):
    answer = client.chat(**hello(model))
    assert answer.message.content and answer.done
    (record,) = records()
    assert record["client_api"] == "ollama" and not record["stream"]
    assert (record["input_tokens"], record["output_tokens"]) == (answer.prompt_eval_count, answer.eval_count)


def test_chat_stream(client, model, records):
    chunks = list(client.chat(**hello(model, stream=True)))
    assert chunks[-1].done and "".join(chunk.message.content or "" for chunk in chunks)
    (record,) = records()
    assert record["stream"] and record["output_tokens"] == chunks[-1].eval_count and record["ttft_ms"] > 0


def test_generate(client, model, records):
    assert client.generate(model=model, prompt="Hello!").response
    assert records()[0]["endpoint"] == "ollama_generate"


def test_embed(client, model, records):
    assert len(client.embed(model=model, input=["one", "two"]).embeddings) == 2
    assert records()[0]["endpoint"] == "ollama_embed"
