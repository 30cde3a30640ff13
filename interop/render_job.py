"""boto3 runs a job with environments and a failing task on a farm that it makes itself, and reads what its sessions did.

Needs the environment of `farmhand env` and farmhand on the PATH. Prints one line per thing that holds.
"""

import json
import os
import signal
import subprocess
import tempfile

import boto3
from botocore.exceptions import ClientError

TEMPLATE = {
    "specificationVersion": "jobtemplate-2023-09",
    "name": "Four frames of {{Param.Shot}}",
    "parameterDefinitions": [{"name": "Shot", "type": "STRING", "default": "shot010"}],
    "jobEnvironments": [
        {
            "name": "Scene",
            "variables": {"SHOT": "{{Param.Shot}}"},
            "script": {
                "actions": {
                    "onEnter": {"command": "sh", "args": ["-c", "echo 'openjd_env: SCENE=prepared'"]},
                    "onExit": {"command": "sh", "args": ["-c", "echo left $SHOT"]},
                }
            },
        }
    ],
    "steps": [
        {
            "name": "Render",
            "parameterSpace": {"taskParameterDefinitions": [{"name": "Frame", "type": "INT", "range": "1-4"}]},
            "script": {
                "actions": {
                    "onRun": {
                        "command": "sh",
                        "args": [
                            "-c",
                            "echo rendering $SHOT $SCENE frame {{Task.Param.Frame}}; echo 'openjd_progress: 50';"
                            " test {{Task.Param.Frame}} -ne 3",
                        ],
                    }
                }
            },
        },
        {"name": "Publish", "dependencies": [{"dependsOn": "Render"}], "script": {"actions": {"onRun": {"command": "true"}}}},
    ],
}


def holds(what, condition, detail=""):
    if not condition:
        raise SystemExit(f"boto3: FAILED: {what}: {detail}")
    print(f"boto3: ok: {what}", flush=True)


def make_farm(deadline):
    farm = deadline.create_farm(displayName="boto3's farm")["farmId"]
    queue = deadline.create_queue(
        farmId=farm, displayName="boto3's queue", jobRunAsUser={"runAs": "WORKER_AGENT_USER"}
    )["queueId"]
    fleet = deadline.create_fleet(
        farmId=farm,
        displayName="boto3's fleet",
        roleArn="arn:aws:iam::000000000000:role/fleet",
        maxWorkerCount=2,
        configuration={
            "customerManaged": {
                "mode": "NO_SCALING",
                "workerCapabilities": {
                    "vCpuCount": {"min": 1},
                    "memoryMiB": {"min": 512},
                    "osFamily": "LINUX",
                    "cpuArchitectureType": "x86_64",
                },
            }
        },
    )["fleetId"]
    deadline.get_waiter("fleet_active").wait(farmId=farm, fleetId=fleet)
    deadline.create_queue_fleet_association(farmId=farm, queueId=queue, fleetId=fleet)
    deadline.get_waiter("queue_scheduling").wait(farmId=farm, queueId=queue)
    return farm, queue, fleet


def start_worker(farm, fleet, directory):
    return subprocess.Popen(
        ["farmhand", "worker", "--farm-id", farm, "--fleet-id", fleet, "--state-dir", directory],
        stdout=subprocess.DEVNULL,
        stderr=open(os.path.join(directory, "worker.log"), "wb"),
    )


