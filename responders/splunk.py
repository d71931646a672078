"""Forwards incidents to Splunk through its HTTP Event Collector.

Needs a URL and a token. Splunk knows no keys: each event holds its own, so that a search
tells repeats.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import msgspec

from responders.base import Forwarder, raise_for_status, recorded, url_problem
from responders.forwards.batch import Batch
from responders.forwards.records import Record, records
from shared.model.action import Action, Outcome
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.secret import SecretRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.http import Reply
    from shared.model.traffic import Traffic

# remote-apis-sinks.md 12.
PATH = "/services/collector/event"
CALL_SIZE = 512 * 1024
SIDE = "Splunk"


class Splunk(Forwarder):
    """One event collector."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``index`` is Splunk's own default for the token unless given; the token must be
        allowed to write to it.
        """

        url: str
        token: SecretRef
        index: str = ""
        host: str = "firewatch"
        source: str = "firewatch"

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        if problem := url_problem(config.url):
            raise SettingsError([f"responders.{name}.url {problem}"])
        self._url = config.url.rstrip("/") + PATH
        self._config = config
        self._token = ports.secret(config.token)
        self._http = ports.http
        self._clock = ports.clock
        self._batch = Batch(self._send, most=CALL_SIZE)

    @property
    def traffic(self) -> Traffic:
        """What this process sent, or tried to."""
        return self._batch.total

    async def apply(self, action: Action) -> Outcome:
        """Send every record of the forward as an event."""
        events = [self._event(each) for each in records(action, recorded(action))]
        return Outcome(reference=action.key, traffic=await self._batch(events))

    def _event(self, record: Record) -> bytes:
        envelope = {
            "time": round(record.at.timestamp(), 3),
            "host": self._config.host,
            "source": self._config.source,
            "sourcetype": f"firewatch:{record.sort}",
            "event": record.flat,
        }
        if self._config.index:
            envelope["index"] = self._config.index
        return msgspec.json.encode(envelope)

    async def _send(self, events: Sequence[bytes]) -> int:
        # Objects one after another, not a list of them.
        body = gzip.compress(b"\n".join(events), mtime=0)
        reply = await self._http.post(
            self._url,
            headers={
                "authorization": f"Splunk {self._token.reveal()}",
                "content-type": "application/json",
                "content-encoding": "gzip",
            },
            body=body,
        )
        raise_for_status(reply, side=SIDE, accepted=(200,), now=self._clock)
        _check(reply)
        return len(body)


def _check(reply: Reply) -> None:
    """That it is the collector that took it, and not whatever stands before it."""
    try:
        code = msgspec.json.decode(reply.body, type=_Answer).code
    except msgspec.MsgspecError:
        raise TransientFailure(
            FailureReason.UNKNOWN, f"{SIDE} answered 200 and not as a collector does"
        ) from None
    if code != 0:
        raise PermanentFailure(FailureReason.INVALID, f"{SIDE} answered code {code}")


class _Answer(msgspec.Struct, frozen=True):
    """The part of an answer that counts."""

    code: int
