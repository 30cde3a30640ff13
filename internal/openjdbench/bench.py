"""Measures the Python packages: bench.py WORKLOAD COUNT TEMPLATE prints the seconds of processor time that COUNT repetitions took."""

import sys
import time

from openjd.expr import ExprProfile, SymbolTable as ExprSymbolTable, parse_expression
from openjd.model import (
    DocumentType,
    StepParameterSpaceIterator,
    SymbolTable,
    create_job,
    decode_job_template,
    document_string_to_object,
)
from openjd.model.v2023_09 import FormatString
from openjd.model.v2023_09 import ModelParsingContext as Context



def check(count, text):
    for _ in range(count):
        document = document_string_to_object(document=text, document_type=DocumentType.YAML)
        decode_job_template(template=document, supported_extensions=[])


def enumerate_tasks(count, text):
    document = document_string_to_object(document=text, document_type=DocumentType.YAML)
    job = create_job(job_template=decode_job_template(template=document), job_parameter_values={})
    for i, _ in enumerate(StepParameterSpaceIterator(space=job.steps[0].parameterSpace)):
        if i + 1 == count:
            break

def names(count, text):
    string = FormatString(text, context=Context())
    table = SymbolTable()
    for name, value in (("Param.Scene", "shot.blend"), ("Param.Camera", "left")):
        table[name] = value
    for i in range(count):
        table["Task.Param.Frame"] = i
        string.resolve(symtab=table)

def expressions(count, text):
    expression = parse_expression(text)
    table = ExprSymbolTable()
    table["Param.Scene"] = "shot.blend"
    profile = ExprProfile.latest()
    for i in range(count):
        table["Task.Param.Frame"] = i
        str(expression.evaluate(values=table, profile=profile))

workload, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path) as f:
    content = f.read()
start = time.process_time()
{"check": check, "enumerate": enumerate_tasks, "names": names, "expressions": expressions}[workload](count, content)
print(time.process_time() - start)