def run_job(deadline, farm, queue):
    job = deadline.create_job(
        farmId=farm,
        queueId=queue,
        priority=50,
        template=json.dumps(TEMPLATE),
        templateType="JSON",
        parameters={"Shot": {"string": "shot020"}},
        maxRetriesPerTask=1,
    )["jobId"]
    key = {"farmId": farm, "queueId": queue, "jobId": job}
    deadline.get_waiter("job_create_complete").wait(**key)
    deadline.get_waiter("job_complete").wait(**key, WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    return key


def actions_one_by_one(deadline, key, **filters):
    """All session actions, a page each; every page must have its own token."""
    found, tokens, token = [], set(), None
    while True:
        page = deadline.list_session_actions(**key, **filters, maxResults=1, **({"nextToken": token} if token else {}))
        found += page["sessionActions"]
        token = page.get("nextToken")
        if token is None:
            return found
        if token in tokens or token == "":
            raise SystemExit("boto3: FAILED: a nextToken came twice or empty")
        tokens.add(token)


def check_job(deadline, key):
    job = deadline.get_job(**key)
    counts = job["taskRunStatusCounts"]
    holds("the job fails because frame 3 does", job["taskRunStatus"] == "FAILED", job)
    holds("every status is counted", len(counts) == 12 and sum(counts.values()) == 5, counts)
    holds("three frames succeed, one fails, the last step is canceled",
          (counts["SUCCEEDED"], counts["FAILED"], counts["CANCELED"]) == (3, 1, 1), counts)
    holds("the failed frame was tried twice", job["taskFailureRetryCount"] == 1, job)
    holds("the name is resolved", job["name"] == "Four frames of shot020", job["name"])


def check_actions(deadline, key):
    pages = deadline.get_paginator("list_session_actions").paginate(**key)
    everything = [action for page in pages for action in page["sessionActions"]]
    single = actions_one_by_one(deadline, key)
    ids = [a["sessionActionId"] for a in everything]
    holds("pages of one give the same session actions", [a["sessionActionId"] for a in single] == ids, ids)
    holds("no session action comes twice", len(set(ids)) == len(ids), ids)
    kinds = [next(iter(a["definition"])) for a in everything]
    holds("every definition has one member", all(len(a["definition"]) == 1 for a in everything), kinds)
    runs = [a for a in everything if "taskRun" in a["definition"] and a["status"] != "NEVER_ATTEMPTED"]
    holds("frames are attempted five times", len(runs) == 5, runs)
    holds("every entered environment is left", kinds.count("envEnter") == kinds.count("envExit") >= 2, kinds)
    failed = [a for a in everything if a["status"] == "FAILED"]
    holds("the failures are frame 3's", {a["definition"]["taskRun"]["parameters"]["Frame"]["int"] for a in failed} == {"3"}, failed)
    holds("what ran has its times", all(a["endedAt"] >= a["startedAt"] for a in everything if a["status"] != "NEVER_ATTEMPTED"))
    for session in deadline.list_sessions(**key)["sessions"]:
        one = actions_one_by_one(deadline, key, sessionId=session["sessionId"])
        names = [next(iter(a["definition"])) for a in one]
        holds("a session enters, runs and leaves", names[0] == "envEnter" and names[-1] == "envExit", names)
    check_task_filter(deadline, key, failed[-1])


def check_task_filter(deadline, key, failed):
    task = failed["definition"]["taskRun"]["taskId"]
    attempts = actions_one_by_one(deadline, key, taskId=task)
    holds("the task filter gives runs of that task only", {a["definition"]["taskRun"]["taskId"] for a in attempts} == {task})
    holds("the failing task has two attempts", [a["status"] for a in attempts] == ["FAILED", "FAILED"], attempts)
    session = deadline.get_session_action(**key, sessionActionId=failed["sessionActionId"])["sessionId"]
    both = actions_one_by_one(deadline, key, taskId=task, sessionId=session)
    holds("both filters together intersect", [a["sessionActionId"] for a in both] == [failed["sessionActionId"]], both)
    exit_code = deadline.get_session_action(**key, sessionActionId=failed["sessionActionId"])["processExitCode"]
    holds("the exit code of the failure is kept", exit_code == 1, exit_code)


def check_errors(deadline, key):
    first = deadline.list_session_actions(**key, maxResults=1)["nextToken"]
    refused(deadline, key, "an altered token", "ValidationException", nextToken=first[:-4] + "AAAA", maxResults=1)
    refused(deadline, key, "changed arguments", "ValidationException", nextToken=first, maxResults=2)
    refused(deadline, {**key, "jobId": "job-" + "0" * 32}, "an unknown job", "ResourceNotFoundException")
    refused(deadline, {**key, "jobId": "job-1"}, "a malformed id", "ValidationException")


def refused(deadline, key, what, code, **arguments):
    try:
        deadline.list_session_actions(**key, **arguments)
    except ClientError as error:
        holds(f"{what} is a {code}", error.response["Error"]["Code"] == code, error.response)
        if code == "ResourceNotFoundException":
            holds("it names the resource", error.response["resourceId"] == key["jobId"] and error.response["resourceType"] == "job")
        return
    raise SystemExit(f"boto3: FAILED: {what} was accepted")


def check_logs(deadline, key):
    logs = boto3.client("logs")
    lines = []
    for session in deadline.list_sessions(**key)["sessions"]:
        got = deadline.get_session(**key, sessionId=session["sessionId"])["log"]["options"]
        page = logs.get_log_events(logGroupName=got["logGroupName"], logStreamName=got["logStreamName"], startFromHead=True)
        lines += [event["message"] for event in page["events"]]
    holds("the sessions' logs have what the frames wrote",
          any("rendering shot020 prepared frame 1" in line for line in lines), lines)


def main():
    deadline = boto3.client("deadline")
    farm, queue, fleet = make_farm(deadline)
    with tempfile.TemporaryDirectory() as directory:
        worker = start_worker(farm, fleet, directory)
        try:
            key = run_job(deadline, farm, queue)
            check_job(deadline, key)
            check_actions(deadline, key)
            check_errors(deadline, key)
            check_logs(deadline, key)
        except BaseException:
            with open(os.path.join(directory, "worker.log"), encoding="utf-8") as log:
                print(log.read()[-4000:])
            raise
        finally:
            worker.send_signal(signal.SIGTERM)
            code = worker.wait(timeout=60)
        holds("the worker drains when it is told to stop", code == 0, code)
    workers = deadline.list_workers(farmId=farm, fleetId=fleet)["workers"]
    holds("the worker is STOPPED", [w["status"] for w in workers] == ["STOPPED"], workers)


if __name__ == "__main__":
    main()
