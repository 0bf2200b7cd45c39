"""/v1/export and /v1/site: a site's owner takes everything away, or deletes it for good."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from wattledger.store.people.principal import Principal
from wattledger.web.answers import Json
from wattledger.web.audited import note
from wattledger.web.auth import Owner
from wattledger.web.download import disposition
from wattledger.web.everything.delete import delete_everything
from wattledger.web.everything.export import export
from wattledger.web.hub import hub
from wattledger.web.v1 import archive_shapes as shapes
from wattledger.web.v1.answered import answers

router = APIRouter(prefix="/v1", tags=["Sites"])


@router.get("/export", response_class=Response, responses=answers(media=["application/zip"]))
async def take(request: Request, person: Owner) -> Response:
    """Download everything of the site as one ZIP: payloads as received, readings, sessions, people, audit."""
    return await everything(request, person)


async def everything(request: Request, person: Principal) -> Response:
    """The ZIP of the person's site, streamed, with a line in the audit."""
    found = hub(request)
    site, now = await found.store.sites.get(person.site), found.clock.now()
    await note(request, person, "site.exported", f"site:{site.id}")
    name = disposition(f"wattledger_{site.name}_{now:%Y-%m-%d}.zip")
    parts = export(found.store, site, now)
    return StreamingResponse(parts, media_type="application/zip", headers={"content-disposition": name})


@router.delete("/site", responses=answers(shapes.Erased))
async def delete(request: Request, person: Owner, confirm: str = "") -> Json:
    """Delete everything of the site for good; `confirm` is the site's name. People and audit stay."""
    done = await delete_everything(hub(request), person, confirm)
    return Json({"ok": True, **asdict(done.erased), "told": done.told})
