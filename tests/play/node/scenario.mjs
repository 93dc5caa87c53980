// The official OpenAI client for Node, unchanged. Prints one JSON object of what it saw.
import { createRequire } from 'node:module';

const require = createRequire(process.env.NODE_ROOT + '/');
const OpenAI = require('openai').default;
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0, timeout: 10000 });
const messages = [{ role: 'user', content: 'hello node' }];
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];
const seen = {};

async function failure(work) {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code ?? null, error.headers?.get?.('retry-after') ?? null];
  }
}

const steps = {
  async chat() {
    const answer = await client.chat.completions.create({ model: 'fast', messages });
    return [answer.choices[0].message.content, answer.usage.total_tokens, Boolean(answer._request_id)];
  },
  async stream() {
    let text = '';
    let empty = 0;
    for await (const part of await client.chat.completions.create({ model: 'fast', messages, stream: true })) {
      if (part.choices.length === 0) empty += 1;
      text += part.choices[0]?.delta?.content ?? '';
    }
    return [text.trim(), empty];
  },
  async usage() {
    let usage = null;
    const options = { model: 'fast', messages, stream: true, stream_options: { include_usage: true } };
    for await (const part of await client.chat.completions.create(options)) usage = part.usage ?? usage;
    return usage.total_tokens;
  },
  async tools() {
    const runner = client.chat.completions.stream({ model: 'fast', messages, tools });
    const call = (await runner.finalChatCompletion()).choices[0].message.tool_calls[0];
    return [call.function.name, call.function.arguments];
  },
  async embeddings() {
    // The Node client asks for base64 and decodes it itself.
    const answer = await client.embeddings.create({ model: 'up/text-embedding-3-small', input: ['a', 'b'] });
    return answer.data.map((row) => Array.from(row.embedding));
  },
  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    return [names.includes('fast'), (await client.models.retrieve('fast')).id];
  },
  unauthorized: () => failure(() => client.withOptions({ apiKey: 'sk-wrong' }).chat.completions.create({ model: 'fast', messages })),
  unknown: () => failure(() => client.chat.completions.create({ model: 'no-such-model', messages })),
  limited: () => failure(() => client.chat.completions.create({ model: 'up/limited', messages })),
  refused: () => failure(() => client.chat.completions.create({ model: 'up/refuses', messages })),
  broken: () => failure(() => client.chat.completions.create({ model: 'up/broken', messages })),
  cut: () => failure(async () => {
    for await (const part of await client.chat.completions.create({ model: 'up/cut', messages, stream: true })) void part;
  }),
  async abort() {
    const stream = await client.chat.completions.create({ model: 'up/talk', messages, stream: true });
    for await (const part of stream) {
      void part;
      break;
    }
    return 'left';
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    seen[name] = await step();
  } catch (error) {
    seen[name] = `threw ${error}`;
  }
}
console.log(JSON.stringify(seen));
