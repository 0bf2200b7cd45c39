"""Writes the pages that are made from the code: settings, commands, routes, metrics. `./dev docs` runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Made from the code by `./dev docs`; edit the code instead. -->"
WIDTH = {"terminal_width": 100, "max_content_width": 100}
SMT_PREFIXES = (
    "SMT_",
    "INTELLIWATT_",
    "DROPLET_",
    "ADMIN_",
    "GNUPG_",
    "WATTLEDGER_RELAY_",
    "WATTLEDGER_TLS_",
)


def settings_page() -> str:
    """Every variable."""
    return f"""{NOTE}
# Settings

Nothing has to be set. A variable is looked for in this order; the first source that has it wins:

1. the process environment, as `NAME`
2. a file that `NAME_FILE` names, its whole content without surrounding blanks
3. a systemd credential of that name
4. `.env` in the data folder
5. `~/.intelliwatt.env`
6. `/home/deploy/smt_ingest/.env`

Env files tolerate an `export ` prefix and quotes. A wrong value ends every command with exit code 78 and
one line that names the variable, never its value. [Secrets](secrets.md) shows how Vault and AWS feed these.

{_settings_table(lambda name: True)}"""


def smt_page() -> str:
    """The variables of the Smart Meter Texas road alone."""
    return f"""{NOTE}
# Variables of the Smart Meter Texas relay and hub

The order in which sources are read is on [the settings page](../settings.md).

{_settings_table(lambda name: name.startswith(SMT_PREFIXES))}"""


def _settings_table(wanted: Callable[[str], bool]) -> str:
    from wattledger.config import Settings

    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for field in Settings.model_fields.values():
        if wanted(field.alias or ""):
            rows.append(f"| `{field.alias}` | {_default(field.default)} | {_cell(field.description or '')} |")
    return "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if value is None or value == ():
        return ""
    home = str(Path.home())
    return f"`{str(value).replace(home, '~')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def commands_page() -> str:
    """Every command with its help."""
    from wattledger.cli.lazy import COMMANDS

    rows = [f"| [`wattledger {name}`](#wattledger-{name}) | {line} |" for name, line in COMMANDS.items()]
    parts = [f"## wattledger {words}\n\n```text\n{text}\n```" for words, text in command_helps()]
    table = "\n".join(["| command | does |", "|---|---|", *rows])
    return f"""{NOTE}
# Commands

Exit codes: 0 done, 1 an error of ours (one line on stderr), 2 wrong usage, 78 a setting is missing or wrong,
130 stopped by Ctrl-C. Commands whose codes say more name them in their help.

{table}

{chr(10).join(f"{part}{chr(10)}" for part in parts)}"""


def command_helps() -> Iterator[tuple[str, str]]:
    """Every command (`smt token`) with the text of its --help, 100 columns wide."""
    from typer.main import get_command

    from wattledger.cli import app

    root: Any = get_command(app)
    context = root.make_context(
        "wattledger", [], resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    for name in root.list_commands(context):
        yield from _helps(root.get_command(context, name), name, context)


def _helps(command: Any, words: str, parent: Any) -> Iterator[tuple[str, str]]:
    name = words.rpartition(" ")[2]
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, **WIDTH)
    yield words, command.get_help(context).strip()
    for sub in sorted(getattr(command, "commands", {})):
        yield from _helps(command.commands[sub], f"{words} {sub}", context)


RELAY_ROUTES = {
    "POST /trigger/smt-now": "ask for a cycle, or for one call of the vendor's API; 202 with the run's id",
    "POST /run-once": "run one cycle and answer with its line; 502 where it failed",
    "POST /canary": "send a small file of a deployment test the whole way; answers with the cycle's line",
    "GET /runs/{run}": "how a run went",
    "GET /health": "whether it runs, the last line's counts, what waits",
    "GET /healthz": "the same",
}


def routes_page() -> str:
    """Every route of hub and relay with who may call it."""
    from wattledger.web.routes import routes_table

    relay = [f"| `{route}` | {RELAY_ROUTES[route]} |" for route in relay_routes()]
    return f"""{NOTE}
# Routes

Another person's things look as if they did not exist (404). Bodies and answers are in `/openapi.json`,
shown at `/docs`.

## Hub

{routes_table(_hub())}
## Relay, port 8787

Header `x-intelliwatt-secret`, except for health.

{chr(10).join(["| route | what |", "|---|---|", *relay])}
"""


def _hub() -> Any:
    """The hub's app without a database: enough to list its routes."""
    from wattledger.config import Settings
    from wattledger.web.app import create_app

    nothing: Any = object()
    return create_app(nothing, Settings.model_validate({}))


def relay_routes() -> list[str]:
    """`METHOD path` of every route of the relay."""
    from wattledger.relay.server import create_app

    nothing: Any = object()
    routes: Any = create_app(nothing, nothing).routes
    return [f"{method} {r.path}" for r in routes for method in sorted(set(r.methods) - {"HEAD"})]


def metrics_page() -> str:
    """Every metric of /metrics."""
    rows = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    for name, kind, labels, text in metrics():
        told = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{name}` | {kind} | {told} | {_cell(text)} |")
    return f"""{NOTE}
# Metrics

`GET /metrics` answers in Prometheus' text format. It needs `x-admin-token`, or as Bearer the operator's API
token; on a hub with one site its owner's token does too. Gauges are read from the database when they are
asked for, so one hub speaks for all hubs and workers on it; counters and histograms are of the process that
answers. [Grafana and Prometheus](grafana.md) shows how to scrape, draw and be alarmed.

{chr(10).join(rows)}
"""


def metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """(name as it is scraped, kind, labels, text) of every metric."""
    from wattledger.web.metrics import Metrics

    registry: Any = Metrics().registry
    for one in dict.fromkeys(registry._collector_to_names):
        kind = type(one).__name__.lower()
        suffix = "_total" if kind == "counter" else ""
        yield f"{one._name}{suffix}", kind, tuple(one._labelnames), one._documentation


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "env/SMT_ENV_VARS.md": smt_page,
    "commands.md": commands_page,
    "routes.md": routes_page,
    "metrics.md": metrics_page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
