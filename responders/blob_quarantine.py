"""Moves blobs that alerts name into a container of quarantine, and back.

By etag: a blob that somebody wrote since is another one, and is left alone. It is copied
and looked at before it is deleted, so that a copy that got lost costs nothing. Nothing
reads what is in it (remote-apis-azure.md 6, blobs).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import msgspec

from responders.sides import blobs
from responders.sides.arm import alerted
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.blobs import Blob
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.blobs import Blobs
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "blob-quarantine"

_ACCOUNT = "microsoft.storage/storageaccounts"
_DATA = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_NAME = 80
# What Azure copies before it answers [unverified].
LARGEST = 256 * 1024 * 1024

_READ = Permission(Api.DATA, f"{_DATA}/read", "the blobs, and the quarantine")
_WRITE = Permission(Api.DATA, f"{_DATA}/write", "the same")
_DELETE = Permission(Api.DATA, f"{_DATA}/delete", "the same")


class _Pair(NamedTuple):
    """A blob where it was, and where it is kept; None where there is none."""

    source: Blob | None
    kept: Blob | None


class _Place(NamedTuple):
    """A blob of an account, and where that has its blobs."""

    account: str
    uri: str
    path: str


class BlobQuarantine:
    """A ``Doer``; a target is a blob, at its place."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``container`` is that of the quarantine, in the account of each blob."""

        container: str

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (blobs.FIND, _READ, _WRITE, _DELETE)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for what is no name of a container."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._open: Callable[[str], Blobs] = ports.azure.blobs
        self._container = config.container if config else ""
        if config and not _CONTAINER.fullmatch(config.container):
            raise SettingsError(["container: expected the name of a container"])

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each blob that an alert on its account names by its address."""
        if not self._container:
            return ()
        by_id = {alert.id: alert for alert in alerts}
        found = await asyncio.gather(
            *(
                self._on(account, [by_id[each] for each in speaking])
                for account, speaking in alerted(alerts, _ACCOUNT).items()
            )
        )
        return [deed for deeds in found for deed in deeds]

    async def before(self, deed: Deed) -> Before:
        """What the blob is. Raises ActionRefused as ``Doer`` says."""
        source, kept = await self._pair(deed)
        if source is None:
            raise ActionRefused("the blob is gone, and not by Firewatch")
        if source.etag != deed.content["etag"]:
            raise ActionRefused("somebody wrote the blob since it was planned")
        if kept is not None:
            raise ActionRefused("something is in quarantine by its name already")
        state = {"etag": source.etag, "size": source.size, "md5": source.md5}
        return Before(state=state, by_hand=blobs.by_hand(**_ends(deed)))

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Copy it, see that it is there, and delete it."""
        opened, path = self._opened(deed), deed.content["path"]
        was = Blob(**before.state)
        source, kept = await self._pair(deed)
        if source is not None and source.etag != was.etag:
            raise ActionRefused("somebody wrote the blob since it was planned")
        if kept is None and source is not None:
            await opened.copy(
                path, deed.content["kept"], etag=was.etag, permission=_WRITE.action
            )
            source, kept = await self._pair(deed)
        if kept is None or not kept.is_whole or not kept.is_same_content(was):
            # Never is one deleted of which there is no copy.
            raise TransientFailure(
                FailureReason.UNAVAILABLE, "the copy in quarantine is not there yet"
            )
        if source is not None:
            await opened.remove(path, etag=was.etag, permission=_DELETE.action)
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Where the blob is now."""
        was = Blob(**before.state)
        source, kept = await self._pair(deed)
        if source is None:
            if kept is None:
                return Sight(state=State.OTHERWISE, difference="the blob is gone")
            return Sight(state=State.IN_FORCE)
        if not source.is_same_content(was):
            said = "another blob is at its place"
            return Sight(state=State.OTHERWISE, difference=said)
        return Sight(state=State.AS_BEFORE if kept is None else State.PARTLY)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Copy it back, see that it is there, and empty the quarantine of it."""
        opened, path = self._opened(deed), deed.content["path"]
        was = Blob(**before.state)
        source, kept = await self._pair(deed)
        if source is None and kept is None:
            raise ActionRefused("the blob is gone, and so is its copy")
        if source is None and kept is not None:
            await opened.copy(
                deed.content["kept"], path, etag=kept.etag, permission=_WRITE.action
            )
            source, kept = await self._pair(deed)
        if source is None or not source.is_whole:
            raise TransientFailure(
                FailureReason.UNAVAILABLE, "the blob is not back at its place yet"
            )
        if not source.is_same_content(was):
            raise ActionRefused("another blob is at its place")
        if kept is not None:
            await opened.remove(
                deed.content["kept"], etag=kept.etag, permission=_DELETE.action
            )
        return Outcome()

    async def _on(self, account: str, alerts: Sequence[AlertRow]) -> list[Deed]:
        """What is to be moved within an account, by the blobs that each alert names."""
        urls = {alert.id: blobs.named(alert) for alert in alerts}
        if not any(urls.values()):
            return []
        try:
            uri = await blobs.address(self._arm, account)
        except (ActionRefused, PermanentFailure) as error:
            # Another account's may do.
            place = _Place(account, "", "")
            return [self._planned(place, [*urls], etag="", obstacle=str(error))]
        speaking: dict[str, list[str]] = {}
        for alert, named in urls.items():
            for url in named:
                path = blobs.path_in(resource.display_name(account), url)
                if path and not path.startswith(f"/{self._container}/"):
                    speaking.setdefault(path, []).append(alert)
        return await asyncio.gather(
            *(self._of(account, uri, path, ids) for path, ids in speaking.items())
        )

    async def _of(
        self, account: str, uri: str, path: str, alerts: Sequence[str]
    ) -> Deed:
        place, etag, obstacle = _Place(account, uri, path), "", ""
        try:
            etag = await self._etag(place)
        except (ActionRefused, PermanentFailure) as error:
            obstacle = str(error)
        return self._planned(place, alerts, etag=etag, obstacle=obstacle)

    async def _etag(self, place: _Place) -> str:
        """That of the blob; empty where it is in quarantine already.

        Raises ActionRefused where it cannot be moved there.
        """
        opened = self._open(place.uri)
        source = await opened.find(place.path, permission=_READ.action)
        if source is None:
            kept = await opened.find(self._kept(place.path), permission=_READ.action)
            if kept is None:
                raise ActionRefused("there is no such blob")
            return ""
        if source.size > LARGEST:
            raise ActionRefused("it is too large to be copied at once")
        return source.etag

    def _planned(
        self, place: _Place, alerts: Sequence[str], *, etag: str, obstacle: str
    ) -> Deed:
        account, uri, path = place
        name = plain(resource.display_name(account), _NAME)
        blob = plain(unquote(path), _NAME) if path else "blobs"
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=f"{account}|{path}",
            says=f"Move {blob} of {name} into quarantine",
            alerts=tuple(sorted(set(alerts))),
            resources=(account,),
            obstacle=obstacle,
            content={
                "uri": uri,
                "path": path,
                "kept": self._kept(path),
                "etag": etag,
            },
        )

    def _kept(self, path: str) -> str:
        """Where the blob of a path is kept: by its own name, and no other's."""
        digest = hashlib.sha256(path.encode()).hexdigest()[:12]
        return f"/{self._container}/{digest}/{path.rpartition('/')[2]}"

    def _opened(self, deed: Deed) -> Blobs:
        return self._open(deed.content["uri"])

    async def _pair(self, deed: Deed) -> _Pair:
        opened = self._opened(deed)
        return _Pair(
            await opened.find(deed.content["path"], permission=_READ.action),
            await opened.find(deed.content["kept"], permission=_READ.action),
        )


def _ends(deed: Deed) -> dict[str, str]:
    return {name: deed.content[name] for name in ("uri", "path", "kept")}
