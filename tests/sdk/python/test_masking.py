"""Reversible masking through the official clients: the provider sees no original, the client no placeholder.

The scripted provider says what it was asked, in pieces of a few characters, so that placeholders come
apart in streams and in the arguments of tools.
"""

import asyncio
import json
import os
import urllib.request

import anthropic
import openai
import pytest
from conftest import GATEWAY
from google import genai
from google.genai import types

KEY = os.environ["MASKING_KEY"]
CLAUDE = "claude-sonnet-4-20250514"
ECHO = {"x-demo-script": json.dumps({"echo_chars": 3})}
# Made up, of the right form.
SECRET = "sk-proj-9vQ2mX7Lr4TbY8nWc3Kd6ZpH1sJf5GaUe0RoPtDiBqMxVyNw"
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
FUNCTION = {"name": "send_mail", "description": "Sends a mail", "parameters": SCHEMA}


def told():
    """Every call that the provider saw."""
    with urllib.request.urlopen(os.environ["SEEN_URL"]) as answer:
        return json.load(answer)


class Talk:
    """What one test says, and what may be seen of it."""

    def __init__(self, source):
        self.mark = source.replace("[", "-").replace("]", "")
        self.email = f"{self.mark.replace('_', '-')}@harbor-mail.net"
        self.text = f'{self.mark}: "write" to {self.email} \\ \U0001f600 and again to {self.email}'
        self.messages = [{"role": "user", "content": self.text}]

    def check(self, *answers, calls=1):
        """Nothing of the original went out, in masked requests; no placeholder came in."""
        seen = [call for call in told() if f"{self.mark}:" in call["body"]]
        assert len(seen) == calls, seen
        for call in seen:
            assert call["body"].count("[EMAIL_") >= 2, "it was masked, not dropped"
            assert "harbor-mail.net" not in json.dumps(call)
        for answer in answers:
            assert "[EMAIL_" not in str(answer)
            assert self.email in str(answer)


@pytest.fixture
def talk(source):
    return Talk(source)


@pytest.fixture
def gpt():
    return openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, default_headers=ECHO, max_retries=0)


@pytest.fixture
def claude():
    return anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, default_headers=ECHO, max_retries=0)


@pytest.fixture
def gemini():
    headers = {"x-demo-script": json.dumps({"echo_chars": 1})}
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=GATEWAY, headers=headers))


def chat(talk, **more):
    return {"model": "gpt-4o", "messages": talk.messages, **more}


def test_openai_chat(gpt, talk):
    answer = gpt.chat.completions.create(**chat(talk))
    assert answer.choices[0].message.content == talk.text
    talk.check(answer)


def test_openai_chat_stream(gpt, talk):
    chunks = list(gpt.chat.completions.create(**chat(talk, stream=True)))
    assert len(chunks) > 5
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == talk.text
    talk.check(text)


def test_openai_tools_and_their_results(gpt, talk):
    tools = [{"type": "function", "function": FUNCTION}]
    asked = gpt.chat.completions.create(**chat(talk, tools=tools))
    call = asked.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"to": talk.text}
    # The client sends the original back with the call, and its tool's result has it once more.
    result = {"role": "tool", "tool_call_id": call.id, "content": f"sent to {talk.email}"}
    history = [*talk.messages, asked.choices[0].message.model_dump(exclude_none=True), result]
    thanks = f"{talk.email} has it, thanks"
    history.append({"role": "user", "content": thanks})
    done = gpt.chat.completions.create(model="gpt-4o", messages=history)
    assert done.choices[0].message.content == thanks
    talk.check(asked, done, calls=2)


def test_openai_tools_stream(gpt, talk):
    arguments = ""
    stream = gpt.chat.completions.create(**chat(talk, stream=True, tools=[{"type": "function", "function": FUNCTION}]))
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments += call.function.arguments or ""
    assert json.loads(arguments) == {"to": talk.text}
    talk.check(arguments)


def test_openai_responses(gpt, talk):
    instructions = f"Be kind to {talk.email}."
    answer = gpt.responses.create(model="gpt-4o", instructions=instructions, input=talk.text)
    assert answer.output_text == talk.text and answer.instructions == instructions
    talk.check(answer)


def test_openai_responses_stream(gpt, talk):
    with gpt.responses.stream(model="gpt-4o", input=talk.text) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 5 and "".join(deltas) == talk.text == final.output_text
    assert not any("[EMAIL_" in str(event) for event in events)
    talk.check(final)


