"""Requests that nobody sends in good faith, from a seed: for every route, by every role, any bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.web.helpers import PULL, inline
from tests.web.matrix import BY_ROUTE, Row

LONG_NUMBER = "9" * 5_000
NUMBERS = (
    "NaN", "nan", "inf", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "1" + "0" * 30, LONG_NUMBER,
    "-" + LONG_NUMBER, str(2**31), str(2**63), str(-(2**63) - 1), "0x10", "1_000", " 1", "+1", "1.5",
    "\u0661\u0662", "",
)  # fmt: skip
TEXTS = (
    "\0", "a\0b", "\ud800", "\udfff\ud800", "\uffff", "\u202e", "e\u0301", "\U0001f4a1",
    "=cmd|' /C calc'!A0", "' OR 1=1 --", "../../etc/passwd", "%00", "%", "%zz", "%ff", "a" * 10_000,
    "<script>alert(1)</script>", "{{7*7}}", "\r\nx-evil: 1", "\t", "\x7f\x85\xa0", "//evil.example",
    "/\\evil.example", "javascript:alert(1)", "NULL", "undefined", "[]", "{}",
)  # fmt: skip
MOMENTS = (
    "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "-0001-01-01",
    "2026-03-08T02:30:00", "2026-11-01T01:30:00-05:00", "2026-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1970-01-01", "2026-W01",
    "1899-12-31T24:00:00Z", "2025-11-01", "2025-11-03", "today",
)  # fmt: skip
USUAL = (
    "interval", "hour", "day", "month", "year", "week", "import", "export", "json", "csv", "parquet",
    "actual", "upload", "America/Chicago", "../zoneinfo", "Nowhere/Else", "owner@example.org", "member",
    "admin", "owner", "open", "all", "DELETE", "Home", "1", "0", "100", "true", "10443720000000001",
    "smart_meter_texas", "https://example.invalid/x",
)  # fmt: skip
FORM_NAMES = (
    "token", "email", "site", "timezone", "name", "role", "point", "start", "end", "url", "price", "way",
    "kind", "subject", "days", "confirm", "esiid", "owner", "next", "capacity", "latitude", "longitude",
    "file", "wish", "x",
)  # fmt: skip
ROLES = ("nobody", "member", "admin", "owner", "operator", "admin header", "machine", "stranger")
MIMES = (
    b"application/json", b"application/x-www-form-urlencoded", b"text/csv", b"application/octet-stream",
    b"text/html", b"application/json; charset=utf-16", b"multipart/form-data; boundary=B",
    b"multipart/form-data", b"", b"\xff/\x00", b"application/problem+json", b"a" * 5_000,
)  # fmt: skip
HEADER_NAMES = (
    b"host", b"cookie", b"authorization", b"origin", b"referer", b"sec-fetch-site", b"x-forwarded-for",
    b"x-forwarded-proto", b"x-forwarded-host", b"accept", b"accept-language", b"range", b"if-none-match",
    b"expect", b"if-modified-since", b"x-filename", b"x-admin-token", b"x-intelliwatt-secret",
    b"sc-signature", b"user-agent", b"content-length", b"content-type", b"content-encoding",
    b"transfer-encoding", b"x-http-method-override",
)  # fmt: skip
BOMB = gzip.compress(bytes(20 << 20))
JUNK = (b"&&&==", b"%", b"%ff%fe", b"&a", b"=", b"&a=b;c=d", b"[]={}|^`", b"&" * 2_000, b"+", b"&\x01=\x7f")
"""what may stand in a query: a server in front of us refuses bytes beyond ASCII"""
DEEP = 100_000
BROKEN = (
    b'{"a": 1e400}', b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": "\\ud800"}', b'{"a"',
    b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16"), b'{"a": "\xff\xfe"}', b'{"a": "\0"}', b"{} {}",
    b"null", b"[]", b'"x"', b"1", b"", b" " * 1000,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A route with the names that it listens to."""

    row: Row
    queries: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass
class Asked:
    """One request as an ASGI server hands it on; `parts` is the body, `whole` whether it ends properly."""

    method: str
    path: bytes
    """percent-encoded"""
    query: bytes
    headers: list[tuple[bytes, bytes]]
    parts: list[bytes] = field(default_factory=list)
    whole: bool = True


def targets(app: FastAPI) -> list[Target]:
    """Every route of the app."""
    found = []
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is None:
            continue
        said = getattr(route.original_route, "openapi_extra", None) or {}
        content = said.get("requestBody", {}).get("content", {})
        fields = (
            tuple(content.get("application/json", {}).get("schema", {}).get("properties", ())) or FORM_NAMES
        )
        queries = tuple(param.alias for param in dependant.query_params)
        for method in sorted(set(route.methods or ()) - {"HEAD"}):
            found.append(Target(BY_ROUTE[f"{method} {route.path}"], queries, fields))
    return found


