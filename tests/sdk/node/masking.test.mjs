// Reversible masking through the official Node clients: the provider sees no original, the client no
// placeholder. The scripted provider says what it was asked, in pieces of three characters.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { GATEWAY_URL: url, MASKING_KEY: apiKey, SEEN_URL: seenUrl } = process.env;

const defaultHeaders = { "x-demo-script": JSON.stringify({ echo_chars: 3 }) };
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey, defaultHeaders, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey, defaultHeaders, maxRetries: 0 });
const parameters = { type: "object", properties: { to: { type: "string" } }, required: ["to"] };

/** What one test says. */
function talk(mark) {
  const email = `${mark}@harbor-mail.net`;
  const text = `${mark}: "write" to ${email} \\ \u{1f600} and again to ${email}`;
  return { mark, email, text, messages: [{ role: "user", content: text }] };
}

/** The provider saw this talk once, masked; what the client got has the original and no placeholder. */
async function check({ mark, email }, answer) {
  const calls = await (await fetch(seenUrl)).json();
  const seen = calls.filter((call) => call.body.includes(`${mark}:`));
  assert.equal(seen.length, 1);
  assert.ok(seen[0].body.split("[EMAIL_").length >= 3, "it was masked, not dropped");
  assert.ok(!JSON.stringify(seen).includes("harbor-mail.net"));
  const got = JSON.stringify(answer);
  assert.ok(got.includes(email) && !got.includes("[EMAIL_"), got);
}

async function streamed({ messages }) {
  let text = "";
  const stream = await openai.chat.completions.create({ model: "gpt-4o", messages, stream: true });
  for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
  return text;
}

async function toolInput({ messages }) {
  const tools = [{ name: "send_mail", input_schema: parameters }];
  const request = { model: "claude-sonnet-4-20250514", max_tokens: 256, messages, tools };
  const answer = await anthropic.messages.stream(request).finalMessage();
  return answer.content.find((block) => block.type === "tool_use").input;
}

test("masking: openai chat", async () => {
  const own = talk("node-mask-chat");
  const answer = await openai.chat.completions.create({ model: "gpt-4o", messages: own.messages });
  assert.equal(answer.choices[0].message.content, own.text);
  await check(own, answer);
});

test("masking: openai chat stream", async () => {
  const own = talk("node-mask-stream");
  const text = await streamed(own);
  assert.equal(text, own.text);
  await check(own, text);
});

test("masking: openai tools, streamed", async () => {
  const own = talk("node-mask-tools");
  const tools = [{ type: "function", function: { name: "send_mail", parameters } }];
  const request = { model: "gpt-4o", messages: own.messages, tools, stream: true };
  let text = "";
  for await (const chunk of await openai.chat.completions.create(request)) {
    text += chunk.choices[0].delta.tool_calls?.[0].function.arguments ?? "";
  }
  assert.deepEqual(JSON.parse(text), { to: own.text });
  await check(own, text);
});

test("masking: openai responses, streamed", async () => {
  const own = talk("node-mask-responses");
  const events = [];
  for await (const event of await openai.responses.create({ model: "gpt-4o", input: own.text, stream: true })) {
    events.push(event);
  }
  const deltas = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  assert.equal(deltas.join(""), own.text);
  await check(own, events);
});

test("masking: anthropic messages", async () => {
  const own = talk("node-mask-messages");
  const request = { model: "claude-sonnet-4-20250514", max_tokens: 256, messages: own.messages };
  const answer = await anthropic.messages.create(request);
  assert.equal(answer.content[0].text, own.text);
  await check(own, answer);
});

test("masking: anthropic tools, streamed", async () => {
  const own = talk("node-mask-claude");
  const input = await toolInput(own);
  assert.deepEqual(input, { to: own.text });
  await check(own, input);
});

test("masking: a hundred in parallel never see each other's", async () => {
  const talks = Array.from({ length: 100 }, (_, number) => talk(`node-crowd-${String(number).padStart(3, "0")}`));
  const heard = await Promise.all(
    talks.map(async (own, number) => (number % 2 ? streamed(own) : (await toolInput(own)).to)),
  );
  talks.forEach((own, number) => assert.equal(heard[number], own.text));
  const calls = (await (await fetch(seenUrl)).json()).filter((call) => call.body.includes("node-crowd-"));
  assert.equal(calls.length, 100);
  assert.ok(!JSON.stringify(calls).includes("harbor-mail.net"));
});
