"""What an operation of the API is: a line of the table in ``operations``."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from shared.api.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shared.api.wire import Answer
    from shared.bootstrap import App
    from shared.commands import Order

_PART = re.compile(r"\{(\w+)\}")

# What the parts of a route may be. Ids of alerts are the detectors' own texts; their
# rows go by a hash.
PARTS: Mapping[str, Any] = {
    "id": Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")],
    "deed": Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")],
    "name": Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9-]{0,39}$")],
    "alert_id": Annotated[str, msgspec.Meta(min_length=1, max_length=256)],
}

# Those that are part of a row's key as they are.
KEYS = frozenset({"id", "deed", "name"})


class Nothing(msgspec.Struct, frozen=True):
    """A query without parameters, or no body."""


class Call(NamedTuple):
    """A request that was read and found well-formed; ``order`` says who, and on what.

    ``query`` and ``body`` are structs of the kinds that the operation names, ``known``
    the entity tags that the sender has already.
    """

    app: App
    operations: Mapping[str, Operation]
    path: Mapping[str, str]
    query: Any
    body: Any
    order: Order
    known: frozenset[str]


class Operation(NamedTuple):
    """What is done on a route of ``ROUTES``, by whom, and what is said of it.

    ``name`` is the route's, and the operation's in the OpenAPI document.
    ``answers`` are the kinds of the good ones; a ``takes_tag`` operation heeds If-Match.
    One that ``decides`` is for people whom the policy names as approvers.
    """

    name: str
    summary: str
    run: Callable[[Call], Awaitable[Answer]]
    answers: type[msgspec.Struct] | None
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    good: HTTPStatus = HTTPStatus.OK
    takes_tag: bool = False
    gives_tag: bool = False
    decides: bool = False

    @property
    def method(self) -> str:
        """The HTTP method."""
        return ROUTES[self.name][0]

    @property
    def route(self) -> str:
        """The path below ``/api/``, with its parts in braces."""
        return ROUTES[self.name][1]

    @property
    def parts(self) -> list[str]:
        """The names in its route."""
        return _PART.findall(self.route)

    @property
    def is_command(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"
