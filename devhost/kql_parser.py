"""Microsoft's parser of KQL, from npm: what it says of queries, with no workspace."""

from __future__ import annotations

import atexit
import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import msgspec

from devhost.storage import StorageError, find_node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent / "kql"
SCRIPT = FOLDER / "check.cjs"
PACKAGE = FOLDER / "node_modules/@kusto/language-service-next"

# The tables that the pack reads, and the types of their columns.
TABLES = FOLDER / "tables.json"

_LONGEST_S = 300
_ONE_AT_A_TIME = threading.Lock()


class ParserMissing(Exception):
    """Node.js or the parser is not there; the text says what to do."""


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """What the parser has against a query, and where."""

    severity: str
    code: str
    line: int
    at: str
    message: str


class Column(msgspec.Struct, frozen=True):
    """A column that a query returns, by the parser's reckoning."""

    name: str
    type: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the parser makes of one query.

    ``strings`` are the values of the string literals in each `let` statement, as the
    parser reads them; ``shadowed`` the names of `let` statements that mean a column
    somewhere; ``ends`` is the query's last operator.
    """

    name: str
    diagnostics: list[Diagnostic]
    columns: list[Column]
    tables: list[str]
    strings: dict[str, list[str]]
    shadowed: list[str]
    ends: str


class Text(msgspec.Struct, frozen=True):
    """A query to check."""

    name: str
    text: str


class _Answer(msgspec.Struct, frozen=True):
    """What it makes of all queries, or the trace of what it failed of."""

    checked: list[Checked] = []
    error: str = ""


def tables() -> dict[str, dict[str, str]]:
    """The schema that queries are checked against: types of columns, by table."""
    return msgspec.json.decode(TABLES.read_bytes(), type=dict[str, dict[str, str]])


def check(
    queries: Sequence[Text], schema: Mapping[str, Mapping[str, str]] | None = None
) -> list[Checked]:
    """What the parser says of each query. Raises ParserMissing.

    ``schema`` is that of ``tables`` unless it is given.
    """
    if not PACKAGE.is_dir():
        raise ParserMissing(
            f"the parser of KQL is not installed: run `make setup`, or `npm ci` in {FOLDER}"
        )
    try:
        node = find_node()
    except StorageError:
        raise ParserMissing(
            "the parser of KQL needs Node.js: run `make setup`"
        ) from None
    asked = {"tables": tables() if schema is None else schema, "queries": queries}
    answer = _asked(_started(node), msgspec.json.encode(asked))
    found = msgspec.json.decode(answer, type=_Answer)
    if found.error:
        raise RuntimeError(found.error[-2000:])
    return found.checked


@cache
def _started(node: str) -> subprocess.Popen[bytes]:
    """The parser as a process of ours, which takes more than a second to start."""
    process = subprocess.Popen(
        [node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    # It ends when nobody can ask it any more, and so too when we are killed.
    atexit.register(process.communicate)
    return process


def _asked(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """What it answers, when its turn comes. Raises RuntimeError."""
    questions, answers = (cast("IO[bytes]", p) for p in (process.stdin, process.stdout))
    patience = threading.Timer(_LONGEST_S, process.kill)
    with _ONE_AT_A_TIME:
        patience.start()
        try:
            questions.write(line + b"\n")
            questions.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            patience.cancel()
    if not answer:
        _started.cache_clear()
        raise RuntimeError(f"the parser of KQL ended: {process.wait()}")
    return answer
