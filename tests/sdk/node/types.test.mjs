// What the gateway tells providers is what their own clients' types allow: every request of the golden files becomes
// a typed value, and the TypeScript compiler judges them all.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const golden = join(here, "../../../src/dialect/translate/tests/golden");

const prelude = `
import type { ChatCompletionCreateParams } from "openai/resources/chat/completions";
import type { ResponseCreateParams } from "openai/resources/responses/responses";
import type { MessageCreateParams } from "@anthropic-ai/sdk/resources/messages";
import type * as genai from "@google/genai";
import type { ChatRequest, Message, ToolCall } from "ollama";

// Google's client has enums where the wire has their words.
type Plain<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

export type Told = {
  openai_chat: ChatCompletionCreateParams;
  openai_responses: ResponseCreateParams;
  // The types are those of the newest version of the API; the gateway asks by 2023-06-01, which has these too.
  anthropic: MessageCreateParams & { temperature?: number; top_p?: number; top_k?: number };
  gemini: Plain<{
    contents: genai.Content[];
    systemInstruction?: genai.Content;
    tools?: genai.Tool[];
    toolConfig?: genai.ToolConfig;
    safetySettings?: genai.SafetySetting[];
    generationConfig?: genai.GenerationConfig;
  }>;
  // Ollama's server knows ids of calls and whole schemas; the types of its client do not yet.
  ollama: Omit<ChatRequest, "messages" | "tools"> & {
    messages?: (Omit<Message, "tool_calls"> & { tool_call_id?: string; tool_calls?: (ToolCall & { id?: string })[] })[];
    tools?: { type: string; function: { name?: string; description?: string; parameters?: object } }[];
  };
};
`;

/** Every request in a golden file of requests: who is told, and what. */
function requests(file, text) {
  const body = text.slice(text.indexOf("\n---\n") + 5);
  if (file.startsWith("feature_")) {
    const lines = body.split("\n").filter((line) => line && !line.includes(": refused: "));
    return lines.map((line) => ({
      provider: line.match(/^\w+ to (\w+): /)[1],
      json: line.slice(line.indexOf("{")),
    }));
  }
  return body.split(/^=== /m).slice(1).map((section) => ({
    provider: section.match(/^\w+ to (\w+)/)[1],
    json: section.slice(section.indexOf("{")).trim(),
  }));
}

test("every translated request fits the types of the provider's own client", { timeout: 300_000 }, async () => {
  const files = (await readdir(golden)).filter((file) => /^(feature|request)_.*\.snap$/.test(file)).sort();
  const scratch = await mkdtemp(join(here, "node_modules", ".types-"));
  try {
    let count = 0;
    const code = [prelude];
    for (const file of files) {
      for (const { provider, json } of requests(file, await readFile(join(golden, file), "utf8"))) {
        JSON.parse(json);
        code.push(`export const _${count++}: Told["${provider}"] = ${json}; // ${file}`);
      }
    }
    assert.ok(count > 300, `${count} requests`);
    await writeFile(join(scratch, "told.ts"), code.join("\n"));
    const options = { noEmit: true, strict: true, skipLibCheck: true, module: "nodenext", target: "es2022", types: [] };
    await writeFile(join(scratch, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["told.ts"] }));
    const tsc = join(here, "node_modules/typescript/bin/tsc");
    const run = promisify(execFile)(process.execPath, [tsc, "-p", scratch, "--pretty", "false"], { maxBuffer: 1 << 26 });
    const judged = await run.then(() => "", ({ stdout, stderr }) => stdout + stderr);
    assert.equal(judged, "");
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
