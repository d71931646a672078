"""Resource Manager: what it does with a request for a resource, whatever its type.

(remote-apis-azure.md 0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from devhost.outside.azure import scopes, upsets
from devhost.outside.azure.answers import (
    Refused,
    body_of,
    demand_token,
    demand_version,
)
from devhost.outside.azure.differences import differences
from devhost.outside.azure.kinds import (
    Asked,
    How,
    existing,
    heed_conditions,
    on_the_way,
    with_state,
)
from devhost.outside.azure.operations import RETRY_AFTER, Operations, progress
from devhost.outside.azure.quotas import Quotas
from devhost.outside.azure.resources import Resources, name_of, type_of
from devhost.outside.azure.targets import (
    GROUP,
    PATH,
    PROVIDER,
    action_of,
    change_of,
    target_of,
    versions_of,
    whole_of,
)
from devhost.outside.azure.upsets import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from devhost.outside.azure.kinds import Change
    from devhost.outside.azure.resources import Document
    from devhost.outside.azure.rights import Rights
    from devhost.outside.azure.targets import Target
    from devhost.outside.azure.upsets import Upset, Upsets

SIDE = "arm"


class Manager:
    """Answers requests to resources, and keeps those that would change any."""

    def __init__(
        self, clock: Callable[[], datetime], in_force: Upsets, rights: Rights
    ) -> None:
        self._clock = clock
        self._rights = rights
        self.quotas = Quotas(clock)
        self._upsets = in_force
        self.resources = Resources()
        self.operations = Operations(clock)
        self.changes: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where resources are, below `/arm`."""
        return [
            web.route("*", PATH, self._handle),
            web.get(GROUP, self._handle),
            web.get(PROVIDER, self._versions),
        ]

    def received(self) -> dict[str, Any]:
        """What was asked to be changed, and what was refused."""
        return {"changes": self.changes, "refused": self.refused}

    def state(self) -> dict[str, Document]:
        """Every resource as it is by now, without etags: for a comparison."""
        self.operations.settle()
        return self.resources.state()

    def recover(self) -> None:
        """End what would never end, and show every reader what there is."""
        self.operations.end_all()
        self.resources.show_all()

    async def _handle(self, request: web.Request) -> web.Response:
        self.operations.settle()
        path = f"/{request.match_info['path']}"
        try:
            demand_token(request)
            left = self.quotas.take(path.split("/")[2].lower(), request.method)
            answer = await self._answer(request, path)
        except Refused as refused:
            self.refused.append(str(refused))
            return refused.response()
        answer.headers.update(left)
        return answer

    async def _versions(self, request: web.Request) -> web.Response:
        """Which versions of its types a provider serves."""
        provider = request.match_info["provider"]
        content = {"namespace": provider, "resourceTypes": versions_of(provider)}
        return web.json_response(content)

    async def _answer(self, request: web.Request, path: str) -> web.Response:
        if type_of(path).rpartition("/")[2] in {"operations", "operationresults"}:
            provider = type_of(path).partition("/")[0]
            self._rights.demand(f"{provider}/locations/operations/read", path)
            return progress(self.operations.find(name_of(path)), path, str(request.url))
        target = target_of(path)
        demand_version(request, target.kind.version)
        self._rights.demand(action_of(request.method, target), target.id)
        if request.method in {"GET", "HEAD"}:
            return self._read(request, target)
        return await self._change(request, target)

    def _asked(
        self,
        request: web.Request,
        target: Target,
        old: Document | None,
        body: Mapping[str, Any] | None = None,
    ) -> Asked:
        return Asked(
            self.resources,
            self._rights,
            self._clock(),
            target.id,
            old,
            body or {},
            request.query,
            f"{request.scheme}://{request.host}",
        )

    def _read(self, request: web.Request, target: Target) -> web.Response:
        kind = target.kind
        if target.is_list:
            asked = self._asked(request, target, None)
            return web.json_response({"value": kind.listed(asked)})
        old = kind.found(self.resources.shown, target.id)
        asked = self._asked(request, target, old)
        document = existing(asked)
        if not target.asked:
            return web.json_response(kind.shown(asked, document))
        view = kind.views.get(target.asked)
        if view is None:
            raise Refused(404, "NotFound", f"{target.asked} is not served here")
        return web.json_response(view(asked))

    async def _change(self, request: web.Request, target: Target) -> web.Response:
        body = await body_of(request)
        old = target.kind.found(self.resources.find, target.id)
        asked = self._asked(request, target, old, body)
        heed_conditions(request.headers, target.kind, old)
        if not isinstance(target.kind, scopes.Lock):
            scopes.demand_unlocked(self.resources, request.method, target.id)
        self._rights.demand_links(target.kind.links(asked))
        self._demand_rest(target)
        change = change_of(request.method, target, asked)
        self.changes.append(
            {
                "at": self._clock(),
                "method": request.method,
                "path": request.path.removeprefix("/arm"),
                "body": body,
                "differences": self._differences(old, change),
            }
        )
        if change is None:
            return web.Response(status=204)
        upset = self._upsets.next(SIDE, request.method, request.path)
        if change.how is How.AT_ONCE:
            upsets.write(upset, self.resources, target.id, change.after)
            if change.answer is not None:
                return web.json_response(change.answer, status=change.status)
            return self._answered(request, target, change.after, change.status)
        return self._begin(request, target, old, change, upset)

    def _differences(
        self, old: Document | None, change: Change | None
    ) -> list[dict[str, str]]:
        """What a change changes: for tags, the resource that they are on."""
        if change is None:
            return []
        after = change.after
        if old is not None and after is not None and after["id"] != old["id"]:
            old = self.resources.find(after["id"]) or old
        return differences(old, after)

    def _demand_rest(self, target: Target) -> None:
        """Refuse a change of what is being changed."""
        if not self.operations.is_busy(whole_of(target.id)):
            return
        if target.kind.type.startswith("Microsoft.Network/"):
            raise Refused(
                429, "RetryableErrorDueToAnotherOperation", "busy", RETRY_AFTER
            )
        # [unverified code]
        raise Refused(409, "AnotherOperationInProgress", "busy")

    def _begin(
        self,
        request: web.Request,
        target: Target,
        old: Document | None,
        change: Change,
        upset: Upset | None,
    ) -> web.Response:
        """Begin what takes long, and say where to ask about it."""
        way = upset.way if upset else None
        code = upset.code if upset and way is Way.FAILS else ""
        after = old if way is Way.IS_LOST else change.after
        if upset and way is Way.IS_STALE:
            self.resources.keep_showing(target.id, upset.reads)
        is_read_only = change.answer is not None
        if not is_read_only:
            during = change.during or on_the_way(old, change.after)
            self._write(target, old, during)

        def end() -> None:
            if code:
                failed = with_state(old, "Failed") if old else None
                self._write(target, old, failed)
            elif not is_read_only:
                self._write(target, old, after)

        operation = self.operations.begin(
            # Whoever only asks for something keeps nobody from changing it.
            "" if is_read_only else whole_of(target.id),
            end,
            code=code,
            result=change.answer,
            is_endless=way is Way.NEVER_ENDS,
        )
        if way is Way.NEVER_ENDS and not is_read_only:
            self._write(target, old, change.after)
        headers = _where(request, target, change.how, operation.name)
        if change.status == 202:
            return web.Response(status=202, headers=headers)
        shown = self.resources.find(target.id)
        return self._answered(request, target, shown, change.status, headers)

    def _write(
        self, target: Target, old: Document | None, document: Document | None
    ) -> None:
        if document is not None:
            self.resources.write(document)
        elif old is not None or self.resources.find(target.id) is not None:
            self.resources.remove(target.id)

    def _answered(
        self,
        request: web.Request,
        target: Target,
        document: Document | None,
        status: int,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        if document is None or status == 204:
            return web.Response(status=status, headers=headers)
        asked = self._asked(request, target, document)
        shown = target.kind.shown(asked, document)
        return web.json_response(shown, status=status, headers=headers)


def _where(request: web.Request, target: Target, how: How, name: str) -> dict[str, str]:
    """The headers that say where an operation is asked about, and when."""
    provider, subscription = target.kind.type.partition("/")[0], target.id.split("/")[2]
    last = "operations" if how is How.BY_OPERATION else "operationResults"
    url = (
        f"{request.scheme}://{request.host}/arm/subscriptions/{subscription}"
        f"/providers/{provider}/locations/here/{last}/{name}"
        f"?api-version={target.kind.version}"
    )
    header = "Azure-AsyncOperation" if how is How.BY_OPERATION else "Location"
    return {**RETRY_AFTER, header: url}
