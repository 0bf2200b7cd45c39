"""Raw files: what came, what reading it did, download, add, read again, withdraw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from wattledger.errors import Refused, WattledgerError
from wattledger.store.people.people import Principal
from wattledger.store.rows import Summary
from wattledger.web.audited import note
from wattledger.web.auth import Manager, User, actor
from wattledger.web.download import attachment
from wattledger.web.hub import hub
from wattledger.web.pages.preview import Preview, preview
from wattledger.web.pages.render import PageRoute, page
from wattledger.web.parameters import payload_id
from wattledger.web.v1.uploads import take_file

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 50
MOST_AT_ONCE = 50


@router.get("/files", summary="Raw files")
async def files(
    request: Request,
    person: User,
    q: Annotated[str, Query(max_length=200)] = "",
    esiid: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> Response:
    """Newest first, fifty at a time; `q` looks in names and ESIIDs."""
    text = q.strip().replace("\0", "") or None
    rows = await hub(request).store.payloads.list(
        person.site, limit=PAGE + 1, before=before, text=text, external_id=esiid.replace("\0", "") or None
    )
    older = rows[PAGE - 1].id if len(rows) > PAGE else None
    values = {"rows": rows[:PAGE], "older": older, "q": q, "esiid": esiid, "before": before}
    return await page(request, "files.html", person, "files", **values)


@router.get("/files/{id}", summary="One raw file and what reading it did")
async def one(request: Request, person: User, id: str) -> Response:
    """Its identity, what it was wrapped in, and the equation of its rows."""
    return await _file(request, person, payload_id(id))


@router.post("/files/{id}/show", summary="The first lines of a sealed raw file")
async def show(request: Request, person: Manager, id: str) -> Response:
    """For who manages the site alone, and noted in the audit."""
    return await _file(request, person, payload_id(id), sealed=True)


async def _file(request: Request, person: Principal, id: int, sealed: bool = False) -> Response:
    store = hub(request).store
    row = await store.payloads.get(id, person.site)
    if sealed:
        await note(request, person, "payload.shown", f"payload:{row.id}")
    try:
        first = await preview(store, row, sealed)
    except WattledgerError as error:
        first = Preview(why=str(error))
    summary = Summary.from_json(row.summary)
    return await page(request, "file.html", person, "files", row=row, summary=summary, first=first)


@router.get("/files/{id}/download", summary="The raw bytes, as received")
async def download(request: Request, person: User, id: str) -> Response:
    """Byte-identical, always as an attachment."""
    store = hub(request).store
    row = await store.payloads.get(payload_id(id), person.site)
    body = await store.payloads.body(row.id, person.site)
    await note(request, person, "payload.download", f"payload:{row.id}")
    return attachment(row, body)


@router.post("/upload", summary="Add files by a form")
async def upload(request: Request, person: Manager) -> Response:
    """Read each file; one that can't be read is kept and listed with the reason."""
    found = []
    async with request.form(max_files=MOST_AT_ONCE, max_fields=5) as form:
        sent = [f for f in form.getlist("file") if isinstance(f, UploadFile) and (f.size or f.filename)]
        if not sent:
            raise Refused("Choose at least one file.", "NO_FILE", "file")
        for file in sent:
            found.append(await _take(request, person, file))
    return RedirectResponse(f"/files/{found[0]}" if len(found) == 1 else "/files", 303)


async def _take(request: Request, person: Principal, file: UploadFile) -> str:
    name = "".join(c for c in file.filename or "" if c.isprintable())[:200] or "upload"
    mime = (file.content_type or "application/octet-stream")[:100]
    receipt = await take_file(hub(request), person, name, mime, await file.read())
    return str(receipt["id"])


@router.post("/files/{id}/reread", summary="Read a raw file again")
async def reread(request: Request, person: Manager, id: str) -> Response:
    """With today's parser; the ledger changes only where the parser learned something."""
    await hub(request).store.payloads.reread(payload_id(id), person.site)
    await note(request, person, "payload.reread", f"payload:{payload_id(id)}")
    return RedirectResponse(f"/files/{payload_id(id)}", 303)


@router.post("/files/{id}/withdraw", summary="Withdraw a raw file")
async def withdraw(request: Request, person: Manager, id: str) -> Response:
    """The ledger as if the file had never come; its bytes stay."""
    await hub(request).store.payloads.withdraw(payload_id(id), person.site, actor(person))
    return RedirectResponse(f"/files/{payload_id(id)}", 303)
