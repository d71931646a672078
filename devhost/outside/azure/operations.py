"""What takes long: begun now, over later, and asked about in between.

(remote-apis-azure.md 0.3)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import web

from devhost.outside.azure.answers import Refused

# Seconds to minutes at Azure; nobody waits so long at a terminal.
LASTS = timedelta(seconds=2)
# In seconds, as few as there are.
RETRY_AFTER = {"Retry-After": "1"}


class Operation(msgspec.Struct, kw_only=True):
    """One change of ``target`` that takes its time; without ``ends_at`` it never ends.

    ``end`` is what happens then, ``result`` what whoever asked for something gets, and
    ``code`` why it will have failed. One that is not ``is_known`` goes on all the same.
    """

    name: str
    target: str
    ends_at: datetime | None
    end: Callable[[], None]
    code: str = ""
    result: dict[str, Any] | None = None
    is_over: bool = False
    is_known: bool = True

    @property
    def status(self) -> str:
        """As Azure-AsyncOperation says it."""
        if not self.is_over:
            return "InProgress"
        return "Failed" if self.code else "Succeeded"


class Operations:
    """Everything that was begun; what is over takes effect when somebody looks."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.lasts = LASTS
        self._operations: dict[str, Operation] = {}

    def begin(
        self,
        target: str,
        end: Callable[[], None],
        *,
        code: str = "",
        result: dict[str, Any] | None = None,
        is_endless: bool = False,
    ) -> Operation:
        """Begin one; with a ``code`` it will have failed."""
        operation = Operation(
            name=str(uuid4()),
            target=target,
            ends_at=None if is_endless else self._clock() + self.lasts,
            end=end,
            code=code,
            result=result,
        )
        self._operations[operation.name] = operation
        return operation

    def settle(self) -> None:
        """Let everything that should be over by now be over, in its order."""
        now = self._clock()
        for operation in self._operations.values():
            ends_at = operation.ends_at
            if not operation.is_over and ends_at is not None and ends_at <= now:
                operation.is_over = True
                operation.end()

    def is_busy(self, target: str) -> bool:
        """Whether anything of this resource goes on."""
        return any(
            not each.is_over and each.target == target
            for each in self._operations.values()
        )

    def find(self, name: str) -> Operation | None:
        """One by its name; None where nobody remembers it."""
        found = self._operations.get(name)
        return found if found is not None and found.is_known else None

    def forget(self) -> None:
        """Remember none of them any more, as Azure does after a while."""
        for operation in self._operations.values():
            operation.is_known = False

    def end_all(self) -> None:
        """Let those that would never end be over with the others."""
        for operation in self._operations.values():
            operation.ends_at = operation.ends_at or self._clock()


def progress(operation: Operation | None, path: str, url: str) -> web.Response:
    """How far one is: by its status, or by the result alone, as the path wants it."""
    if operation is None:
        raise Refused(404, "OperationNotFound", "nobody remembers it")
    if "/operations/" in path:
        content: dict[str, Any] = {"status": operation.status}
        if operation.is_over and operation.code:
            error = {"code": operation.code, "message": "upset on request"}
            content["error"] = error
        headers = {} if operation.is_over else RETRY_AFTER
        return web.json_response(content, headers=headers)
    if not operation.is_over:
        return web.Response(status=202, headers={**RETRY_AFTER, "Location": url})
    if operation.code:
        # What Location says of one that failed is nowhere read. [unverified]
        raise Refused(409, operation.code, "upset on request")
    if operation.result is None:
        return web.Response(status=204)
    return web.json_response(operation.result)
