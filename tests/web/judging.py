"""Whether an answer is as the OpenAPI document has it."""

from __future__ import annotations

import schemathesis
from fastapi import FastAPI
from httpx2 import Response
from schemathesis.core.failures import Failure, FailureGroup

from wattledger.web.reference import described

WRONG = (Failure, FailureGroup)


def judge(app: FastAPI, method: str, path: str, answer: Response) -> None:
    """Raises one of WRONG where the document says otherwise, KeyError where it says nothing."""
    document = described(app)
    said = document["paths"][path][method.lower()]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in said or "*/*" in said, f"{kind} is not described"
    schemathesis.openapi.from_dict(document)[path][method].validate_response(answer)