class Grammar:
    """Requests of one seed. `ids` are things that exist, by kind."""

    def __init__(self, chance: Random, ids: dict[str, str]) -> None:
        self.chance, self.ids = chance, ids

    def request(self, target: Target, let_in: dict[str, str]) -> Asked:
        """Something hostile for this route, by somebody who has these headers."""
        row = target.row
        headers = [(name.encode(), value.encode()) for name, value in let_in.items()]
        headers += self._headers()
        parts, whole = [b""], True
        if row.method not in ("GET", "DELETE") or self.chance.random() < 0.02:
            mime, body = self._body(target)
            headers += mime
            parts, whole = self._parts(body)
        method = (
            row.method
            if self.chance.random() < 0.98
            else self.chance.choice(["HEAD", "OPTIONS", "TRACE", "X"])
        )
        return Asked(method, self._path(row), self._query(target), headers, parts, whole)

    def text(self) -> str:
        """A word that is odd, or not."""
        kinds: Sequence[Sequence[str]] = (NUMBERS, TEXTS, MOMENTS, USUAL, tuple(self.ids.values()))
        if self.chance.random() < 0.1:
            return "".join(chr(self.chance.randrange(0x11000)) for _ in range(self.chance.randint(1, 40)))
        return self.chance.choice(self.chance.choice(kinds))

    def _path(self, row: Row) -> bytes:
        known = self.ids.get(row.id or "", "f" * 32)
        word = known if self.chance.random() < 0.6 else self.text()
        path = row.path.replace("{id}", _quoted(word)).replace("{sha256}", _quoted(word))
        if self.chance.random() < 0.03:
            at = self.chance.randrange(1, len(path) + 1)
            path = (
                path[:at]
                + self.chance.choice(["/", "//", "/..", "%2f", "%00", ";a=b", "%c3%28", "."])
                + path[at:]
            )
        return path.encode()

    def _query(self, target: Target) -> bytes:
        named = [name for name in target.queries if self.chance.random() < 0.7]
        pairs = [(_quoted(name), _quoted(self._value_of(name))) for name in named]
        if self.chance.random() < 0.1:
            pairs += [(_quoted(self.text()), _quoted(self.text()))] * self.chance.choice([1, 2, 50])
        query = "&".join(f"{name}={value}" for name, value in pairs).encode()
        return query + self.chance.choice(JUNK) if self.chance.random() < 0.03 else query

    def _value_of(self, name: str) -> str:
        kind = {
            "point": "point",
            "unit": "device",
            "car": "vehicle",
            "vehicle_id": "vehicle",
            "deviceId": "device",
        }
        if name in ("start", "end", "date", "dateStart", "dateEnd") and self.chance.random() < 0.7:
            return self.chance.choice(MOMENTS)
        if name in kind and self.chance.random() < 0.6:
            return self.ids[kind[name]]
        return self.text()

    def _headers(self) -> Iterator[tuple[bytes, bytes]]:
        for _ in range(self.chance.choice([0, 0, 0, 0, 0, 1, 2, 5])):
            name = self.chance.choice(HEADER_NAMES)
            value = self.chance.choice(
                [
                    self.chance.randbytes(self.chance.randint(0, 60)),
                    self.text().encode("utf-8", "surrogatepass")[:9_000],
                ]
            )
            yield from [(name, value)] * self.chance.choice([1, 1, 1, 2])

    def _body(self, target: Target) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Headers that describe a body, and the body."""
        kind = self.chance.random()
        if kind < 0.02:
            return [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], BOMB
        if kind < 0.1:
            return [(b"content-type", self.chance.choice(MIMES))], self.chance.randbytes(
                self.chance.randint(0, 400)
            )
        if kind < 0.2:
            return [(b"content-type", b"application/json")], self._broken_json()
        if kind < 0.3:
            return [(b"content-type", b"multipart/form-data; boundary=B")], self._multipart()
        if target.row.form or kind < 0.4:
            pairs = "&".join(f"{name}={_quoted(self.text())}" for name in self._some(target.fields))
            return [(b"content-type", b"application/x-www-form-urlencoded")], pairs.encode()
        return [(b"content-type", b"application/json")], self._json(target)

    def _json(self, target: Target) -> bytes:
        good: dict[str, Any] = (
            inline(b"ESIID,USAGE_DATE\n") if target.row.path == PULL else dict(target.row.body or {})
        )
        message = {**good, **{name: self._odd() for name in self._some(target.fields)}}
        text = json.dumps(message, ensure_ascii=self.chance.random() < 0.7)
        for number in ("1e400", LONG_NUMBER):
            text = text.replace(f'"{number}"', number, 1) if self.chance.random() < 0.5 else text
        if message and self.chance.random() < 0.1:
            name = next(iter(message))
            text = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(self._odd())}}}"
        return text.encode("utf-8", "surrogatepass")

    def _odd(self, depth: int = 0) -> Any:
        pick = self.chance.randrange(9 if depth < 3 else 7)
        if pick == 7:
            return [self._odd(depth + 1) for _ in range(self.chance.randint(0, 4))]
        if pick == 8:
            return {self.text()[:50]: self._odd(depth + 1) for _ in range(self.chance.randint(0, 3))}
        odd: list[Any] = [
            None,
            True,
            10**30,
            self.chance.uniform(-1e308, 1e308),
            float("nan"),
            self.text(),
            self.text(),
        ]
        return odd[pick]

    def _broken_json(self) -> bytes:
        deep = self.chance.choice([b"[", b'{"a":', b"[{"]) * DEEP
        huge = b'{"name": ' + LONG_NUMBER.encode() + b"}"
        return self.chance.choice([deep, b"[" * DEEP + b"]" * DEEP, huge, *BROKEN])

    def _multipart(self) -> bytes:
        name = self.text().encode("utf-8", "surrogatepass")[:500]
        head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
        ends = [b"\r\n--B--\r\n", b"\r\n--B", b"", b"\r\n--C--\r\n", (b"\r\n" + head) * 200]
        return head + b"\r\n" + self.chance.randbytes(50) + self.chance.choice(ends)

    def _parts(self, body: bytes) -> tuple[list[bytes], bool]:
        cut = self.chance.randrange(len(body) + 1)
        return [body[:cut], body[cut:]], self.chance.random() < 0.97

    def _some(self, names: Sequence[str]) -> list[str]:
        return self.chance.sample(names, self.chance.randint(0, min(len(names), 5)))


def _quoted(word: str) -> str:
    return quote_from_bytes(word.encode("utf-8", "surrogatepass"), safe="/")
