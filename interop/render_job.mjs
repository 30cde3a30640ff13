// AWS's JavaScript SDK runs a job with environments and a failing task on a farm that it makes itself, and pages through
// what its sessions did. Needs the environment of `farmhand env` and farmhand on the PATH. Prints one line per thing that holds.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import {
  CreateFarmCommand,
  CreateFleetCommand,
  CreateJobCommand,
  CreateQueueCommand,
  CreateQueueFleetAssociationCommand,
  DeadlineClient,
  GetJobCommand,
  ListSessionActionsCommand,
  paginateListSessionActions,
  waitUntilFleetActive,
  waitUntilJobComplete,
} from "@aws-sdk/client-deadline";

const client = new DeadlineClient({ endpoint: process.env.AWS_ENDPOINT_URL, disableHostPrefix: true });

function holds(what, condition, detail) {
  if (!condition) throw new Error(`javascript: FAILED: ${what}: ${JSON.stringify(detail)}`);
  console.log(`javascript: ok: ${what}`);
}

const template = JSON.stringify({
  specificationVersion: "jobtemplate-2023-09",
  name: "Three frames",
  jobEnvironments: [{ name: "Scene", script: { actions: { onEnter: { command: "true" }, onExit: { command: "true" } } } }],
  steps: [
    {
      name: "Render",
      parameterSpace: { taskParameterDefinitions: [{ name: "Frame", type: "INT", range: "1-3" }] },
      script: { actions: { onRun: { command: "sh", args: ["-c", "test {{Task.Param.Frame}} -ne 2"] } } },
    },
  ],
});

async function makeFarm() {
  const { farmId } = await client.send(new CreateFarmCommand({ displayName: "JavaScript's farm" }));
  const { queueId } = await client.send(
    new CreateQueueCommand({ farmId, displayName: "queue", jobRunAsUser: { runAs: "WORKER_AGENT_USER" } }),
  );
  const { fleetId } = await client.send(
    new CreateFleetCommand({
      farmId,
      displayName: "fleet",
      roleArn: "arn:aws:iam::000000000000:role/fleet",
      maxWorkerCount: 1,
      configuration: {
        customerManaged: {
          mode: "NO_SCALING",
          workerCapabilities: {
            vCpuCount: { min: 1 },
            memoryMiB: { min: 512 },
            osFamily: "LINUX",
            cpuArchitectureType: "x86_64",
          },
        },
      },
    }),
  );
  await waitUntilFleetActive({ client, maxWaitTime: 30 }, { farmId, fleetId });
  await client.send(new CreateQueueFleetAssociationCommand({ farmId, queueId, fleetId }));
  return { farmId, queueId, fleetId };
}

async function runJob(farmId, queueId) {
  const { jobId } = await client.send(
    new CreateJobCommand({ farmId, queueId, template, templateType: "JSON", priority: 50, maxRetriesPerTask: 0 }),
  );
  const key = { farmId, queueId, jobId };
  await waitUntilJobComplete({ client, minDelay: 1, maxDelay: 2, maxWaitTime: 90 }, key);
  return key;
}

async function check(key) {
  const job = await client.send(new GetJobCommand(key));
  holds("the job fails because frame 2 does", job.taskRunStatus === "FAILED", job);
  holds("times are dates", job.createdAt instanceof Date && job.endedAt instanceof Date, job);
  const actions = [];
  const pages = paginateListSessionActions({ client, pageSize: 1 }, key);
  let longest = 0;
  for await (const page of pages) {
    longest = Math.max(longest, page.sessionActions.length);
    actions.push(...page.sessionActions);
  }
  holds("pages have one session action each", longest === 1, longest);
  const runs = actions.filter((action) => action.definition.taskRun && action.status !== "NEVER_ATTEMPTED");
  holds("three frames ran", runs.length === 3, actions);
  holds("one of them failed", runs.filter((action) => action.status === "FAILED").length === 1, runs);
  holds("no definition is unknown", actions.every((action) => !action.definition.$unknown), actions);
  holds("no session action comes twice", new Set(actions.map((action) => action.sessionActionId)).size === actions.length);
  const error = await client.send(new ListSessionActionsCommand({ ...key, nextToken: "altered" })).catch((e) => e);
  holds("an altered token is a ValidationException", error.name === "ValidationException" && error.reason, error);
}

async function main() {
  const { farmId, queueId, fleetId } = await makeFarm();
  const directory = await mkdtemp(path.join(tmpdir(), "worker-"));
  const args = ["worker", "--farm-id", farmId, "--fleet-id", fleetId, "--state-dir", directory];
  const worker = spawn("farmhand", args, { stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(worker, "exit");
  try {
    await check(await runJob(farmId, queueId));
  } finally {
    worker.kill("SIGTERM");
    const late = wait(60_000, "late", { ref: false });
    if ((await Promise.race([exited, late])) === "late") worker.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  }
}

await main();
