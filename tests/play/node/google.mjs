// Google's official client.
import { KEY, ROOT, SAY, leave, loop, require, toolList } from './common.mjs';

const { GoogleGenAI } = require('@google/genai');
const ai = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: ROOT, apiVersion: 'v1beta' } });
const user = (text) => [{ role: 'user', parts: [{ text }] }];
const functionDeclarations = toolList((name, tool) => (
  { name, description: tool.description, parametersJsonSchema: tool.parameters }));

const generate = (model) => {
  const create = (text) => ai.models.generateContent({ model, contents: user(text) });
  const stream = (text) => ai.models.generateContentStream({ model, contents: user(text) });
  return {
    chat: async () => (await create(SAY)).text,
    async stream() {
      let text = '';
      for await (const part of await stream(SAY)) text += part.text ?? '';
      return text;
    },
    tools: () => loop(user('tools'), async (contents) => {
      const parts = [];
      const config = { tools: [{ functionDeclarations }] };
      for await (const chunk of await ai.models.generateContentStream({ model, contents, config })) {
        parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
      }
      const calls = parts.filter((part) => part.functionCall)
        .map(({ functionCall: { id, name, args } }) => ({ id, name, input: args }));
      const turn = parts.filter((part) => part.text || part.functionCall);
      return { text: parts.map((part) => part.text ?? '').join(''), calls, turn: [{ role: 'model', parts: turn }] };
    }, (rows) => [{ role: 'user', parts: rows.map(({ id, name, output }) => (
      { functionResponse: { id, name, response: { result: output } } })) }]),
    abort: async () => leave(await stream('forever')),
    fail: (kind) => create(`fail ${kind}`),
  };
};

export default { '@google/genai': generate };
