"""Sees every operation succeed and refuse with boto3: walk_errors.py MODE REPORT

MODE is walk (walk.json, and before each of its steps the refusals of it, then walk_conflicts.json), quotas (walk_quotas.json, on a server
whose quotas are all 1), throttled or failing (every operation of the report once, on a server that refuses or breaks). REPORT is a JSON
file that is added to: what came of each operation, and the parameters that it succeeded with.

Needs the environment of walk.py, and keys that may not do what the walk does: HOST_ID and HOST_SECRET of a worker host, PERSON_ID and
PERSON_SECRET of a person, both without permissions, INSTANCE_ID and INSTANCE_SECRET of a worker host that is an instance. VOLUMES is where a volume is made, which the API cannot: a POST with its members.

Answers and errors must satisfy boto3's model. A step of the two files may have, besides what walk.py says,

    refusal  members of the error and their values
"""

import json
import os
import re
import sys
import urllib.request
import uuid

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

import walk

# What AWS's worker agent knows a fault of the scheduling host as.
SAME = {"InternalServerException": "InternalServerErrorException"}


def modelled(operation):
    return {shape.name for shape in walk.MODEL.operation_model(operation).error_shapes}


class Errors(walk.Boto3):
    """Calls that remember what came of each operation, and refuses first what can be refused."""

    def __init__(self, report):
        super().__init__()
        self.report, self.provoking, self.clients, self.tokens = report, False, {}, {}

    def seen(self, operation, outcome):
        entry = self.report.setdefault(operation, {"seen": []})
        if outcome not in entry["seen"]:
            entry["seen"].append(outcome)
        return entry

    def call(self, operation, parameters, credentials):
        if operation == "@volume":
            return make_volume(parameters)
        if self.provoking:
            self.provoke(operation, parameters)
        if self.provoking and "clientToken" in walk.MODEL.operation_model(operation).input_shape.members:
            answer = self.repeat(operation, {**parameters, "clientToken": str(uuid.uuid4())}, credentials)
        else:
            answer = super().call(operation, parameters, credentials)
        self.seen(operation, "success").setdefault("parameters", parameters)
        if self.provoking and "nextToken" in walk.MODEL.operation_model(operation).input_shape.members:
            self.turn_pages(operation, parameters, credentials)
        return answer

    def turn_pages(self, operation, parameters, credentials):
        """A token that is none, is another operation's or is for other parameters is refused, by its name."""
        client = self.client(credentials) if credentials else self.unchecked(None)
        call = getattr(client, xform_name(operation))
        tokens = ["none", *(token for other, token in self.tokens.items() if other != operation)]
        own = call(**{**parameters, "maxResults": 1}).get("nextToken")
        if own:
            self.tokens[operation] = own
            tokens.append(own)  # for pages of one
        for token in tokens:
            try:
                call(**{**parameters, "nextToken": token})
            except ClientError as error:
                response = error.response
                if (response["Error"]["Code"], response["reason"], [f["name"] for f in response["fieldList"]]) == (
                    "ValidationException", "FIELD_VALIDATION_FAILED", ["nextToken"]):
                    continue
                raise SystemExit(f"FAILED: {operation} with a wrong nextToken: {response}") from error
            raise SystemExit(f"FAILED: {operation} with a wrong nextToken succeeded")

    def repeat(self, operation, parameters, credentials):
        """Calls twice with one client token, which must give one answer, then with the token and another request, which is refused."""
        answer = super().call(operation, parameters, credentials)
        again = super().call(operation, parameters, credentials)
        if again != answer:
            raise SystemExit(f"FAILED: {operation}: {answer}, then with the same client token {again}")
        if operation.startswith("Batch"):  # each item answers by itself
            return answer
        client = self.client(credentials) if credentials else self.unchecked(None)
        for other in changed(operation, parameters):
            try:
                getattr(client, xform_name(operation))(**other)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ConflictException" and error.response["reason"] == "CONFLICT_EXCEPTION":
                    self.seen(operation, "repeated")
                    return answer
                raise SystemExit(f"FAILED: {operation} with a used client token: {error.response}") from error
            raise SystemExit(f"FAILED: {operation} with a used client token and another request succeeded")
        raise SystemExit(f"FAILED: {operation}: there is no other request")

    def provoke(self, operation, parameters):
        known = modelled(operation)
        if "AccessDeniedException" in known:
            stranger = "PERSON" if operation in ("CreateWorker", "AssumeFleetRoleForWorker") else "HOST"
            self.refuse(operation, "AccessDeniedException", [parameters], stranger)
        if "ValidationException" in known:
            self.refuse(operation, "ValidationException", invalid(operation, parameters))
        if "ResourceNotFoundException" in known:
            self.refuse(operation, "ResourceNotFoundException", absent(operation, parameters))

    def refuse(self, operation, want, candidates, caller=None):
        """Tries parameters until one is refused as wanted. None may succeed."""
        for parameters in candidates:
            code, _ = self.refusal(operation, parameters, caller)
            if code == want:
                return
            if code is None:
                raise SystemExit(f"FAILED: {operation} with {parameters} by {caller or 'the administrator'} succeeded, want {want}")

    def refusal(self, operation, parameters, caller=None):
        """The code and response of the error that a call ends with; None where it succeeds. boto3 checks no parameter, and does not retry."""
        try:
            getattr(self.unchecked(caller), xform_name(operation))(**parameters)
        except ClientError as error:
            return self.refused(operation, error.response), error.response
        return None, None

    def unchecked(self, caller):
        """A client that checks no parameter and does not retry, with the keys of a caller; the administrator's where there is none."""
        if caller not in self.clients:
            keys = {}
            if caller is not None:
                keys = {"aws_access_key_id": os.environ[caller + "_ID"], "aws_secret_access_key": os.environ[caller + "_SECRET"]}
            config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
            self.clients[caller] = boto3.client("deadline", config=config, **keys)
        return self.clients[caller]

    def refused(self, operation, response):
        """Notes an error, which must satisfy the model; gives its code."""
        code = SAME.get(response["Error"]["Code"], response["Error"]["Code"])
        shapes = {shape.name: shape for shape in walk.MODEL.operation_model(operation).error_shapes}
        if code in shapes:
            members = {name: response[name] for name in shapes[code].members if name in response}
            report = ParamValidator().validate(members, shapes[code])
            if report.has_errors() and response["Error"]["Code"] == code:
                raise SystemExit(f"FAILED: {operation}: {code} does not satisfy the model: {report.generate_report()}: {response}")
            if not response["ResponseMetadata"].get("RequestId"):
                raise SystemExit(f"FAILED: {operation}: {code} has no request id")
        self.seen(operation, code)
        return code


