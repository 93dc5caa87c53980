// What the Node clients share: the tools and questions of harness/scenarios.py.
import { createRequire } from 'node:module';

export const require = createRequire(process.env.NODE_ROOT + '/');
export const { ROOT, KEY } = process.env;
export const SAY = 'say grüß "dich" \\ \u{1F600}';
export const LIMIT = 4096;
const RESULTS = { Köln: 'rain "heavy"', 'Europe/Berlin': '12:00', Oslo: 'snow' };
export const TOOLS = {
  weather: {
    description: 'The weather of a city',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, units: { type: 'array', items: { type: 'string' } } },
      required: ['city'],
    },
  },
  clock: { description: 'The time of a zone', parameters: { type: 'object', properties: { zone: { type: 'string' } } } },
};
export const toolList = (shape) => Object.entries(TOOLS).map(([name, tool]) => shape(name, tool));
export const runTool = (input) => RESULTS[input.city ?? input.zone] ?? `no result for ${JSON.stringify(input)}`;

// The loop of an application: ASK answers {text, calls, turn}; RESULTS_OF makes the turn of results.
export async function loop(history, ask, resultsOf) {
  for (let turn = 0; turn < 5; turn += 1) {
    const answer = await ask(history);
    if (answer.calls.length === 0) return answer.text;
    const results = answer.calls.map((call) => ({ ...call, output: runTool(call.input) }));
    history.push(...answer.turn, ...resultsOf(results));
  }
  return 'the loop does not end';
}

// Leaves a stream after its first part.
export async function leave(stream) {
  for await (const part of stream) {
    void part;
    return 'left';
  }
  return 'empty';
}

export async function failure(work) {
  try {
    return ['no error', await work()];
  } catch (error) {
    return [error.constructor.name, error.status ?? error.statusCode ?? error.response?.status ?? null];
  }
}
