"""Whether an answer is as the OpenAPI document has it."""

from __future__ import annotations

from typing import Any

import schemathesis
from fastapi import FastAPI
from httpx2 import Response
from schemathesis.core.failures import Failure, FailureGroup

from wattledger.web.reference import described

WRONG = (Failure, FailureGroup)
_known: list[tuple[Any, Any]] = []


def judge(app: FastAPI, method: str, path: str, answer: Response) -> None:
    """Raises one of WRONG where the document says otherwise, KeyError where it says nothing."""
    document, schema = _document(app)
    said = document["paths"][path][method.lower()]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in said or "*/*" in said, f"{kind} is not described"
    schema[path][method].validate_response(answer)


def _document(app: FastAPI) -> tuple[Any, Any]:
    """The document, and as the judge reads it: every app has the same, and it takes long to make."""
    if not _known:
        document = described(app)
        _known.append((document, schemathesis.openapi.from_dict(document)))
    return _known[0]
