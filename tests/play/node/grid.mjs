// usage: node grid.mjs FILE MODEL...   every client of a file with every model; prints what it saw.
import { failure } from './common.mjs';

const [file, ...models] = process.argv.slice(2);
const clients = (await import(`./${file}.mjs`)).default;
const seen = [];

for (const [client, make] of Object.entries(clients)) {
  for (const model of models) {
    const { fail, ...steps } = make(model);
    for (const [step, run] of Object.entries(steps)) {
      let saw;
      try {
        saw = await run();
      } catch (error) {
        saw = `threw ${error.constructor.name}: ${error.message}`;
      }
      seen.push([client, model, step, saw]);
    }
    for (const kind of ['bad', 'limited', 'broken']) {
      seen.push([client, model, kind, await failure(() => fail(kind))]);
    }
  }
}
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
