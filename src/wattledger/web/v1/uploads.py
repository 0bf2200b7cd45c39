"""POST /v1/uploads: files that a person has, by drag and drop or as a raw body."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from wattledger.errors import Refused
from wattledger.model import Payload, Source
from wattledger.store.people.principal import Principal
from wattledger.web import intake
from wattledger.web.answers import Json
from wattledger.web.auth import Manager, actor
from wattledger.web.contracts.smt import fields
from wattledger.web.hub import Hub, hub
from wattledger.web.v1.answered import answers
from wattledger.web.v1.archive_shapes import OneUpload, Uploads

router = APIRouter(prefix="/v1/uploads", tags=["Uploads"])
MOST_FILES = 50
_FILES = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FILES},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("", responses=answers(OneUpload | Uploads), openapi_extra=BODY)
async def upload(
    request: Request, person: Manager, filename: str | None = None, esiid: str | None = None
) -> Json:
    """Take in files of any supported form; each is answered by itself, a bad one delays no other."""
    found, claimed = hub(request), fields.esiid(esiid) if esiid else None
    async with found.streams:
        files = await _files(request, filename)
    results = [await take_file(found, person, name, mime, body, claimed) for name, mime, body in files]
    return Json({"ok": True, "results": results, **(results[0] if len(results) == 1 else {})})


async def take_file(
    found: Hub, person: Principal, name: str, mime: str, body: bytes, claimed: str | None = None
) -> dict[str, Any]:
    """Archive and read one file for the person's site. Returns its receipt as JSON."""
    payload = Payload(
        connector=await intake.connector_of(body),
        source=Source.UPLOAD,
        body=body,
        received_at=found.clock.now(),
        filename=name,
        mime=mime,
        headers={"esiid": claimed} if claimed else {},
    )
    delivered = await intake.take_in(found, person.site, payload, claimed)
    if not delivered.duplicate:
        about = {"via": person.via, "sha256": delivered.sha256}
        subject = f"payload:{delivered.id}"
        await found.store.audit.record(None, actor(person), "payload.uploaded", subject, about, person.site)
    return {"filename": name, **intake.receipt(delivered)}


async def _files(request: Request, filename: str | None) -> list[tuple[str, str, bytes]]:
    mime = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if mime == "multipart/form-data":
        return await _parts(request)
    name = filename or unquote(request.headers.get("x-filename", "")) or "upload"
    return [_checked(name, mime, await request.body())]


async def _parts(request: Request) -> list[tuple[str, str, bytes]]:
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=20)
    except (MultiPartException, ValueError, UnicodeError):
        raise Refused("The multipart body is not readable.", "BAD_FORM") from None
    try:
        sent = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not sent:
            raise Refused("Send at least one file, in a field named `file`.", "MISSING_FILE", "file")
        kind = "application/octet-stream"
        return [_checked(f.filename or "upload", f.content_type or kind, await f.read()) for f in sent]
    finally:
        await form.close()


def _checked(name: str, mime: str, body: bytes) -> tuple[str, str, bytes]:
    said = {"filename": name, "mime": mime}
    return fields.filename(said), fields.mime(said), body
