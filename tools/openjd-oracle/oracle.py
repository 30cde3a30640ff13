"""Answers what the published Python packages of Open Job Description make of expressions and templates.

One JSON object a line comes in on stdin, one goes out on stdout:

  {"op": "expression", "text": "1 + N", "symbols": [{"name": "N", "type": "int", "value": 2}], "host": false, "windows": false,
   "target": "string?"}                              -> {"ok": true, "type": "int", "text": "3"}
  {"op": "python", "name": "quote", "args": ["it's"]}      -> {"ok": true, "text": "..."}, what Python itself makes of it
  {"op": "template", "text": "...", "environment": false}  -> {"ok": true}
  {"op": "job", "text": "...", "parameters": {"N": 2}}     -> {"ok": true, "name": "...", "steps": [{"name", "tasks", ...}]}

Whatever is refused gives {"ok": false, "error": "..."}. The program only calls the packages' public functions.
"""

import decimal
import json
import shlex
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

from openjd.expr import (
    ExprProfile,
    ExprType,
    ExprValue,
    HostContext,
    PathFormat,
    PathMappingRule,
    RangeExpr,
    SymbolTable,
    parse_expression,
)
from openjd.model import (
    DocumentType,
    StepParameterSpaceIterator,
    create_job,
    decode_environment_template,
    decode_job_template,
    document_string_to_object,
    preprocess_job_parameters,
)

EXTENSIONS = ["TASK_CHUNKING", "REDACTED_ENV_VARS", "FEATURE_BUNDLE_1", "EXPR", "WRAP_ACTIONS"]
MOST_TASKS = 64


def symbol(entry, windows):
    if entry.get("unresolved"):
        return ExprValue.unresolved(ExprType(entry["type"]))
    kind, value = entry["type"], entry["value"]
    if kind == "range_expr":
        return ExprValue(RangeExpr.from_str(value))
    if kind == "float":
        return ExprValue.from_float(float(value), original_str=value)
    if "path" in kind:
        return ExprValue(value, type=ExprType(kind), path_format=PathFormat.WINDOWS if windows else PathFormat.POSIX)
    return ExprValue(value, type=ExprType(kind))


def expression(request):
    windows = request.get("windows", False)
    table = SymbolTable()
    for entry in request.get("symbols", []):
        table[entry["name"]] = symbol(entry, windows)
    profile = ExprProfile.latest()
    if request.get("host"):
        rules = [PathMappingRule.from_dict(rule) for rule in request.get("rules", [])]
        profile = profile.with_host_context(HostContext.with_rules(rules))
    target = request.get("target")
    value = parse_expression(request["text"]).evaluate(
        values=table,
        profile=profile,
        target_type=ExprType(target) if target else None,
        path_format=PathFormat.WINDOWS if windows else PathFormat.POSIX,
    )
    kind = str(value.type)
    if kind.startswith("unresolved["):
        return {"ok": True, "type": kind[len("unresolved["):-1], "text": "", "unresolved": True}
    return {"ok": True, "type": kind, "text": str(value)}


def to_decimals(x, n):
    """The exact value of x rounded half to even: to n decimals, or to a whole number of tens, hundreds, … for n up to 0."""
    if n > 0:
        return f"{float(x):.{n}f}"
    with decimal.localcontext(decimal.Context(prec=400)):
        return str(int(round(decimal.Decimal(x if isinstance(x, int) else float(x)), n)))


def power(a, b):
    """The float nearest to the exact power."""
    with decimal.localcontext(decimal.Context(prec=80)):
        return repr(float(decimal.Decimal(a) ** decimal.Decimal(b)))


# What the language takes from Python. The first argument is the kind of path.
PYTHON = {
    "round": lambda pure, x, n: to_decimals(int(x) if x.lstrip("-").isdigit() else x, n),
    "power": lambda pure, a, b: power(float(a), float(b)),
    "quote": lambda pure, text: shlex.join(text) if isinstance(text, list) else shlex.quote(text),
    "/": lambda pure, a, b: str(pure(a) / b),
    "path": lambda pure, *parts: str(pure(*parts)),
    "as_posix": lambda pure, a: pure(a).as_posix(),
    "parent": lambda pure, a: str(pure(a).parent),
    "is_relative_to": lambda pure, a, b: str(pure(a).is_relative_to(b)).lower(),
    "relative_to": lambda pure, a, b: str(pure(a).relative_to(b)),
}


def python(request):
    pure = PureWindowsPath if request.get("windows") else PurePosixPath
    return {"ok": True, "text": PYTHON[request["name"]](pure, *request["args"])}


def template(request):
    document = document_string_to_object(document=request["text"], document_type=DocumentType.YAML)
    decode = decode_environment_template if request.get("environment") else decode_job_template
    return decode(template=document, supported_extensions=EXTENSIONS)


def requirements(step):
    if step.hostRequirements is None:
        return None
    amounts = [[str(a.name).lower(), None if a.min is None else float(a.min), None if a.max is None else float(a.max)]
               for a in step.hostRequirements.amounts or []]
    attributes = [[str(a.name).lower(), a.anyOf and [str(v) for v in a.anyOf], a.allOf and [str(v) for v in a.allOf]]
                  for a in step.hostRequirements.attributes or []]
    return {"amounts": amounts, "attributes": attributes}


def parameter(value):
    """A parameter's type and value: a list as it is, anything else as text."""
    if isinstance(value.value, list):
        return [value.type.value, value.value]
    if value.type.value == "BOOL":  # 1 and 0 stay numbers
        return ["BOOL", str(bool(value.value)).lower()]
    return [value.type.value, str(value.value)]


def names(environments):
    return [environment.name for environment in environments or []]


def job(request):
    decoded = template(request)
    environments = [template({"text": text, "environment": True}) for text in request.get("environments") or []]
    values = preprocess_job_parameters(
        job_template=decoded,
        job_parameter_values=request.get("parameters", {}),
        job_template_dir=Path("/template"),
        current_working_dir=Path("/cwd"),
        environment_templates=environments,
    )
    made = create_job(job_template=decoded, job_parameter_values=values, environment_templates=environments)
    steps = []
    for step in made.steps:
        space = StepParameterSpaceIterator(space=step.parameterSpace)
        tasks = []
        for i, parameters in enumerate(space):
            if i == MOST_TASKS:
                break
            tasks.append({name: str(value.value) for name, value in parameters.items()})
        try:
            count = len(space)
        except Exception:  # a space of adaptive chunks has no length
            count = -1
        steps.append({
            "name": step.name,
            "description": step.description or "",
            "dependencies": [dependency.dependsOn for dependency in step.dependencies or []],
            "environments": names(step.stepEnvironments),
            "count": count,
            "tasks": tasks,
            "requirements": requirements(step),
        })
    return {
        "ok": True,
        "name": made.name,
        "description": made.description or "",
        "parameters": {name: parameter(value) for name, value in values.items()},
        "environments": names(made.jobEnvironments),
        "steps": steps,
    }


OPERATIONS = {
    "expression": expression,
    "job": job,
    "python": python,
    "template": lambda request: template(request) and {"ok": True},
}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = OPERATIONS[request["op"]](request)
        except Exception as e:  # whatever a package refuses with
            answer = {"ok": False, "error": f"{type(e).__name__}: {e}"[:2000]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
