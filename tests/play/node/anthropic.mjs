// Anthropic's official client.
import { KEY, LIMIT, ROOT, SAY, leave, loop, require, toolList } from './common.mjs';

const Anthropic = require('@anthropic-ai/sdk').default;
const client = new Anthropic({ baseURL: ROOT, apiKey: KEY, maxRetries: 0, timeout: 10000 });
const user = (content) => [{ role: 'user', content }];
const tools = toolList((name, tool) => ({ name, description: tool.description, input_schema: tool.parameters }));
const textOf = (answer) => answer.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

const messages = (model) => {
  const create = (text, more) => client.messages.create({ model, max_tokens: LIMIT, messages: user(text), ...more });
  return {
    chat: async () => textOf(await create(SAY)),
    stream: async () => textOf(await client.messages.stream({ model, max_tokens: LIMIT, messages: user(SAY) }).finalMessage()),
    tools: () => loop(user('tools think'), async (history) => {
      const thinking = { type: 'enabled', budget_tokens: 2048 };
      const running = client.messages.stream({ model, max_tokens: LIMIT, messages: history, tools, thinking });
      const answer = await running.finalMessage();
      const calls = answer.content.filter((block) => block.type === 'tool_use').map(({ id, input }) => ({ id, input }));
      return { text: textOf(answer), calls, turn: [{ role: 'assistant', content: answer.content }] };
    }, (rows) => [{ role: 'user', content: rows.map(
      (row) => ({ type: 'tool_result', tool_use_id: row.id, content: row.output })) }]),
    abort: async () => leave(await create('forever', { stream: true })),
    fail: (kind) => create(`fail ${kind}`),
  };
};

export default { '@anthropic-ai/sdk': messages };
