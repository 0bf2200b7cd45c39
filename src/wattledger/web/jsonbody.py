"""JSON bodies, read strictly: UTF-8, finite numbers, whole surrogates, bounded depth, no unknown keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.functional_validators import AfterValidator

from wattledger.errors import Refused
from wattledger.web.answers import sentence

Model = TypeVar("Model", bound="Body")


def _plain(text: str) -> str:
    if any(ord(c) < 32 for c in text):
        raise ValueError("must not contain control characters")
    return text


Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_plain)]


class Body(BaseModel):
    """A JSON body: nothing but the declared keys, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def is_json(request: Request) -> bool:
    """Whether the request says that its body is JSON."""
    mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return mime == "application/json" or mime.endswith("+json")


async def read_json(request: Request) -> Any:
    """The body's JSON value. Raises Refused (415 wrong type, 400 bad JSON) with the place of the fault."""
    if not is_json(request):
        raise Refused("Send JSON with content-type application/json.", "EXPECTED_JSON", status=415)
    return decode(await request.body())


def decode(body: bytes) -> Any:
    """JSON bytes as a value. Raises Refused BAD_JSON, naming line and column."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The body is no valid JSON: {error}.", "BAD_JSON") from None


def json_body(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the body as `model`, after the route's guard has let the caller in."""

    async def read(request: Request) -> Model:
        value = await read_json(request)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise Refused(sentence(error.errors()), "INVALID", field_of(error), 422) from None

    return read


def field_of(error: ValidationError) -> str | None:
    """The name of the first field that is wrong."""
    location = error.errors()[0]["loc"]
    return ".".join(str(part) for part in location) or None


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads `model`."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
