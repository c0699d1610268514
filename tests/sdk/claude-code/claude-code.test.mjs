// Claude Code, as it is published, on a provider that speaks OpenAI's Chat Completions: print mode, one turn that
// uses a tool. The provider is a server of this test's own, which answers by script and keeps what it was asked.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

const { GATEWAY_URL: url, VIRTUAL_KEY: key, PATH } = process.env;
const WORD = "heron-4711";

/** The program for this machine: no install script has put it where the package's own command is. */
function program() {
  const require = createRequire(import.meta.url);
  const name = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;
  return join(dirname(require.resolve(`${name}/package.json`)), "claude");
}

/** A provider that has the file read, then repeats what it read; `asked` keeps what came. */
async function provider(file) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify({ object: "list", data: [{ id: "some-model", object: "model" }] }));
    }
    const body = JSON.parse(text);
    asked.push({ path: request.url, body });
    response.setHeader("content-type", "text/event-stream");
    const chunk = (delta, finish = null) => {
      const choices = [{ index: 0, delta, finish_reason: finish }];
      const told = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "some-model", choices };
      response.write(`data: ${JSON.stringify(told)}\n\n`);
    };
    chunk({ role: "assistant", content: "" });
    const result = body.messages.findLast((message) => message.role === "tool");
    const reads = body.tools?.some((tool) => tool.function.name === "Read");
    if (reads && !result) {
      const call = { index: 0, id: "call_read_1", type: "function", function: { name: "Read", arguments: "" } };
      chunk({ tool_calls: [call] });
      const text = JSON.stringify({ file_path: file });
      for (const piece of [text.slice(0, 9), text.slice(9)]) {
        chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
      }
      chunk({}, "tool_calls");
    } else {
      const read = JSON.stringify(result?.content ?? "").match(/heron-\d+/)?.[0] ?? "nothing";
      for (const piece of ["The word ", "is ", `${read}.`]) chunk({ content: piece });
      chunk({}, "stop");
    }
    const usage = { prompt_tokens: 900, completion_tokens: 20, total_tokens: 920 };
    const last = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "some-model", choices: [], usage };
    response.end(`data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { asked, server, root: `http://127.0.0.1:${server.address().port}` };
}

/** Runs Claude Code with nothing of this process's own environment; its result as JSON. */
async function claude(directory, ...options) {
  const env = {
    PATH,
    HOME: directory,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: key,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: "scripted/some-model",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  };
  const child = spawn(program(), [...options, "--output-format", "json"], {
    cwd: directory,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  const code = await new Promise((ended) => child.on("close", ended));
  const line = out.split("\n").findLast((line) => line.startsWith("{") && line.includes('"result"'));
  assert.ok(code === 0 && line, `claude ended with ${code}: ${out}${err}`);
  return JSON.parse(line);
}

test("Claude Code uses a tool on a model behind Chat Completions", { timeout: 300_000 }, async () => {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "claude-code-")));
  const file = join(directory, "note.txt");
  await writeFile(file, `The secret word is ${WORD}.\n`);
  const { asked, server, root } = await provider(file);
  try {
    const made = await fetch(`${url}/v1/providers`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "scripted", provider_type: "local", endpoint: root, default_model: "some-model" }),
    });
    assert.equal(made.status, 201, await made.text());
    const result = await claude(directory, "-p", "Which word is in note.txt?", "--model", "scripted/some-model");
    assert.equal(result.is_error, false, JSON.stringify(result));
    assert.equal(result.result, `The word is ${WORD}.`);
    assert.equal(result.num_turns, 2);
    assert.deepEqual(result.permission_denials, []);
    const turns = asked.filter(({ body }) => body.tools?.some((tool) => tool.function.name === "Read"));
    assert.equal(turns.length, 2);
    assert.ok(asked.every(({ path }) => path === "/v1/chat/completions"));
    const [called, answered] = turns[1].body.messages.slice(-2);
    assert.equal(called.tool_calls[0].id, "call_read_1");
    assert.deepEqual(JSON.parse(called.tool_calls[0].function.arguments), { file_path: file });
    assert.ok(answered.role === "tool" && answered.tool_call_id === "call_read_1");
    assert.ok(JSON.stringify(answered.content).includes(WORD));
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
});
