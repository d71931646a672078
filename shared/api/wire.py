"""What a request brings, and the one form of every answer that says no."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_S = TypeVar("_S", bound=msgspec.Struct)

# RFC 9457.
PROBLEM_TYPE = "application/problem+json"

# Times that can be added to and brought to UTC without leaving what a date can be.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000

_INTEGER = re.compile(r"-?[0-9]{1,9}")
_BOOLEANS = {"true": True, "false": False}
_LONGEST_SAID = 200


class Request(NamedTuple):
    """A request as it came. Header names are in lower case.

    ``query`` has every value of a parameter; ``path`` the parts that the route names.
    """

    headers: Mapping[str, str]
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes = b""


class Answer(NamedTuple):
    """What goes back; without content where the status says it all."""

    status: HTTPStatus
    content: msgspec.Struct | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request, and where: a field, or a header."""

    path: str
    problem: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why not, as RFC 9457 has it; ``problems`` names each mistake of a request."""

    title: str
    status: int
    detail: str
    problems: tuple[Mistake, ...] = ()
    type: str = "about:blank"


def refusal(
    status: HTTPStatus,
    detail: str,
    *problems: Mistake,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer that says why not."""
    content = ProblemDetails(
        title=status.phrase, status=status.value, detail=detail, problems=problems
    )
    return Answer(status, content, {"content-type": PROBLEM_TYPE, **(headers or {})})


def bad(*problems: Mistake) -> Answer:
    """400, with every mistake that was found."""
    detail = "the request has mistakes; each is named"
    return refusal(HTTPStatus.BAD_REQUEST, detail, *problems)


def unknown(what: str) -> Answer:
    """404: there is none of that name."""
    return refusal(HTTPStatus.NOT_FOUND, f"there is no such {what}")


def fields(
    kind: type[_S], given: Mapping[str, object], *, within: str = ""
) -> tuple[_S | None, list[Mistake]]:
    """The values as a struct of that kind; or every field that is wrong, and why.

    msgspec stops at the first mistake, so each field is read by itself. ``within`` is
    put in front of the names.
    """
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    problems = [
        Mistake(within + plain(name, 40), "there is no such field")
        for name in given
        if name not in known
    ]
    read: dict[str, object] = {}
    for name, field in known.items():
        if name not in given:
            if field.required:
                problems.append(Mistake(within + name, "is missing"))
            continue
        try:
            read[field.name] = _moment(msgspec.convert(given[name], field.type))
        except (ValueError, OverflowError) as error:
            problems.append(_mistake(within + name, error))
    return (None if problems else kind(**read)), problems


def query(
    kind: type[_S], given: Mapping[str, Sequence[str]]
) -> tuple[_S | None, list[Mistake]]:
    """The parameters of a query as a struct; a repeated one is a list of texts."""
    types = {
        field.encode_name: msgspec.inspect.type_info(field.type)
        for field in msgspec.structs.fields(kind)
    }
    values: dict[str, object] = {}
    problems: list[Mistake] = []
    for name, texts in given.items():
        if isinstance(types.get(name), msgspec.inspect.VarTupleType):
            values[name] = list(texts)
        elif len(texts) > 1:
            problems.append(Mistake(f"query.{plain(name, 40)}", "is given twice"))
        else:
            values[name] = _plain_value(texts[0], types.get(name))
    read, more = fields(kind, values, within="query.")
    return (None if problems else read), [*problems, *more]


def _plain_value(text: str, kind: msgspec.inspect.Type | None) -> object:
    """The number or truth value that a text means where one is expected."""
    if isinstance(kind, msgspec.inspect.IntType) and _INTEGER.fullmatch(text):
        return int(text)
    if isinstance(kind, msgspec.inspect.BoolType):
        return _BOOLEANS.get(text, text)
    return text


def _moment(value: object) -> object:
    """A time in UTC, and not so far away that nothing can be reckoned with it."""
    if not isinstance(value, datetime):
        return value
    if not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise ValueError(f"Expected a year from {_FIRST_YEAR + 1} to {_LAST_YEAR - 1}")
    return value.astimezone(UTC)


def _mistake(path: str, error: Exception) -> Mistake:
    """What msgspec says of a value, with its place in a list, as one mistake."""
    said, _, inside = str(error).partition(" - at `$")
    return Mistake(path + inside.rstrip("`"), plain(said, _LONGEST_SAID))
