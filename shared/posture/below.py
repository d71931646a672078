"""Reads of what is in subscriptions: workspaces, resources that log, and archives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.log_retention import table
from shared.model.errors import FailureReason, PermanentFailure
from shared.posture import control_documents, log_documents, places
from shared.posture.estate import Part, path_of
from shared.posture.places import in_account, in_workspace, listed
from shared.posture.wanted import BLOBS

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shared.log_retention.table import Table
    from shared.posture.asking import Asking, Documents
    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

_ACCOUNT = "/microsoft.storage/storageaccounts/"
_CONNECTORS = "Microsoft.SecurityInsights/dataConnectors"
_GONE = frozenset({FailureReason.NOT_FOUND})


class Below:
    """Fills an estate further, by what is known of its subscriptions."""

    def __init__(self, asking: Asking, estate: Estate, wanted: Wanted) -> None:
        self._asking = asking
        self._estate = estate
        self._wanted = wanted

    def reads(self) -> list[Coroutine[Any, Any, None]]:
        """The reads of each workspace, and of each resource that is to log."""
        found: list[Coroutine[Any, Any, None]] = []
        for workspace in self._estate.all_workspaces:
            scope = workspace.id
            found += [self._tables(scope), self._exports(scope), self._sentinel(scope)]
        wanted = self._wanted.logs
        for things in self._estate.things.values():
            found += [self._settings(t.id, t.type) for t in things if t.type in wanted]
        return found

    def archives(self) -> list[Coroutine[Any, Any, None]]:
        """The reads of the storage accounts that logs go to."""
        found = {setting.account for setting in self._estate.settings_of_all}
        for exports in self._estate.data_exports.values():
            found |= {each.destination for each in exports if each.is_enabled}
        there = {t.id for things in self._estate.things.values() for t in things}
        return [
            self._archive(each)
            for each in sorted(found)
            # One that is not there is another finding.
            if _ACCOUNT in each
            and (each in there or path_of(each) not in self._estate.things)
        ]

    async def _tables(self, workspace: str) -> None:
        async def kept() -> tuple[Table, ...]:
            path = in_workspace(workspace, "tables")
            return tuple(table.of(each) for each in await self._asking.list_all(path))

        found = await self._asking.read(Part.TABLES, workspace, kept)
        if found is not None:
            self._estate.tables[workspace] = found

    async def _exports(self, workspace: str) -> None:
        path = in_workspace(workspace, "dataExports")
        found = await self._asking.read(
            Part.DATA_EXPORTS, workspace, lambda: self._asking.list_all(path)
        )
        if found is not None:
            exports = log_documents.data_exports(found)
            self._estate.data_exports[workspace] = exports

    async def _sentinel(self, workspace: str) -> None:
        path = places.onboarding(workspace)
        state = await self._asking.read(
            Part.SENTINEL, workspace, lambda: self._asking.find(path)
        )
        if state is None:
            return
        if not state:
            self._estate.sentinel[workspace] = None
            return
        of_it = listed(workspace, _CONNECTORS)
        found = await self._asking.read(
            Part.SENTINEL, workspace, lambda: self._asking.list_all(of_it)
        )
        if found is not None:
            self._estate.sentinel[workspace] = len(found)

    async def _settings(self, thing: str, kind: str) -> None:
        # The logs of an account are set on its services.
        scope = f"{thing}/blobservices/default" if kind == BLOBS else thing
        path = places.settings_of(scope)
        try:
            found = await self._asking.read(
                Part.SETTINGS, thing, lambda: self._asking.list_all(path), raises=_GONE
            )
        except PermanentFailure:
            # Resource Graph is some minutes late: it is not there any more.
            return
        if found is not None:
            self._estate.settings[thing] = log_documents.settings(found)

    async def _archive(self, account: str) -> None:
        async def both() -> tuple[Documents, dict[str, Any]]:
            containers = in_account(account, "blobServices/default/containers")
            lifecycle = in_account(account, "managementPolicies/default")
            return (
                await self._asking.list_all(containers),
                await self._asking.find(lifecycle),
            )

        found = await self._asking.read(Part.ARCHIVES, account, both)
        if found is not None:
            archive = control_documents.archive(account, *found)
            self._estate.archives[account] = archive