def make_volume(parameters):
    request = urllib.request.Request(os.environ["VOLUMES"], json.dumps(parameters).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def invalid(operation, parameters):
    """Parameters that the model does not allow, one fault each: first those that can do no harm if they are taken all the same."""
    shape = walk.MODEL.operation_model(operation).input_shape
    for name, member in shape.members.items():
        if member.serialization.get("location") == "uri":
            yield {**parameters, name: "x"}
    for name in ("maxResults", "nextToken", "principalId"):
        if name in shape.members:
            yield {**parameters, name: {"maxResults": 0, "nextToken": "x", "principalId": "x"}[name]}
    for name in shape.required_members:
        if isinstance(parameters[name], str):
            yield {**parameters, name: ""}
        elif isinstance(parameters[name], list):
            yield {**parameters, name: []}


ID = re.compile(r"\b([a-z]+-)[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def absent(operation, parameters):
    """Parameters with one id that does not exist, the last one first."""
    shape = walk.MODEL.operation_model(operation).input_shape
    for name, member in reversed(shape.members.items()):
        value = parameters.get(name)
        if not isinstance(value, str) or name in ("template", "clientToken"):
            continue
        other = ID.sub(lambda match: re.sub(r"[0-9a-f](?=[0-9a-f-]*$)", "f", match[0]) if match[1] is None else match[1] + 32 * "f", value)
        if name == "productId":
            other = "absent-1"
        if other != value:
            yield {**parameters, name: other}


def changed(operation, parameters):
    """Parameters that the model allows and that are not the same."""
    yield from absent(operation, parameters)
    for name in ("displayName", "vpcId"):
        if name in parameters:
            yield {**parameters, name: parameters[name] + "0"}


def take_all(client, name, known):
    with open(os.path.join(walk.HERE, name), encoding="utf-8") as file:
        steps = json.load(file)
    for step in steps:
        if "refusal" not in step:
            walk.take(client, step, known)
            continue
        parameters = walk.filled(step["with"], known)
        credentials = known[step["as"]] if "as" in step else None
        try:
            walk.Boto3.call(client, step["do"], parameters, credentials)
        except walk.Refused as refused:
            code = client.refused(step["do"], refused.__cause__.response)
            wrong = differences(refused.__cause__.response, step["refusal"], known)
            if code != step["error"] or wrong:
                raise SystemExit(f"FAILED: {step['do']} is refused with {code}, want {step['error']}; {wrong}: {refused.__cause__.response}") from refused
            continue
        raise SystemExit(f"FAILED: {step['do']} answered, want {step['error']}")


def differences(response, want, known):
    return walk.differences({"is": want}, response, known)


def main():
    mode, path = sys.argv[1:]
    report = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    client = Errors(report)
    known = {name.lower().replace("_s", "S"): os.environ.get(name, "") for name in ("BUCKET", "PRINCIPAL", "IDENTITY_STORE", "OTHER")}
    known["instance"] = {"accessKeyId": os.environ.get("INSTANCE_ID"), "secretAccessKey": os.environ.get("INSTANCE_SECRET"), "sessionToken": None}
    if mode == "walk":
        client.provoking = True
        take_all(client, "walk.json", known)
        client.provoking = False
        take_all(client, "walk_conflicts.json", known)
    elif mode == "quotas":
        take_all(client, "walk_quotas.json", known)
    else:
        for operation, entry in sorted(report.items()):
            if "parameters" in entry:
                client.refusal(operation, entry["parameters"])
                client.refusal(operation, entry["parameters"])  # a throttled caller may do one thing of each kind
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, default=str)


if __name__ == "__main__":
    main()
