"""The official google-genai client, changed in nothing but its base URL and headers."""

import pytest
from conftest import GATEWAY, KEY
from google import genai
from google.genai import types

MODEL = "gemini-2.5-flash"


@pytest.fixture
def client(source):
    options = types.HttpOptions(base_url=GATEWAY, headers={"x-source": source})
    return genai.Client(api_key=KEY, http_options=options)


def test_generate_content(client, records):
    answer = client.models.generate_content(model=MODEL, contents="Hello!")
    assert answer.text
    (record,) = records()
    assert record["client_api"] == "gemini" and record["provider"] == "gemini" and record["model_requested"] == MODEL
    assert record["input_tokens"] == answer.usage_metadata.prompt_token_count
    assert record["cost_microcents"] > 0


def test_generate_content_stream(client, records):
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello!"))
    assert "".join(chunk.text or "" for chunk in chunks)
    (record,) = records()
    assert record["stream"] and record["outcome"] == "ok" and record["ttft_ms"] > 0
    assert record["input_tokens"] == chunks[-1].usage_metadata.prompt_token_count


def test_count_tokens(client, records):
    assert client.models.count_tokens(model=MODEL, contents="Hello!").total_tokens > 0
    assert records()[0]["endpoint"] == "gemini_count_tokens"


def test_embed_content(client, records):
    answer = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"])
    assert len(answer.embeddings) == 2
    assert records()[0]["endpoint"] in ("embed_content", "batch_embed_contents")


def test_models(client):
    names = [model.name for model in client.models.list()]
    assert f"models/{MODEL}" in names


def test_a_pinned_model(client, records):
    assert client.models.generate_content(model=f"gemini/{MODEL}", contents="Hello!").text
    assert records()[0]["provider"] == "gemini"
