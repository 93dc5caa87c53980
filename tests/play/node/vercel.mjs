// The AI SDK of Vercel with its providers for OpenAI (both APIs), Anthropic and Google.
import { KEY, ROOT, SAY, TOOLS, leave, require, runTool } from './common.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;
const { generateText, jsonSchema, stepCountIs, streamText, tool } = require('ai');
const { createOpenAI } = require('@ai-sdk/openai');
const { createAnthropic } = require('@ai-sdk/anthropic');
const { createGoogleGenerativeAI } = require('@ai-sdk/google');
const openai = createOpenAI({ baseURL: `${ROOT}/v1`, apiKey: KEY });
const anthropic = createAnthropic({ baseURL: `${ROOT}/v1`, apiKey: KEY });
const google = createGoogleGenerativeAI({ baseURL: `${ROOT}/v1beta`, apiKey: KEY });
const tools = Object.fromEntries(Object.entries(TOOLS).map(([name, { description, parameters }]) => [name, tool({
  description, strict: false, inputSchema: jsonSchema(parameters), execute: async (input) => runTool(input) })]));

const steps = (of) => (name) => {
  const model = of(name);
  const common = { model, maxRetries: 0, onError: () => {} };
  return {
    chat: async () => (await generateText({ ...common, prompt: SAY })).text,
    stream: async () => streamText({ ...common, prompt: SAY }).text,
    tools: async () => streamText({ ...common, prompt: 'tools', tools, stopWhen: stepCountIs(5) }).text,
    async abort() {
      const ending = new AbortController();
      const left = await leave(streamText({ ...common, prompt: 'forever', abortSignal: ending.signal }).textStream);
      ending.abort();
      return left;
    },
    fail: (kind) => generateText({ ...common, prompt: `fail ${kind}` }),
  };
};

export default {
  'ai, openai chat': steps((name) => openai.chat(name)),
  'ai, openai responses': steps((name) => openai.responses(name)),
  'ai, anthropic': steps((name) => anthropic(name)),
  'ai, google': steps((name) => google(name)),
};
