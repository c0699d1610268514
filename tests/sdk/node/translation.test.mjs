// The official clients on models behind every provider dialect: a conversation of two streamed turns with a tool.
// What the client reads is what the provider said: text, arguments, ids, the reason to stop, usage.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const { GATEWAY_URL: url, VIRTUAL_KEY: key, SEEN_URL: seenUrl } = process.env;
const QUESTION = "Which weather has Oslo?";
const RESULT = "rain, 7 degrees";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const about = "Tells the weather of a city.";

/** Each provider dialect by a model of it, and the path at which it is asked. */
const MODELS = {
  openai: ["openai/gpt-4o", "/chat/completions"],
  anthropic: ["anthropic/claude-sonnet-4-20250514", "/v1/messages"],
  gemini: ["gemini/gemini-2.5-flash", ":streamGenerateContent"],
  ollama: ["ollama/llama3.2", "/api/chat"],
};

/** What a provider is told of the call and its result, in each dialect. */
const told = {
  responses: ({ input }) => {
    const [call, { call_id: resultId, output: result }] = input.slice(-2);
    return { id: call.call_id, resultId, name: call.name, args: JSON.parse(call.arguments), result };
  },
  openai: ({ messages }) => {
    const [{ tool_calls: calls }, result] = messages.slice(-2);
    const [{ id, function: call }] = calls;
    return { id, resultId: result.tool_call_id, name: call.name, args: JSON.parse(call.arguments), result: result.content };
  },
  anthropic: ({ messages }) => {
    const [{ content: said }, { content: results }] = messages.slice(-2);
    const { id, name, input: args } = said.find((block) => block.type === "tool_use");
    const [{ tool_use_id: resultId, content: result }] = results;
    return { id, resultId, name, args, result: typeof result === "string" ? result : result[0].text };
  },
  gemini: ({ contents }) => {
    const [{ parts: said }, { parts: results }] = contents.slice(-2);
    const { name, args } = said.find((part) => part.functionCall).functionCall;
    return { name, args, result: Object.values(results[0].functionResponse.response)[0] };
  },
  ollama: ({ messages }) => {
    const [{ tool_calls: calls }, { content: result }] = messages.slice(-2);
    const { name, arguments: args } = calls[0].function;
    return { name, args, result };
  },
};

