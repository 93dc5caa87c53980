// The official OpenAI client: chat completions and responses.
import { KEY, LIMIT, ROOT, SAY, leave, loop, require, toolList } from './common.mjs';

const OpenAI = require('openai').default;
const client = new OpenAI({ baseURL: `${ROOT}/v1`, apiKey: KEY, maxRetries: 0, timeout: 10000 });
const user = (content) => [{ role: 'user', content }];
const chatTools = toolList((name, tool) => ({ type: 'function', function: { name, ...tool } }));
const tools = toolList((name, tool) => ({ type: 'function', name, strict: false, ...tool }));

const chat = (model) => {
  const create = (text, more) => client.chat.completions.create({ model, messages: user(text), ...more });
  return {
    chat: async () => (await create(SAY)).choices[0].message.content,
    async stream() {
      let text = '';
      for await (const part of await create(SAY, { stream: true })) text += part.choices[0]?.delta?.content ?? '';
      return text;
    },
    tools: () => loop(user('tools'), async (messages) => {
      const running = client.chat.completions.stream({ model, messages, tools: chatTools });
      const { message } = (await running.finalChatCompletion()).choices[0];
      const calls = (message.tool_calls ?? []).map((call) => ({ id: call.id, input: JSON.parse(call.function.arguments) }));
      const turn = { role: 'assistant', content: message.content, tool_calls: (message.tool_calls ?? []).map(
        ({ id, type, function: { name, arguments: input }, extra_content }) => (
          { id, type, function: { name, arguments: input }, ...(extra_content && { extra_content }) })) };
      return { text: message.content, calls, turn: [turn] };
    }, (rows) => rows.map((row) => ({ role: 'tool', tool_call_id: row.id, content: row.output }))),
    abort: async () => leave(await create('forever', { stream: true })),
    fail: (kind) => create(`fail ${kind}`),
  };
};

const responses = (model) => {
  const create = (input, more) => client.responses.create({ model, input, store: false, max_output_tokens: LIMIT, ...more });
  return {
    chat: async () => (await create(SAY)).output_text,
    async stream() {
      let text = '';
      for await (const event of await create(SAY, { stream: true })) {
        if (event.type === 'response.output_text.delta') text += event.delta;
      }
      return text;
    },
    tools: () => loop(user('tools'), async (input) => {
      const answer = await client.responses.stream({ model, input, tools, store: false }).finalResponse();
      const calls = answer.output.filter((item) => item.type === 'function_call')
        .map((item) => ({ id: item.call_id, input: JSON.parse(item.arguments) }));
      const turn = answer.output.map(({ parsed_arguments, ...item }) => item);
      return { text: answer.output_text, calls, turn };
    }, (rows) => rows.map((row) => ({ type: 'function_call_output', call_id: row.id, output: row.output }))),
    abort: async () => leave(await create('forever', { stream: true })),
    fail: (kind) => create(`fail ${kind}`),
  };
};

export default { 'openai chat': chat, 'openai responses': responses };
