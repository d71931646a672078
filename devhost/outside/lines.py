r"""Lines of syslog, LEEF and CEF, read as their receivers read them.

Nothing of what writes them is used here. (remote-apis-sinks.md 13 to 15)
"""

from __future__ import annotations

import re

import msgspec

LINE_LIMIT = 8_192

_HEADERS = (
    # RFC 5424 whole, its short form as IBM has it, RFC 3164.
    re.compile(
        r"<(?P<pri>[0-9]{1,3})>1 (?P<at>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+)"
        r" (?P<id>\S+) (?P<sd>-|(?:\[[^\]]*\])+) (?P<text>(?:LEEF|CEF):.*)"
    ),
    re.compile(
        r"<(?P<pri>[0-9]{1,3})>1 (?P<at>\S+) (?P<host>\S+) (?P<text>(?:LEEF|CEF):.*)"
    ),
    re.compile(
        r"<(?P<pri>[0-9]{1,3})>(?P<at>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})"
        r" (?P<host>\S+) (?P<text>(?:LEEF|CEF):.*)"
    ),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")
_EXTENSION_KEY = re.compile(r"[A-Za-z0-9_.\[\]]+")
_ESCAPED = {"n": "\n", "r": "\r"}


class BadLine(Exception):
    """A line that its receiver could not make sense of; the text says why."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver parsed: the header's parts, and the fields by their keys."""

    syntax: str
    priority: int
    at: str
    host: str
    event: str
    severity: str
    fields: dict[str, str]


def frames(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole lines of a stream, however they are framed, and what is left."""
    found: list[bytes] = []
    while buffer:
        if buffer[:1].isdigit():
            length, space, rest = buffer.partition(b" ")
            if not space or len(rest) < int(length):
                break
            found.append(rest[: int(length)])
            buffer = rest[int(length) :]
        else:
            line, newline, rest = buffer.partition(b"\n")
            if not newline:
                break
            found.append(line)
            buffer = rest
    return found, buffer


def read(frame: bytes) -> Line:
    """One line. Raises BadLine."""
    if len(frame) > LINE_LIMIT:
        raise BadLine(f"{len(frame)} bytes, over {LINE_LIMIT}")
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    if _CONTROL.search(text):
        raise BadLine("a control character")
    parts = next((m for h in _HEADERS if (m := h.fullmatch(text))), None)
    if parts is None:
        raise BadLine("no header of syslog that is known")
    body = parts["text"]
    syntax = "leef" if body.startswith("LEEF:") else "cef"
    event, severity, fields = _leef(body) if syntax == "leef" else _cef(body)
    return Line(
        syntax=syntax,
        priority=int(parts["pri"]),
        at=parts["at"],
        host=parts["host"],
        event=event,
        severity=severity,
        fields=fields,
    )


def _leef(body: str) -> tuple[str, str, dict[str, str]]:
    parts = body.split("|", 6)
    if len(parts) != 7 or parts[0] != "LEEF:2.0":
        raise BadLine("no header of LEEF 2.0")
    _, _, _, _, event, delimiter, rest = parts
    if delimiter != "x09":
        raise BadLine("a delimiter that is not a tab")
    fields: dict[str, str] = {}
    for pair in rest.split("\t"):
        key, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"\w+", key):
            raise BadLine(f"no key in {pair[:40]!r}")
        if key in fields:
            raise BadLine(f"{key} twice")
        fields[key] = value
    return event, fields.get("sev", ""), fields


def _cef(body: str) -> tuple[str, str, dict[str, str]]:
    # Seven parts before the extension; a bar that is escaped ends none.
    parts, rest = [], body
    for _ in range(7):
        part = re.match(r"((?:[^\\|]|\\.)*)\|", rest)
        if part is None:
            raise BadLine("no header of CEF")
        parts.append(re.sub(r"\\(.)", r"\1", part[1]))
        rest = rest[part.end() :]
    if parts[0] not in {"CEF:0", "CEF:1"}:
        raise BadLine("no version of CEF that is known")
    return parts[4], parts[6], _extension(rest)


def _extension(text: str) -> dict[str, str]:
    """The pairs: a key is what stands between a blank and an equals sign that is bare."""
    marks = re.finditer(r"\\.|=", text)
    bare = [mark.start() for mark in marks if mark[0] == "="]
    fields: dict[str, str] = {}
    for number, equals in enumerate(bare):
        key = text[text.rfind(" ", 0, equals) + 1 : equals]
        if not _EXTENSION_KEY.fullmatch(key):
            raise BadLine(f"no key in {key[-40:]!r}")
        end = len(text)
        if number + 1 < len(bare):
            end = text.rindex(" ", 0, bare[number + 1])
        if key in fields:
            raise BadLine(f"{key} twice")
        fields[key] = re.sub(
            r"\\(.)", lambda m: _ESCAPED.get(m[1], m[1]), text[equals + 1 : end]
        )
    return fields
