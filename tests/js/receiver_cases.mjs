/**
 * Runs a receiver rule over the shared table of cases: `node receiver_cases.mjs <module> <cases>`.
 *
 * The module exports `judge(cursor, frame)`. Exit code 1 and one line for each case that comes out otherwise.
 */
import { readFile } from "node:fs/promises";

const [modulePath, casesPath] = process.argv.slice(2);
// Files ending in .js count as CommonJS for Node unless a package.json says otherwise, and none is shipped.
const source = await readFile(modulePath, "utf8");
const { judge } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const cases = JSON.parse(await readFile(casesPath, "utf8"));

function run({ cursor, frames }) {
  const outcomes = [];
  for (const frame of frames) {
    const outcome = judge(cursor, frame);
    outcomes.push(outcome);
    if (outcome === "apply") cursor = { epoch: frame.epoch, pos: frame.pos };
  }
  return { outcomes, end: cursor };
}

function asText({ outcomes, end }) {
  return `${outcomes.join(" ")}, then ${end === null ? "null" : `${end.epoch}:${end.pos}`}`;
}

const wrong = cases.filter((one) => asText(run(one)) !== asText(one));
for (const one of wrong) console.error(`${one.name}: expected ${asText(one)}; got ${asText(run(one))}`);
console.log(`${cases.length - wrong.length} of ${cases.length} cases pass`);
process.exitCode = wrong.length || !cases.length ? 1 : 0;
