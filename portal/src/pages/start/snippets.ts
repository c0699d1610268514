/** What to write where. Each names the setting that the tool's own documentation names. */

interface Facts {
  origin: string
  key: string
  model: string
}

interface Snippet {
  name: string
  code: (facts: Facts) => string
}

export const SNIPPETS: readonly [Snippet, ...Snippet[]] = [
  {
    name: 'curl',
    code: ({ origin, key, model }) => `curl ${origin}/v1/chat/completions \\
  -H 'authorization: Bearer ${key}' \\
  -H 'content-type: application/json' \\
  -H 'x-project: first-steps' \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello!"}]}'`,
  },
  {
    name: 'Python (openai)',
    code: ({ origin, key, model }) => `from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello!"}],
    extra_headers={"x-project": "first-steps"},
)
print(answer.choices[0].message.content)`,
  },
  {
    name: 'Python (anthropic)',
    code: ({ origin, key, model }) => `import anthropic

client = anthropic.Anthropic(base_url="${origin}", api_key="${key}")
message = client.messages.create(
    model="${model}",
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello!"}],
)
print(message.content)`,
  },
  {
    name: 'TypeScript (openai)',
    code: ({ origin, key, model }) => `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: '${key}' })
const stream = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello!' }],
  stream: true,
})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')`,
  },
  {
    name: 'Google Gen AI (Python)',
    code: ({ origin, key, model }) => `from google import genai

client = genai.Client(api_key="${key}", http_options={"base_url": "${origin}"})
print(client.models.generate_content(model="${model}", contents="Hello!").text)`,
  },
  {
    name: 'LangChain',
    code: ({ origin, key, model }) => `from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="${model}", base_url="${origin}/v1", api_key="${key}")
print(model.invoke("Hello!").content)`,
  },
  {
    name: 'Vercel AI SDK',
    code: ({ origin, key, model }) => `import { createOpenAI } from '@ai-sdk/openai'
import { generateText } from 'ai'

const gateway = createOpenAI({ baseURL: '${origin}/v1', apiKey: '${key}' })
const { text } = await generateText({ model: gateway.chat('${model}'), prompt: 'Hello!' })`,
  },
  {
    name: 'Claude Code',
    code: ({ origin, key, model }) => `export ANTHROPIC_BASE_URL=${origin}
export ANTHROPIC_API_KEY=${key}
claude --model ${model}`,
  },
  {
    name: 'Codex',
    code: ({ origin, key, model }) => `# ~/.codex/config.toml
model = "${model}"
model_provider = "gateway"

[model_providers.gateway]
name = "llm-gateway"
base_url = "${origin}/v1"
env_key = "LLM_GATEWAY_KEY"

# and in the shell
export LLM_GATEWAY_KEY=${key}`,
  },
  {
    name: 'Continue',
    code: ({ origin, key, model }) => `# ~/.continue/config.yaml
models:
  - name: llm-gateway
    provider: openai
    model: ${model}
    apiBase: ${origin}/v1
    apiKey: ${key}`,
  },
  {
    name: 'Open WebUI',
    code: ({ origin, key }) => `export OPENAI_API_BASE_URL=${origin}/v1
export OPENAI_API_KEY=${key}
open-webui serve`,
  },
  {
    name: 'Ollama clients',
    code: ({ origin }) => `export OLLAMA_HOST=${origin}`,
  },
  {
    name: 'TypeScript (anthropic)',
    code: ({ origin, key, model }) => `import Anthropic from '@anthropic-ai/sdk'

const client = new Anthropic({ baseURL: '${origin}', apiKey: '${key}' })
const message = await client.messages.create({
  model: '${model}',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello!' }],
})
console.log(message.content)`,
  },
  {
    name: 'LangChain.js',
    code: ({ origin, key, model }) => `import { ChatOpenAI } from '@langchain/openai'

const model = new ChatOpenAI({ model: '${model}', apiKey: '${key}', configuration: { baseURL: '${origin}/v1' } })
console.log((await model.invoke('Hello!')).content)`,
  },
  {
    name: 'LlamaIndex',
    code: ({ origin, key, model }) => `from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(model="${model}", api_base="${origin}/v1", api_key="${key}", is_chat_model=True)
print(llm.complete("Hello!"))`,
  },
  {
    name: 'Go (openai)',
    code: ({ origin, key, model }) => `client := openai.NewClient(
	option.WithBaseURL("${origin}/v1"),
	option.WithAPIKey("${key}"),
)
answer, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
	Model:    "${model}",
	Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello!")},
})`,
  },
  {
    name: 'Gemini CLI',
    code: ({ origin, key, model }) => `export GOOGLE_GEMINI_BASE_URL=${origin}
export GEMINI_API_KEY=${key}
gemini --model ${model}`,
  },
  {
    name: 'OpenCode',
    code: ({ origin, key, model }) => `// opencode.json
{
  "provider": {
    "gateway": {
      "npm": "@ai-sdk/openai-compatible",
      "name": "llm-gateway",
      "options": { "baseURL": "${origin}/v1", "apiKey": "${key}" },
      "models": { "${model}": {} }
    }
  }
}`,
  },
  {
    name: 'Aider',
    code: ({ origin, key, model }) => `export OPENAI_API_BASE=${origin}/v1
export OPENAI_API_KEY=${key}
aider --model openai/${model}`,
  },
  {
    name: 'Cline, Roo Code, Cursor',
    code: ({ origin, key, model }) => `API provider:  OpenAI Compatible
Base URL:      ${origin}/v1
API key:       ${key}
Model ID:      ${model}`,
  },
]
