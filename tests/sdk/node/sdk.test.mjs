// The official Node clients, changed in nothing but their base URL and headers.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const { GATEWAY_URL: url, VIRTUAL_KEY: key } = process.env;

/** The one record of a source, once it is written. */
async function record(source) {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await fetch(`${url}/v1/records?source=${source}`);
    const { data } = await answer.json();
    if (data.length > 0) {
      assert.equal(data.length, 1);
      return data[0];
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`no record of ${source}`);
}

const openai = (source) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: key, defaultHeaders: { "x-source": source }, maxRetries: 0 });
const anthropic = (source) =>
  new Anthropic({ baseURL: url, apiKey: key, defaultHeaders: { "x-source": source }, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello from TypeScript!" }];
const claude = { model: "claude-sonnet-4-20250514", max_tokens: 256, messages };
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

test("openai: chat", async () => {
  const answer = await openai("node-chat").chat.completions.create({ model: "gpt-4o", messages });
  assert.ok(answer.choices[0].message.content);
  const kept = await record("node-chat");
  assert.equal(kept.output_tokens, answer.usage.completion_tokens);
});

test("openai: chat stream", async () => {
  const stream = await openai("node-stream").chat.completions.create({ model: "gpt-4o", stream: true, messages });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
  assert.ok(text);
  const kept = await record("node-stream");
  assert.equal(kept.outcome, "ok");
  assert.ok(kept.output_tokens > 0 && kept.ttft_ms > 0);
});

test("openai: tools", async () => {
  const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
  const answer = await openai("node-tools").chat.completions.create({
    model: "gpt-4o",
    messages,
    tools,
    tool_choice: "required",
  });
  assert.equal(answer.choices[0].message.tool_calls[0].function.name, "get_weather");
  assert.equal((await record("node-tools")).finish_reason, "tool_calls");
});

test("openai: responses, streamed", async () => {
  const stream = await openai("node-responses").responses.create({ model: "gpt-4o", input: "Hello!", stream: true });
  let last;
  for await (const event of stream) last = event;
  assert.equal(last.type, "response.completed");
  assert.equal((await record("node-responses")).output_tokens, last.response.usage.output_tokens);
});

test("openai: embeddings", async () => {
  const answer = await openai("node-embed").embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 0);
  assert.equal((await record("node-embed")).input_tokens, answer.usage.prompt_tokens);
});

test("openai: models", async () => {
  const ids = [];
  for await (const model of openai("node-models").models.list()) ids.push(model.id);
  assert.ok(ids.includes("gpt-4o"));
});

test("openai: an abandoned stream", async () => {
  const stream = await openai("node-gone").chat.completions.create({ model: "gpt-4o", stream: true, messages });
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
  const kept = await record("node-gone");
  assert.ok(["client_disconnected", "ok"].includes(kept.outcome));
  assert.ok(kept.cost_microcents > 0);
});

test("anthropic: messages", async () => {
  const answer = await anthropic("node-messages").messages.create(claude);
  assert.ok(answer.content[0].text);
  assert.equal((await record("node-messages")).output_tokens, answer.usage.output_tokens);
});

test("anthropic: messages stream with tools", async () => {
  const tools = [{ name: "get_weather", input_schema: parameters }];
  const stream = anthropic("node-claude").messages.stream({ ...claude, tools, tool_choice: { type: "any" } });
  const answer = await stream.finalMessage();
  assert.equal(answer.content.find((block) => block.type === "tool_use").name, "get_weather");
  assert.equal((await record("node-claude")).outcome, "ok");
});

test("anthropic: count_tokens and models", async () => {
  const client = anthropic("node-count");
  const counted = await client.messages.countTokens({ model: claude.model, messages });
  assert.ok(counted.input_tokens > 0);
  assert.equal((await record("node-count")).endpoint, "count_tokens");
  const page = await client.models.list();
  assert.ok(page.data.some((model) => model.id === claude.model));
});

test("google-genai: stream", async () => {
  const client = new GoogleGenAI({
    apiKey: key,
    httpOptions: { baseUrl: url, headers: { "x-source": "node-gemini" } },
  });
  const stream = await client.models.generateContentStream({ model: "gemini-2.5-flash", contents: "Hello!" });
  let text = "";
  for await (const chunk of stream) text += chunk.text ?? "";
  assert.ok(text);
  assert.equal((await record("node-gemini")).client_api, "gemini");
});

test("ollama: chat stream", async () => {
  const headers = { authorization: `Bearer ${key}`, "x-source": "node-ollama" };
  const client = new Ollama({ host: url, headers });
  const { models } = await client.list();
  let last;
  for await (const chunk of await client.chat({ model: models[0].name, messages, stream: true })) last = chunk;
  assert.ok(last.done);
  assert.equal((await record("node-ollama")).output_tokens, last.eval_count);
});
