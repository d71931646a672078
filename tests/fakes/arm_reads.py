"""Resource Manager and Resource Graph over documents, without HTTP: what is read of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from devhost.outside.azure import questions, reads
from devhost.outside.azure.inventory import Inventory, fill
from devhost.outside.azure.kinds import Asked
from devhost.outside.azure.resources import Resources, type_of
from devhost.outside.azure.rights import Identity, Rights
from devhost.outside.azure.targets import KINDS, target_of
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import Document
from tests.fakes.clock import START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.errors import ResponderError


class FakeArm:
    """The documents of an estate as the stand-in shows them.

    ``fails`` raises for a path that holds the text, each of its errors once and
    the last of them for ever, unless that is None. ``asked`` is every path; each answer takes ``latency`` seconds.
    """

    def __init__(self, documents: Sequence[dict[str, Any]]) -> None:
        self.resources = Resources()
        self.rights = Rights(Identity())
        self.fails: dict[str, list[ResponderError | None]] = {}
        self.latency = 0.0
        self.asked: list[str] = []
        fill(self.resources, Inventory(resources=tuple(documents)))

    async def list_all(
        self,
        path: str,
        *,
        permission: str = "",  # noqa: ARG002
    ) -> list[dict[str, Any]]:
        """What a list shows."""
        path = await self._looked(path)
        if path == "/subscriptions":
            return reads.subscriptions(self.resources)
        if type_of(path) in KINDS:
            target = target_of(path)
            asked = Asked(self.resources, self.rights, START, target.id)
            return target.kind.listed(asked)
        assert type_of(path) in reads.VERSIONS, path
        return reads.listed(self.resources, path)

    async def find(self, path: str, *, permission: str = "") -> Document | None:  # noqa: ARG002
        """A document."""
        found = self.resources.find(await self._looked(path))
        return None if found is None else Document(content=found)

    async def rows(
        self, subscriptions: Sequence[str], query: str
    ) -> list[dict[str, Any]]:
        """What Resource Graph has to say."""
        await self._looked(query)
        found = questions.answer(query, self.resources, self.rights, subscriptions)
        assert found is not None, query
        return [*found]

    async def _looked(self, path: str) -> str:
        self.asked.append(path)
        if self.latency:
            await asyncio.sleep(self.latency)
        for text, errors in self.fails.items():
            if text.lower() in path.lower():
                error = errors[0] if len(errors) == 1 else errors.pop(0)
                if error is not None:
                    raise error
        return path.partition("?")[0]


def denied(what: str = "a role") -> PermanentFailure:
    """What the identity may not read."""
    said = f"GET: Azure Resource Manager answered 403; it needs {what}"
    return PermanentFailure(FailureReason.AUTH, said)
