"""Reads of Azure that never raise for what a side says: what fails is noted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shared.model.errors import ResponderError
from shared.posture.estate import Unread, path_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.model.errors import FailureReason
    from shared.model.rest import Document
    from shared.posture.estate import Part
    from shared.posture.gate import Gate

PERMISSION = "to read it (role Reader, or Security Reader and Monitoring Reader)"

TIME_OVER = "the time of an audit was over"

_T = TypeVar("_T")

Documents = list[dict[str, Any]]


class Reads(Protocol):
    """The reads of ``shared.model.rest.Rest``, and no more of it."""

    async def find(self, path: str, *, permission: str = ...) -> Document | None:
        """A document, or None where it is not there."""
        ...

    async def list_all(
        self, path: str, *, permission: str = ...
    ) -> list[dict[str, Any]]:
        """Everything that a list shows, on all its pages."""
        ...


class Graph(Protocol):
    """Resource Graph: what it has to say to a question, about some subscriptions."""

    async def rows(self, subscriptions: Sequence[str], query: str) -> Documents:
        """Every row, or TransientFailure or PermanentFailure."""
        ...


class Asking:
    """Asks through a gate until ``deadline``, by the loop's clock; ``unread`` grows."""

    def __init__(
        self, arm: Reads, graph: Graph, *, gate: Gate, deadline: float | None
    ) -> None:
        self.unread: list[Unread] = []
        self._arm = arm
        self._graph = graph
        self._gate = gate
        self._deadline = deadline

    async def list_all(self, path: str) -> Documents:
        """A list. Raises as ``Reads`` does, so it is given to ``read``."""
        return await self._arm.list_all(path, permission=PERMISSION)

    async def find(self, path: str) -> dict[str, Any]:
        """A document, an empty one where it is not there; raises likewise."""
        found = await self._arm.find(path, permission=PERMISSION)
        return found.content or {"id": path} if found else {}

    async def graph(
        self, what: Part, subscriptions: Sequence[str], query: str
    ) -> Documents | None:
        """The rows of a question about subscriptions, which are paths."""
        names = [each.rpartition("/")[2] for each in subscriptions]
        return await self.read(what, "", lambda: self._graph.rows(names, query))

    async def read(
        self,
        what: Part,
        scope: str,
        call: Callable[[], Awaitable[_T]],
        *,
        raises: frozenset[FailureReason] = frozenset(),
    ) -> _T | None:
        """What a call gives; None, and a note, where it cannot be read."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._gate(path_of(scope), call)
        except ResponderError as error:
            if error.reason in raises:
                raise
            self.note(what, scope, str(error))
        except TimeoutError:
            self.note(what, scope, TIME_OVER)
        return None

    def note(self, what: Part, scope: str, reason: str) -> None:
        """Note what is not known of the subscription that something is in."""
        self.unread.append(Unread(what, path_of(scope), reason))
