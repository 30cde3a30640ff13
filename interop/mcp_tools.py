"""Calls every tool of the deadline command's MCP server, as an assistant would: mcp_tools.py BUNDLE

BUNDLE is a job bundle with an output. Needs the environment of `farmhand env` and a worker. Prints one line per tool.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

FARM, QUEUE = os.environ["FARM"], os.environ["QUEUE"]


class Tools:
    def __init__(self, session):
        self.session, self.called = session, set()

    async def call(self, tool, **arguments):
        result = await self.session.call_tool("deadline_" + tool, arguments)
        text = result.content[0].text
        if result.isError or '"error"' in text:
            raise SystemExit(f"mcp: FAILED: {tool}: {text}")
        self.called.add("deadline_" + tool)
        print(f"mcp: ok: {tool}")
        return json.loads(text)

    async def until(self, holds, tool, **arguments):
        for _ in range(120):
            answer = await self.call(tool, **arguments)
            if holds(answer):
                return answer
            await asyncio.sleep(0.5)
        raise SystemExit(f"mcp: FAILED: {tool} gives {answer}")


async def use(tools, bundle):
    await tools.call("check_authentication_status")
    farms = await tools.call("list_farms")
    assert [farm["farmId"] for farm in farms["farms"]] == [FARM], farms
    queues = await tools.call("list_queues", farmId=FARM)
    assert [queue["queueId"] for queue in queues["queues"]] == [QUEUE], queues
    await tools.call("list_fleets", farmId=FARM)
    await tools.call("list_storage_profiles_for_queue", farmId=FARM, queueId=QUEUE)

    submitted = await tools.call("submit_job", job_bundle_dir=bundle, name="From an assistant", farm_id=FARM, queue_id=QUEUE)
    job = {"farmId": FARM, "queueId": QUEUE, "jobId": submitted["job_id"]}
    await tools.until(lambda answer: answer["taskRunStatus"] == "SUCCEEDED", "get_job", **job)
    listed = await tools.call("list_jobs", farmId=FARM, queueId=QUEUE)
    assert [each["jobId"] for each in listed["jobs"]] == [job["jobId"]], listed
    found = await tools.call("search_jobs", farmId=FARM, queueIds=[QUEUE], nameContains="assistant", taskRunStatus="SUCCEEDED")
    assert [each["jobId"] for each in found["jobs"]] == [job["jobId"]], found
    step = (await tools.call("list_steps", **job))["steps"][0]["stepId"]
    tasks = (await tools.call("list_tasks", **job, stepId=step))["tasks"]
    assert {task["runStatus"] for task in tasks} == {"SUCCEEDED"}, tasks
    session = (await tools.call("list_sessions", **job))["sessions"][0]["sessionId"]
    await tools.call("get_session", **job, sessionId=session)

    where = {"farm_id": FARM, "queue_id": QUEUE}
    await tools.until(lambda answer: "written" in json.dumps(answer), "get_session_logs", **where, session_id=session, limit=1000)
    await tools.call("get_session_and_worker_logs", **where, job_id=job["jobId"], session_id=session, limit=1000)
    await tools.call("download_job_output", **where, job_id=job["jobId"])

    await tools.call("upload_bundle", job_bundle=bundle, name="shared", **where, overwrite=True)
    shared = await tools.call("list_shared_bundles", **where)
    assert "shared" in json.dumps(shared), shared
    await tools.call("download_bundle", bundle_name="shared", output_dir=os.path.join(os.getcwd(), "copy"), **where, overwrite=True)
    assert os.path.exists("copy/template.yaml") or os.path.exists("copy/shared/template.yaml"), os.listdir("copy")


async def main():
    server = StdioServerParameters(command="deadline", args=["mcp-server"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = Tools(session)
        await use(tools, os.path.abspath(sys.argv[1]))
        offered = {tool.name for tool in (await session.list_tools()).tools}
        if offered != tools.called:
            raise SystemExit(f"mcp: FAILED: not called: {offered - tools.called}")
    print(f"mcp: all {len(offered)} tools answered")


asyncio.run(main())
