"""Walks through every operation of the API, as walk.json tells, with boto3 or with the AWS CLI: walk.py boto3|awscli

Needs the environment of `farmhand env`, BUCKET, the name of a bucket, and PRINCIPAL and IDENTITY_STORE, a person and where it is. An operation that the server does not know yet is told and passed over, and so are the steps
that need what it would have given; everything else must come out as the file says. Each step of walk.json has

    do      the operation, or the waiter where `wait` is true
    with    its parameters; "$name" stands for what an earlier step got, {"@time": n} for n seconds from now
    as      whose credentials to use; the environment's where there is none
    is      members of the answer and their values; "until" is the same, asked for again until it holds
    has     the same for a list, where one element must match: farms.*.farmId
    get     names for members of the answer; @key and @value are those of the only entry of a map
    error   the error that must come instead of an answer
    needs   an operation that must be built for this to make sense
"""

import datetime
import json
import os
import re
import sys
import tempfile
import time

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = botocore.session.get_session().get_service_model("deadline")


class NotBuilt(Exception):
    """The server does not know the operation."""


class Refused(Exception):
    """The server answered with an error; args[0] is its code."""


class Boto3:
    """Calls with boto3. Answers must satisfy its model, and pages of one must give what a whole list does."""

    def __init__(self):
        import boto3

        self.boto3 = boto3

    def client(self, credentials):
        if credentials is None:
            return self.boto3.client("deadline")
        return self.boto3.client(
            "deadline",
            aws_access_key_id=credentials["accessKeyId"],
            aws_secret_access_key=credentials["secretAccessKey"],
            aws_session_token=credentials["sessionToken"],
        )

    def call(self, operation, parameters, credentials):
        client, name = self.client(credentials), xform_name(operation)
        try:
            answer = getattr(client, name)(**parameters)
        except ClientError as error:
            if error.response.get("reason") == "UNKNOWN_OPERATION":
                raise NotBuilt() from error
            raise Refused(error.response["Error"]["Code"], str(error)) from error
        answer.pop("ResponseMetadata")
        shape = MODEL.operation_model(operation).output_shape
        report = ParamValidator().validate(answer, shape)
        if report.has_errors():
            raise SystemExit(f"FAILED: {operation}: the answer does not satisfy the model: {report.generate_report()}")
        if client.can_paginate(name) and not name.startswith("get"):
            self.paginate(client.get_paginator(name), parameters, answer)
        return answer

    @staticmethod
    def paginate(paginator, parameters, answer):
        key = paginator.result_keys[0].expression
        found = [item for page in paginator.paginate(**parameters, PaginationConfig={"PageSize": 1}) for item in page[key]]
        if found != answer[key] and "nextToken" not in answer:
            raise SystemExit(f"FAILED: pages of one of {key} give {found}, the whole {answer[key]}")

    def wait(self, waiter, parameters):
        self.client(None).get_waiter(xform_name(waiter)).wait(**parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


class AwsCli:
    """Calls with the AWS CLI: each in a process of its own, forked from one that has loaded it and the model."""

    def __init__(self):
        import awscli.clidriver

        self.driver = awscli.clidriver.create_clidriver()
        self.driver.session.get_service_model("deadline")

    def run(self, arguments, credentials):
        out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        sys.stdout.flush()  # or the child would print it again
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            if credentials is not None:
                os.environ["AWS_ACCESS_KEY_ID"] = credentials["accessKeyId"]
                os.environ["AWS_SECRET_ACCESS_KEY"] = credentials["secretAccessKey"]
                os.environ["AWS_SESSION_TOKEN"] = credentials["sessionToken"]
            code = self.driver.main(["deadline", *arguments, "--output", "json"])
            sys.stdout.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        file = out if code == 0 else err
        file.seek(0)
        return code, file.read()

    def call(self, operation, parameters, credentials):
        code, text = self.run([xform_name(operation, "-"), "--cli-input-json", json.dumps(parameters)], credentials)
        if code == 0:
            return json.loads(text or "{}")
        error = re.search(r"An error occurred \((\w+)\)", text)
        if error is None:
            raise SystemExit(f"FAILED: {operation}: {text}")
        if "is not built in this version" in text:
            raise NotBuilt()
        raise Refused(error[1], text)

    def wait(self, waiter, parameters):
        code, text = self.run(["wait", xform_name(waiter, "-"), "--cli-input-json", json.dumps(parameters)], None)
        if code != 0:
            raise SystemExit(f"FAILED: {waiter}: {text}")


def filled(value, known):
    """The parameters with what is known in them; KeyError names what is not."""
    if isinstance(value, dict):
        if "@time" in value:
            now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
            return (now + datetime.timedelta(seconds=value["@time"])).isoformat()
        return {filled(name, known): filled(member, known) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(element, known) for element in value]
    if isinstance(value, str):
        if re.fullmatch(r"\$\w+", value):
            return known[value[1:]]
        return re.sub(r"\$\{(\w+)\}", lambda match: known[match[1]], value)
    return value


def member(answer, path):
    for name in path.split("."):
        if name == "@key":
            answer = next(iter(answer))
        elif name == "@value":
            answer = next(iter(answer.values()))
        elif isinstance(answer, list):
            answer = answer[int(name)]
        else:
            answer = answer.get(name)
    return answer


def differences(step, answer, known):
    found = []
    for path, want in {**step.get("is", {}), **step.get("until", {})}.items():
        try:
            got = member(answer, path)
        except (IndexError, AttributeError) as error:
            got = error
        if got != filled(want, known):
            found.append(f"{path} is {got!r}, want {filled(want, known)!r}")
    for path, want in step.get("has", {}).items():
        listed, _, inner = path.partition(".*.")
        if filled(want, known) not in [member(element, inner) for element in answer[listed]]:
            found.append(f"no {path} is {filled(want, known)!r}")
    return found


def take(client, step, known):
    """Takes a step and remembers what it gives."""
    parameters = filled(step["with"], known)
    if step.get("wait"):
        return client.wait(step["do"], parameters)
    credentials = known[step["as"]] if "as" in step else None
    for _ in range(60):
        try:
            answer = client.call(step["do"], parameters, credentials)
        except Refused as refused:
            if refused.args[0] != step.get("error"):
                raise SystemExit(f"FAILED: {step['do']}: {refused.args[1]}") from refused
            return None
        if "error" in step:
            raise SystemExit(f"FAILED: {step['do']} answered, want {step['error']}")
        wrong = differences(step, answer, known)
        if not wrong or "until" not in step:
            break
        time.sleep(0.5)
    if wrong:
        raise SystemExit(f"FAILED: {step['do']}: {'; '.join(wrong)}")
    for name, path in step.get("get", {}).items():
        try:
            known[name] = member(answer, path)
        except (IndexError, AttributeError, StopIteration) as error:
            raise SystemExit(f"FAILED: {step['do']}: there is no {path} in {answer}") from error


def main():
    client = {"boto3": Boto3, "awscli": AwsCli}[sys.argv[1]]()
    with open(os.path.join(HERE, "walk.json"), encoding="utf-8") as file:
        steps = json.load(file)
    missing = set(MODEL.operation_names) - {step["do"] for step in steps}
    if missing:
        raise SystemExit(f"FAILED: walk.json has no step for {sorted(missing)}")
    known = {"bucket": os.environ["BUCKET"], "principal": os.environ["PRINCIPAL"], "identityStore": os.environ["IDENTITY_STORE"]}
    taken, unbuilt, unreached = set(), set(), set()
    for step in steps:
        try:
            if step.get("needs") in unbuilt:
                continue
            take(client, step, known)
            taken.add(step["do"])
        except NotBuilt:
            unbuilt.add(step["do"])
        except KeyError as error:
            unreached.add(step["do"])
            print(f"passed over: {step['do']}: there is no {error}")
    print(f"operations and waiters taken: {len(taken)}")
    print(f"not built: {len(unbuilt)}: {' '.join(sorted(unbuilt))}")
    print(f"not reached: {' '.join(sorted(unreached - taken - unbuilt))}")


if __name__ == "__main__":
    main()