/** Each client: a conversation that asks, takes the call, and after the result takes the text. */
const CLIENTS = {
  "openai chat": (headers, model) => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, defaultHeaders: headers, maxRetries: 0 });
    const tools = [{ type: "function", function: { name: "weather", description: about, parameters: schema } }];
    const messages = [{ role: "user", content: QUESTION }];
    return async (result) => {
      if (result) messages.push({ role: "tool", tool_call_id: result.id, content: RESULT });
      const options = { model, messages, tools, stream: true, stream_options: { include_usage: true } };
      const completion = await client.chat.completions.stream(options).finalChatCompletion();
      const [{ message, finish_reason: stop }] = completion.choices;
      messages.push(message);
      const call = message.tool_calls?.[0];
      return {
        text: message.content,
        call: call && { id: call.id, name: call.function.name, args: JSON.parse(call.function.arguments) },
        stop: { tool_calls: "call", stop: "end" }[stop],
        output: completion.usage.completion_tokens,
      };
    };
  },
  "openai responses": (headers, model) => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, defaultHeaders: headers, maxRetries: 0 });
    const tools = [{ type: "function", name: "weather", description: about, parameters: schema, strict: false }];
    const input = [{ role: "user", content: QUESTION }];
    return async (result) => {
      if (result) input.push({ type: "function_call_output", call_id: result.id, output: RESULT });
      const response = await client.responses.stream({ model, input, tools }).finalResponse();
      input.push(...response.output);
      const call = response.output.find((item) => item.type === "function_call");
      return {
        text: response.output_text,
        call: call && { id: call.call_id, name: call.name, args: JSON.parse(call.arguments) },
        stop: response.status === "completed" && (call ? "call" : "end"),
        output: response.usage.output_tokens,
      };
    };
  },
  anthropic: (headers, model) => {
    const client = new Anthropic({ baseURL: url, apiKey: key, defaultHeaders: headers, maxRetries: 0 });
    const tools = [{ name: "weather", description: about, input_schema: schema }];
    const messages = [{ role: "user", content: QUESTION }];
    return async (result) => {
      if (result) {
        messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: result.id, content: RESULT }] });
      }
      const message = await client.messages.stream({ model, max_tokens: 512, messages, tools }).finalMessage();
      messages.push({ role: "assistant", content: message.content });
      const call = message.content.find((block) => block.type === "tool_use");
      return {
        text: message.content.find((block) => block.type === "text")?.text,
        call: call && { id: call.id, name: call.name, args: call.input },
        stop: { tool_use: "call", end_turn: "end" }[message.stop_reason],
        output: message.usage.output_tokens,
      };
    };
  },
  "google-genai": (headers, model) => {
    const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, headers } });
    const tools = [{ functionDeclarations: [{ name: "weather", description: about, parametersJsonSchema: schema }] }];
    const contents = [{ role: "user", parts: [{ text: QUESTION }] }];
    return async (result) => {
      if (result) {
        const { id, name } = result;
        contents.push({ role: "user", parts: [{ functionResponse: { id, name, response: { output: RESULT } } }] });
      }
      const parts = [];
      let last;
      for await (const chunk of await client.models.generateContentStream({ model, contents, config: { tools } })) {
        parts.push(...(chunk.candidates?.[0].content?.parts ?? []));
        last = chunk;
      }
      contents.push({ role: "model", parts });
      const call = parts.find((part) => part.functionCall)?.functionCall;
      return {
        text: parts.map((part) => part.text ?? "").join(""),
        call,
        stop: last.candidates[0].finishReason === "STOP" && (call ? "call" : "end"),
        output: last.usageMetadata.candidatesTokenCount + (last.usageMetadata.thoughtsTokenCount ?? 0),
      };
    };
  },
  ollama: (headers, model) => {
    const client = new Ollama({ host: url, headers: { authorization: `Bearer ${key}`, ...headers } });
    const tools = [{ type: "function", function: { name: "weather", description: about, parameters: schema } }];
    const messages = [{ role: "user", content: QUESTION }];
    return async (result) => {
      if (result) messages.push({ role: "tool", tool_name: "weather", content: RESULT });
      const message = { role: "assistant", content: "", tool_calls: [] };
      let last;
      for await (const chunk of await client.chat({ model, messages, tools, stream: true })) {
        message.content += chunk.message.content;
        message.tool_calls.push(...(chunk.message.tool_calls ?? []));
        last = chunk;
      }
      messages.push(message);
      const call = message.tool_calls[0]?.function;
      return {
        text: message.content,
        call: call && { name: call.name, args: call.arguments },
        stop: last.done_reason === "stop" && (call ? "call" : "end"),
        output: last.eval_count,
      };
    };
  },
};

/** The records of a source, oldest first, once there are two. */
async function records(source) {
  for (let tries = 0; tries < 500; tries++) {
    const { data } = await (await fetch(`${url}/v1/records?source=${encodeURIComponent(source)}`)).json();
    if (data.length >= 2) return data.reverse();
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`no two records of ${source}`);
}

for (const [name, open] of Object.entries(CLIENTS)) {
  for (const [provider, [model, path]] of Object.entries(MODELS)) {
    test(`${name} on ${provider}: two streamed turns with a tool`, async () => {
      const source = `node-translation-${name.replace(" ", "-")}-${provider}`;
      const turn = open({ "x-source": source }, model);
      const first = await turn();
      assert.equal(first.call.name, "weather");
      assert.equal(typeof first.call.args.city, "string");
      assert.equal(first.stop, "call");
      const second = await turn(first.call);
      assert.ok(second.text && !second.call, JSON.stringify(second));
      assert.equal(second.stop, "end");
      // Usage: the provider's own figures, as the gateway recorded them.
      const kept = await records(source);
      assert.deepEqual(kept.map((record) => record.output_tokens), [first.output, second.output]);
      assert.ok(kept.every((record) => record.outcome === "ok" && record.provider === provider));
      // What came back to the provider is what it had said, under the id that it had given.
      const calls = await (await fetch(seenUrl)).json();
      // OpenAI itself speaks two of these APIs, and is asked in the client's.
      const isSame = name === "openai responses" && provider === "openai";
      const end = isSame ? "/responses" : path;
      const back = calls.filter((call) => call.body.includes(RESULT) && call.path.endsWith(end)).at(-1);
      const seen = told[isSame ? "responses" : provider](JSON.parse(back.body));
      assert.equal(seen.name, "weather");
      assert.deepEqual(seen.args, first.call.args);
      assert.ok(seen.result.includes(RESULT));
      assert.equal(seen.id, seen.resultId);
      if (seen.id && first.call.id) assert.ok(first.call.id.startsWith(seen.id), `${first.call.id} ${seen.id}`);
    });
  }
}
