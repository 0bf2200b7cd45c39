"""Bombs of XML, JSON and CSV, by name; `size` is about what each has or becomes."""

from __future__ import annotations

from tests.bombs.packed import Make
from tests.payloads.smt import HEADER

HEAD = f"{HEADER}\n".encode()
FEED = b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Green Button</title>'
PART = 8
"""text bombs are sent as they are: an eighth of what others unfold to"""


def laughs(size: int) -> bytes:
    """A billion laughs."""
    entities = ['<!ENTITY a0 "lol">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))]
    return f'<?xml version="1.0"?><!DOCTYPE feed [{"".join(entities)}]><feed>&a9;</feed>'.encode()


def quadratic(size: int) -> bytes:
    """One long entity, used often."""
    word, times = "A" * 50_000, size // 50_000
    return f'<!DOCTYPE feed [<!ENTITY a "{word}">]><feed>{"&a;" * times}</feed>'.encode()


SPELLED: dict[str, Make] = {
    "XML of a billion laughs": laughs,
    "XML of one long entity": quadratic,
    "XML with a file of ours": lambda size: (
        b'<!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]><feed>&a;</feed>'
    ),
    "XML with an address": lambda size: (
        b'<!DOCTYPE feed SYSTEM "http://127.0.0.1:9/x.dtd"><feed xmlns="http://www.w3.org/2005/Atom"/>'
    ),
    "XML 100,000 deep": lambda size: FEED + b"<entry>" * 100_000,
    "XML of a million attributes": lambda size: (
        b"<feed " + b" ".join(b'a%d="1"' % n for n in range(size // PART // 16)) + b"/>"
    ),
    "JSON 100,000 deep": lambda size: b'{"a":' * 100_000,
    "JSON 100,000 lists deep": lambda size: b"[" * 100_000 + b"]" * 100_000,
    "JSON with a number of a million digits": lambda size: b'{"a": ' + b"9" * 1_000_000 + b"}",
    "JSON of a million keys": lambda size: (
        b"{" + b",".join(b'"%d":1' % n for n in range(size // PART // 12)) + b"}"
    ),
    "CSV of one line": lambda size: b"ESIID," + b"9" * (size // PART),
    "CSV of commas": lambda size: HEAD + b"," * (size // PART // 4),
    "CSV with a quote that never ends": lambda size: HEAD + b'"' + b"a\n" * (size // PART // 2),
    "CSV of empty lines": lambda size: HEAD + b"\n" * (size // PART),
    "CSV of headers": lambda size: HEAD * (size // PART // len(HEAD)),
    "CSV of headers that differ": lambda size: b"".join(
        HEAD.replace(b"USAGE_KWH", b"USAGE_KWH,x%d" % n) for n in range(size // PART // len(HEAD))
    ),
    "CSV of quoted words": lambda size: (
        HEAD + b'"a",' * 5 + b"\n" + b'"words, words",1\n' * (size // PART // 17)
    ),
    "nothing but zeros": lambda size: bytes(size // PART),
}