def test_openai_responses_tools_stream(gpt, talk):
    tools = [{"type": "function", "strict": False, **FUNCTION}]
    with gpt.responses.stream(model="gpt-4o", input=talk.text, tools=tools) as stream:
        deltas = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        final = stream.get_final_response()
    assert json.loads("".join(deltas)) == json.loads(final.output[0].arguments) == {"to": talk.text}
    talk.check(final)


def hello(talk, **more):
    return {"model": CLAUDE, "max_tokens": 256, "messages": talk.messages, **more}


def tool_input(answer):
    return next(block for block in answer.content if block.type == "tool_use").input


TOOL = {"name": "send_mail", "description": "Sends a mail", "input_schema": SCHEMA}


def test_anthropic_messages(claude, talk):
    answer = claude.messages.create(**hello(talk, system=f"You write for {talk.email}."))
    assert answer.content[0].text == talk.text
    talk.check(answer)


def test_anthropic_messages_stream(claude, talk):
    with claude.messages.stream(**hello(talk)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == talk.text
    talk.check(final)


def test_anthropic_tools(claude, talk):
    answer = claude.messages.create(**hello(talk, tools=[TOOL]))
    assert tool_input(answer) == {"to": talk.text}
    talk.check(answer)


def test_anthropic_tools_stream(claude, talk):
    partial = ""
    with claude.messages.stream(**hello(talk, tools=[TOOL])) as stream:
        for event in stream:
            if event.type == "input_json":
                partial += event.partial_json
        final = stream.get_final_message()
    assert json.loads(partial) == tool_input(final) == {"to": talk.text}
    talk.check(final)


def test_gemini(gemini, talk):
    answer = gemini.models.generate_content(model="gemini-2.5-flash", contents=talk.text)
    assert answer.text == talk.text
    talk.check(answer.text)


def test_gemini_stream(gemini, talk):
    chunks = list(gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=talk.text))
    assert len(chunks) > 5
    text = "".join(chunk.text or "" for chunk in chunks)
    assert text == talk.text
    talk.check(text)


def test_gemini_tools_stream(gemini, talk):
    declared = types.FunctionDeclaration(name="send_mail", description="Sends a mail", parameters=SCHEMA)
    tools = [types.Tool(function_declarations=[declared])]
    config = types.GenerateContentConfig(tools=tools)
    stream = gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=talk.text, config=config)
    (call,) = [call for chunk in stream for call in chunk.function_calls or []]
    assert call.args == {"to": talk.text}
    talk.check(json.dumps(call.args))


def test_a_redacted_credential_stays_away(gpt, talk):
    talk.messages[0]["content"] += f" with {SECRET}"
    answer = gpt.chat.completions.create(**chat(talk))
    assert answer.choices[0].message.content == f"{talk.text} with [REDACTED|OPENAI_KEY]"
    talk.check(answer)
    assert SECRET not in json.dumps(told())


def test_a_key_without_masking_passes_all(talk):
    """The echo is one of what was sent: the checks above could fail."""
    plain = openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=os.environ["VIRTUAL_KEY"], default_headers=ECHO)
    assert plain.chat.completions.create(**chat(talk)).choices[0].message.content == talk.text
    assert any(f"{talk.mark}:" in call["body"] and talk.email in call["body"] for call in told())


def test_a_hundred_in_parallel_never_see_each_others(source):
    talks = [Talk(f"{source}-{number:03}") for number in range(100)]

    async def whole(client, talk):
        answer = await client.chat.completions.create(**chat(talk))
        return answer.choices[0].message.content

    async def streamed(client, talk):
        text = ""
        async for chunk in await client.chat.completions.create(**chat(talk, stream=True)):
            text += chunk.choices[0].delta.content or ""
        return text

    async def claude(client, talk):
        async with client.messages.stream(**hello(talk, tools=[TOOL])) as stream:
            return tool_input(await stream.get_final_message())["to"]

    async def everyone():
        gpt = openai.AsyncOpenAI(base_url=f"{GATEWAY}/v1", api_key=KEY, default_headers=ECHO, max_retries=0)
        other = anthropic.AsyncAnthropic(base_url=GATEWAY, api_key=KEY, default_headers=ECHO, max_retries=0)
        ways = [(whole, gpt), (streamed, gpt), (claude, other)]
        asks = [ways[number % 3][0](ways[number % 3][1], talk) for number, talk in enumerate(talks)]
        return await asyncio.gather(*asks)

    for talk, text in zip(talks, asyncio.run(everyone()), strict=True):
        assert text == talk.text, "its own words and no one else's"
    calls = [call for call in told() if f"{source}-" in call["body"]]
    assert len(calls) == 100 and not any("harbor-mail.net" in json.dumps(call) for call in calls)
