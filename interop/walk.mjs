// Walks through every operation of the API with AWS's JavaScript SDK, as walk.json tells (walk.py describes that file). Lists are also
// read by pages of one. Needs the same environment.
//
// DEADLINE_PREFIX=resolve leaves the host prefixes on and makes the prefixed names resolve; otherwise they are switched off.
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import http from "node:http";
import * as sdk from "@aws-sdk/client-deadline";
import { NodeHttpHandler } from "@smithy/node-http-handler";

class NotBuilt extends Error {}
class Missing extends Error {}

function options() {
  const endpoint = new URL(process.env.AWS_ENDPOINT_URL);
  if (process.env.DEADLINE_PREFIX !== "resolve") return { endpoint: endpoint.href, disableHostPrefix: true };
  const address = endpoint.hostname;
  endpoint.hostname = "deadline.test";
  const lookup = (host, _options, found) =>
    /^(management|scheduling)\.deadline\.test$/.test(host)
      ? found(null, [{ address, family: 4 }])
      : found(new Error(`${host} is not one of the names with a prefix`));
  return { endpoint: endpoint.href, requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent({ lookup }) }) };
}

function clientFor(credentials) {
  return new sdk.DeadlineClient({ ...options(), ...(credentials ? { credentials } : {}) });
}

function filled(value, known) {
  if (Array.isArray(value)) return value.map((each) => filled(each, known));
  if (value !== null && typeof value === "object") {
    if ("@time" in value) return new Date(Math.floor(Date.now() / 1000 + value["@time"]) * 1000);
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [filled(name, known), filled(each, known)]));
  }
  if (typeof value !== "string") return value;
  const named = (name) => {
    if (!(name in known)) throw new Missing(name);
    return known[name];
  };
  if (/^\$\w+$/.test(value)) return named(value.slice(1));
  return value.replace(/\$\{(\w+)\}/g, (_, name) => named(name));
}

function member(answer, path) {
  return path.split(".").reduce((value, name) => {
    if (name === "@key") return Object.keys(value ?? {})[0];
    if (name === "@value") return Object.values(value ?? {})[0];
    return value?.[name];
  }, answer);
}

function differences(step, answer, known) {
  const found = [];
  for (const [path, want] of Object.entries({ ...step.is, ...step.until })) {
    const got = member(answer, path);
    if (!isDeepStrictEqual(got, filled(want, known))) found.push(`${path} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
  for (const [path, want] of Object.entries(step.has ?? {})) {
    const [listed, inner] = path.split(".*.");
    if (!answer[listed].some((each) => member(each, inner) === filled(want, known))) found.push(`no ${path} is ${filled(want, known)}`);
  }
  return found;
}

async function call(client, step, parameters) {
  try {
    const { $metadata, ...answer } = await client.send(new sdk[`${step.do}Command`](parameters));
    return answer;
  } catch (error) {
    if (error.reason === "UNKNOWN_OPERATION") throw new NotBuilt(step.do);
    if (error.name === step.error) return undefined;
    throw error;
  }
}

async function checkPages(client, step, parameters, answer) {
  const paginate = sdk[`paginate${step.do}`];
  if (paginate === undefined || !step.do.startsWith("List") || answer.nextToken) return;
  const key = Object.keys(answer).find((name) => Array.isArray(answer[name]));
  const found = [];
  for await (const page of paginate({ client, pageSize: 1 }, parameters)) found.push(...page[key]);
  if (!isDeepStrictEqual(found, answer[key])) throw new Error(`pages of one of ${step.do} give something else than the whole`);
}

async function take(step, known) {
  const parameters = filled(step.with, known);
  const client = clientFor(step.as ? filled(`$${step.as}`, known) : undefined);
  if (step.wait) return sdk[`waitUntil${step.do}`]({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 60 }, parameters);
  let answer, wrong;
  for (let times = 0; times < 60; times++) {
    answer = await call(client, step, parameters);
    if (answer === undefined) return;
    if (step.error) throw new Error(`${step.do} answered, want ${step.error}`);
    wrong = differences(step, answer, known);
    if (wrong.length === 0 || !step.until) break;
    await pause(500);
  }
  if (wrong.length > 0) throw new Error(`${step.do}: ${wrong.join("; ")}`);
  await checkPages(client, step, parameters, answer);
  for (const [name, path] of Object.entries(step.get ?? {})) known[name] = member(answer, path);
}

const steps = JSON.parse(await readFile(new URL("walk.json", import.meta.url)));
const known = { bucket: process.env.BUCKET, principal: process.env.PRINCIPAL, identityStore: process.env.IDENTITY_STORE };
const taken = new Set(), unbuilt = new Set(), newer = new Set(), unreached = new Set();
for (const step of steps) {
  if (unbuilt.has(step.needs) || newer.has(step.needs)) continue;
  if (!step.wait && !sdk[`${step.do}Command`]) {
    newer.add(step.do); // than this SDK
    continue;
  }
  try {
    await take(step, known);
    taken.add(step.do);
  } catch (error) {
    if (error instanceof NotBuilt) unbuilt.add(step.do);
    else if (error instanceof Missing) unreached.add(step.do);
    else throw new Error(`FAILED: ${step.do}: ${error.message}`, { cause: error });
  }
}
console.log(`operations and waiters taken: ${taken.size}`);
console.log(`not built: ${unbuilt.size}: ${[...unbuilt].join(" ")}`);
console.log(`not reached: ${[...unreached].filter((name) => !taken.has(name)).join(" ")}`);
console.log(`newer than the SDK: ${[...newer].join(" ")}`);
