"""`wattledger ingest`: files from disk on the one road, and a table of what became of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattledger.cli.ingest_outcome import Outcome
from wattledger.cli.lazy import EXIT_ERROR, new_app
from wattledger.cli.options import AsJson, Data

if TYPE_CHECKING:
    from wattledger.cli.runtime import Runtime
    from wattledger.model import Payload, Wrapping

MOST_BYTES = 256 * 1024 * 1024
HEAD = 64 * 1024
app = new_app()


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON, XML; plain, gzip, zip, PGP.")
    ],
    esiid: Annotated[
        str | None, typer.Option(help="The meter, where the file itself does not name it.")
    ] = None,
    json: AsJson = False,
    data: Data = None,
) -> None:
    """Read files into the ledger and show what was accepted, superseded, blank and rejected.

    A file that was read before changes nothing. Exit code 0 when every file was read.

    \b
    Example:
      wattledger ingest IntervalData.csv
      wattledger ingest --data ./home downloads/*.csv archive.zip
      wattledger ingest --esiid 10443720000000000 GreenButton.xml
    """
    outcomes = asyncio.run(_ingest(files, esiid, data))
    from wattledger.cli import ingest_table

    (ingest_table.as_json if json else ingest_table.show)(outcomes)
    if not all(outcome.read for outcome in outcomes):
        raise typer.Exit(EXIT_ERROR)


async def _ingest(files: list[Path], esiid: str | None, data: Path | None) -> list[Outcome]:
    from rich.console import Console
    from rich.progress import Progress

    from wattledger.cli.runtime import opened

    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    outcomes = []
    async with opened(data) as runtime:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("Reading", total=sum(sizes) or 1)
            for path, size in zip(files, sizes, strict=True):
                progress.update(bar, description=path.name)
                outcomes.append(await read_file(runtime, path, esiid))
                progress.advance(bar, size)
    return outcomes


async def read_file(runtime: Runtime, path: Path, esiid: str | None) -> Outcome:
    """One file on the road. Never raises for what the file is; other files go on."""
    from wattledger.errors import Misconfigured, WattledgerError

    site = (await runtime.store.sites.default()).id
    try:
        payload = await payload_of(runtime, path, esiid)
        return Outcome(path, await runtime.store.payloads.deliver(site, payload))
    except Misconfigured:
        raise
    except WattledgerError as error:
        return Outcome(path, error=str(error))
    except OSError as error:
        return Outcome(path, error=f"{path} cannot be read: {error.strerror}.")


async def payload_of(runtime: Runtime, path: Path, esiid: str | None) -> Payload:
    """The payload a file holds, PGP opened. Raises BadPayload, Refused, OSError."""
    from wattledger import connectors
    from wattledger.errors import Refused
    from wattledger.model import Payload, Source

    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"{path} is larger than 256 MiB; split it and ingest the parts.", "TOO_LARGE")
    body = await asyncio.to_thread(path.read_bytes)
    body, wrapped_in = await _without_pgp(runtime, path, body)
    return Payload(
        connector=connectors.recognise(body) or "smart_meter_texas",
        source=Source.UPLOAD,
        body=body,
        received_at=runtime.clock.now(),
        filename=path.name,
        headers={"esiid": esiid} if esiid else {},
        wrapped_in=wrapped_in,
    )


async def _without_pgp(runtime: Runtime, path: Path, body: bytes) -> tuple[bytes, tuple[Wrapping, ...]]:
    from hashlib import sha256

    from wattledger.connectors.smart_meter_texas.drop.pgp import PgpKeys, looks_encrypted, open_pgp
    from wattledger.model import Wrapping

    if not looks_encrypted(body[:HEAD]):
        return body, ()
    plain = await open_pgp(body, PgpKeys.of(runtime.settings))
    return plain, (Wrapping("pgp", path.name, sha256(body).hexdigest()),)
