"""Answers what the published command line of Open Job Description does.

One JSON object a line comes in on stdin, one goes out on stdout:

  {"args": ["check", "/dir/template.json"], "cancel": ""}  -> {"code": 0, "output": "..."}

Each command runs in a process of its own, a copy of this one, which has the packages loaded already. With "cancel" it gets SIGINT when its
output first holds that text. The output has one more line for each action of a session that ends, of what the session's callback is told:

  ## {"state": "success", "exit": 0, "progress": null, "status": null, "fail": null}
"""

import json
import os
import signal
import sys
import tempfile
import time

import openjd.cli._run._local_session._session_manager as manager
from openjd.cli._create_argparser import main as openjd
from openjd.sessions import ActionState, Session

LONGEST = 60  # seconds that a command may run


class ToldSession(Session):
    """A session that also prints what it tells its callback of actions that ended."""

    def __init__(self, *, callback, **arguments):
        def tell(session_id, status):
            if status.state != ActionState.RUNNING:
                print("## " + json.dumps({
                    "state": status.state.value,
                    "exit": status.exit_code,
                    "progress": status.progress,
                    "status": status.status_message,
                    "fail": status.fail_message,
                }), flush=True)
            callback(session_id, status)

        super().__init__(callback=tell, **arguments)


manager.Session = ToldSession


def child(args, output):
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 0
    try:
        openjd(args)
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
    except BaseException as e:  # a mistake of theirs
        print(f"{type(e).__name__}: {e}")
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def answer(request):
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            child(request["args"], output.fileno())
        cancel = request.get("cancel", "").encode()
        end = time.monotonic() + LONGEST
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if cancel and cancel in os.pread(output.fileno(), 1 << 20, 0):
                os.kill(pid, signal.SIGINT)
                cancel = b""
            if time.monotonic() > end:
                os.killpg(pid, signal.SIGKILL)
                end += LONGEST
            time.sleep(0.005)
        text = os.pread(output.fileno(), 1 << 24, 0).decode(errors="replace")
    return {"code": os.waitstatus_to_exitcode(status), "output": text}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
