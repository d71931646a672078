"""Has Defender for Endpoint stop a file on a machine and put it into quarantine.

By its SHA-1, as the alerts on that machine name it: whatever runs of it there ends, and
the file is gone until somebody restores it on the machine (remote-apis-azure.md 14b). An
alert names clean programs too, such as the shell that was used; so where it names more
files than the policy lets it, none is taken for the malware.

[unverified]: that Defender for Endpoint refuses files that Windows needs, and the code of
what it answers while it is at another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from responders.sides import endpoints, orders
from responders.sides.orders import Order, Ordering
from shared.model.entity import FileHash
from shared.model.errors import SettingsError
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

USE = "endpoint-quarantine-file"

_NAME = 80
_SHA1 = re.compile(r"[0-9a-f]{40}")
_STOP = Permission(
    Api.ENDPOINT, "Machine.StopAndQuarantine", "stopping files and quarantining them"
)


class EndpointQuarantineFile(Ordering):
    """A ``Doer``; a target is a file on a machine of Defender for Endpoint."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where alerts on a machine name more than ``most`` files, none is touched."""

        most: int = 1

    use = USE
    permissions: tuple[Permission, ...] = (*orders.FINDING, _STOP)
    on_windows = "files are stopped on Windows alone"

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError where no file could ever be touched."""
        super().__init__(name, config, ports)
        if config and config.most < 1:
            raise SettingsError(["most: expected 1 or more"])

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each file that the alerts on a machine name."""
        if self.config is None:
            return ()
        naming = [alert for alert in alerts if _files(alert)]
        by_id = {alert.id: alert for alert in naming}
        deeds: list[Deed] = []
        for meant in await endpoints.meant(self.azure, naming):
            speaking: dict[str, list[str]] = {}
            for alert_id in meant.alerts:
                for file in _files(by_id[alert_id]):
                    speaking.setdefault(file, []).append(alert_id)
            name, doubt = plain(meant.name, _NAME), self._doubt(len(speaking))
            deeds += [
                self.planned(
                    meant._replace(
                        target=f"{meant.target}|{sha1}",
                        alerts=tuple(sorted(speaking[sha1])),
                    ),
                    f"Stop and quarantine file {sha1} on {name}",
                    orders.mark_of(incident, sha1[:12]),
                    doubt=doubt,
                    sha1=sha1,
                )
                for sha1 in sorted(speaking)
            ]
        return deeds

    def order(self, deed: Deed) -> Order:
        """To stop that file."""
        body = {"Sha1": deed.content["sha1"]}
        return Order("StopAndQuarantineFile", _STOP.action, body)

    def _doubt(self, files: int) -> str:
        if files <= self.config.most:
            return ""
        return f"its alerts name {files} files, and which is the malware is not certain"


def _files(alert: AlertRow) -> list[str]:
    """The SHA-1 of each file that an alert names, once."""
    found = (
        entity.digest.lower()
        for entity in alert.entities
        if isinstance(entity, FileHash)
        and entity.algorithm == "sha1"
        and entity.is_strong
        and not entity.is_asset
    )
    return [*dict.fromkeys(digest for digest in found if _SHA1.fullmatch(digest))]
