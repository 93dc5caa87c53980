// LangChain's chat models for OpenAI, Anthropic and Google.
import { KEY, LIMIT, ROOT, SAY, leave, loop, require, toolList } from './common.mjs';

// Google's older client, which this one uses, leaves a rejection that nobody can catch when a stream is aborted.
process.on('unhandledRejection', () => {});
const { HumanMessage, ToolMessage } = require('@langchain/core/messages');
const { ChatOpenAI } = require('@langchain/openai');
const { ChatAnthropic } = require('@langchain/anthropic');
const { ChatGoogleGenerativeAI } = require('@langchain/google-genai');
const tools = toolList((name, tool) => ({ type: 'function', function: { name, ...tool } }));

const steps = (of) => (name) => {
  const model = of(name);
  return {
    chat: async () => (await model.invoke(SAY)).text,
    async stream() {
      let text = '';
      for await (const part of await model.stream(SAY)) text += part.text;
      return text;
    },
    tools: () => loop([new HumanMessage('tools')], async (history) => {
      const answer = await model.bindTools(tools).invoke(history);
      const calls = (answer.tool_calls ?? []).map((call) => ({ id: call.id, name: call.name, input: call.args }));
      return { text: answer.text, calls, turn: [answer] };
    }, (rows) => rows.map((row) => new ToolMessage({ tool_call_id: row.id, name: row.name, content: row.output }))),
    async abort() {
      const ending = new AbortController();
      const left = await leave(await model.stream('forever', { signal: ending.signal }));
      ending.abort();
      return left;
    },
    fail: (kind) => model.invoke(`fail ${kind}`),
  };
};

export default {
  'langchain, openai': steps((model) => new ChatOpenAI({
    model, apiKey: KEY, maxRetries: 0, configuration: { baseURL: `${ROOT}/v1` } })),
  'langchain, anthropic': steps((model) => new ChatAnthropic({
    model, apiKey: KEY, maxRetries: 0, maxTokens: LIMIT, anthropicApiUrl: ROOT })),
  'langchain, google': steps((model) => new ChatGoogleGenerativeAI({
    model, apiKey: KEY, maxRetries: 0, baseUrl: ROOT, apiVersion: 'v1beta' })),
};
