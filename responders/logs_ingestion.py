"""Forwards incidents to tables of Log Analytics, where Microsoft Sentinel has them too.

Needs a data collection rule with a stream for each kind of record (infra/forward/ makes
it, and the tables), and the role Monitoring Metrics Publisher on it for the app's
identity. Log Analytics knows no keys: each row holds its own, so that a query tells
repeats.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import Forwarder, raise_for_status, recorded, url_problem
from responders.forwards.batch import Batch
from responders.forwards.records import Record, Sort, records
from shared.model.action import Action, Outcome
from shared.model.errors import SettingsError
from shared.model.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports

# remote-apis-sinks.md 11: 1 MB before and after compression; the SDK's own way of
# cutting goes over that.
API_VERSION = "2023-01-01"
CALL_SIZE = 900_000
AUDIENCE = "https://monitor.azure.com"
SIDE = "Logs Ingestion"

STREAMS = {
    Sort.INCIDENT: "Custom-FirewatchIncidents",
    Sort.ACTION: "Custom-FirewatchActions",
    Sort.AUDIT: "Custom-FirewatchAudit",
    Sort.EVIDENCE: "Custom-FirewatchEvidence",
}

# Every table has a column Title, Type and so on that is not ours.
_COLUMNS = {"key": "RowKey", "time": "TimeGenerated", "title": "IncidentTitle"}
_RULE = re.compile(r"dcr-[0-9a-f]{32}")


class LogsIngestion(Forwarder):
    """One data collection rule."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``endpoint`` is where the rule, or its data collection endpoint, takes logs,
        ``rule`` its immutable id. ``audience`` is another in the national clouds.
        """

        endpoint: str
        rule: str
        audience: str = AUDIENCE

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        urls = {"endpoint": config.endpoint, "audience": config.audience}
        problems = [
            f"responders.{name}.{field} {problem}"
            for field, url in urls.items()
            if (problem := url_problem(url))
        ]
        if not _RULE.fullmatch(config.rule):
            problems.append(
                f"responders.{name}.rule is not an immutable id: dcr- and 32 hex digits"
            )
        if problems:
            raise SettingsError(problems)
        self._endpoint = config.endpoint.rstrip("/")
        self._rule = config.rule
        self._audience = config.audience.rstrip("/")
        self._http = ports.http
        self._token = ports.token
        self._clock = ports.clock
        self._batches = {sort: self._batch(sort) for sort in Sort}

    @property
    def traffic(self) -> Traffic:
        """What this process sent, or tried to."""
        return sum((each.total for each in self._batches.values()), Traffic())

    async def apply(self, action: Action) -> Outcome:
        """Send the rows of each table; one that has none is not called."""
        rows: dict[Sort, list[bytes]] = {}
        for record in records(action, recorded(action)):
            rows.setdefault(record.sort, []).append(msgspec.json.encode(row_of(record)))
        traffic = Traffic()
        for sort, encoded in rows.items():
            traffic += await self._batches[sort](encoded)
        return Outcome(reference=action.key, traffic=traffic)

    def _batch(self, sort: Sort) -> Batch:
        async def send(rows: Sequence[bytes]) -> int:
            return await self._send(STREAMS[sort], rows)

        return Batch(send, most=CALL_SIZE)

    async def _send(self, stream: str, rows: Sequence[bytes]) -> int:
        body = gzip.compress(b"[" + b",".join(rows) + b"]", mtime=0)
        reply = await self._http.post(
            f"{self._endpoint}/dataCollectionRules/{self._rule}/streams/{stream}"
            f"?api-version={API_VERSION}",
            headers={
                "authorization": f"Bearer {await self._bearer()}",
                "content-type": "application/json",
                "content-encoding": "gzip",
            },
            body=body,
        )
        raise_for_status(reply, side=SIDE, accepted=(204,), now=self._clock)
        return len(body)

    async def _bearer(self) -> str:
        """A stand-in on this machine must not see what opens the real one."""
        is_remote = self._endpoint.startswith("https://")
        audience = self._audience if is_remote else self._endpoint
        return await self._token(f"{audience}/.default")


def row_of(record: Record) -> dict[str, Any]:
    """The record as a row of its table: a column for each of its fields."""
    return {
        column(name): value for name, value in record.flat.items() if name != "kind"
    }


def column(name: str) -> str:
    """What a field of a record is called as a column."""
    return _COLUMNS.get(name) or "".join(map(str.capitalize, name.split("_")))
