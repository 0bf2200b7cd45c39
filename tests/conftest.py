"""Databases for the tests: `database_url` runs a test on SQLite and on PostgreSQL, each time an empty one."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import re
import shutil
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpcore2
import pytest
import structlog
from hypothesis import settings

from tests import postgres_server, properties, statements, ticks
from tests.postgres_server import Server
from wattledger.store import database
from wattledger.store.database import Database
from wattledger.store.migrate import migrate

# A busy machine is no failure, and what passed once passes again; new examples are drawn by `--examples`.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")
# An error logged without a configuration is printed plainly: coloured, with every variable, it takes seconds.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
statements.share()
ticks.shorten()
# Loaded once: every client would load all certificates anew, though it speaks plain HTTP.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
# A request of the product has two seconds to wait; on a busy machine it has more.
HURRY = {name: getattr(database, name) for name in ("PATIENCE_POSTGRES", "PATIENCE_SQLITE", "LOCK_HURRIED")}
for _name in HURRY:
    setattr(database, _name, 30.0)

SHARED: pytest.StashKey[Server | None] = pytest.StashKey()
_numbers = itertools.count(1)
WHOLE = re.compile(r"/test_(crash|audit|schema|upgrade)\.py|::test_sabotage_")
ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(autouse=True)
def logs_as_at_first() -> None:
    """No test sees how another one set up the logs of this process."""
    structlog.reset_defaults()


@pytest.fixture
def product_hurry() -> dict[str, float]:
    """What the constants of `store.database` are outside of the tests."""
    return HURRY


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--examples 20`: of the tests given only properties, with 20 times as many examples, drawn anew."""
    parser.addoption("--examples", type=int, default=0, metavar="TIMES")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The garbage collector never looks at what is loaded here: it stays, and is most of the memory."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20)
        gc.enable()


def pytest_unconfigure() -> None:
    """At the end it may: extensions complain of what is never freed."""
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose properties where more examples are asked for, and what asks PostgreSQL once more."""
    if times := config.getoption("--examples"):
        items[:] = [item for item in items if properties.drawn(item, times)]
    mark_again(items)


def mark_again(items: list[pytest.Item]) -> None:
    """Mark `again` what asks PostgreSQL after the first case of a test that SQLite answers in all of them.

    Where the engine itself is in question (WHOLE), both are asked in every case. `soak` is left as it is.
    """
    quick = [item for item in items if not item.get_closest_marker("soak")]
    on_sqlite = {_function(item) for item in quick if not item.get_closest_marker("postgres")}
    asked: set[str] = set()
    for item in quick:
        name = _function(item)
        if name in on_sqlite and item.get_closest_marker("postgres") and not WHOLE.search(name):
            if name in asked:
                item.add_marker(pytest.mark.again)
            asked.add(name)


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Where several processes run the tests, the one that deals them out has the server of them all."""
    stash = node.config.stash
    if SHARED not in stash:
        stash[SHARED] = None  # without one, the tests themselves say why
        with suppress(postgres_server.Unavailable):
            stash[SHARED] = server = postgres_server.start()
            node.config.add_cleanup(server.stop)
    node.workerinput["postgres"] = stash[SHARED] and stash[SHARED].url


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One server for the session."""
    shared = getattr(request.config, "workerinput", {}).get("postgres")
    try:
        server = Server(shared) if shared else postgres_server.start()
    except postgres_server.Unavailable as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres: Server) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = f"wl_template_{os.getpid()}"
    postgres.run(f"CREATE DATABASE {name}")
    _migrated(postgres.database(name))
    yield name
    postgres.run(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that others are copied from."""
    path = tmp_path_factory.mktemp("template") / "wattledger.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "wattledger.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Server, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = f"wl_{os.getpid()}_{next(_numbers)}"
    postgres.copy(postgres_template, name)
    yield postgres.database(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgres_url(postgres: Server) -> Iterator[str]:
    """A PostgreSQL database without any table."""
    name = f"wl_{os.getpid()}_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name}")
    yield postgres.database(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs once on each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def _migrated(url: str) -> None:
    async def work() -> None:
        database = Database(url)
        await migrate(database)
        await database.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work()).result()
