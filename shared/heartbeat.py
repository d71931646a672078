"""A sign of life to a dead man's switch: where it stops coming, somebody is called.

It says that incidents are seen to: that the timer runs and reads the store, and that
nothing which is due has waited for long. So it stops when any of that does.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.model.errors import FailureReason, ResponderError
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.heartbeat import Heartbeat
    from shared.model.http import Http
    from shared.model.secret import Secret, SecretRef

# The timer waits for it no longer.
WAITS_S = 4.0

# What is due is looked at within a minute or two, and a worker that died leaves its
# incidents for ten at the most.
LATE = timedelta(minutes=15)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


class Beating:
    """Sends the signs of life of one process; it remembers in memory alone.

    ``last_sent`` is when the last one arrived, ``failure`` why the last attempt did not.
    """

    def __init__(
        self,
        plan: Heartbeat,
        *,
        secret: Callable[[SecretRef], Secret | None],
        http: Http,
    ) -> None:
        self._plan = plan
        self._secret = secret
        self._http = http
        self._sent: int | None = None
        self.last_sent: datetime | None = None
        self.failure = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps it from being sent, as far as that is ours to mend."""
        refs = {"url": self._plan.url, "authorization": self._plan.authorization}
        return tuple(
            f"heartbeat.{field}: app setting {ref.setting} has no value"
            for field, ref in refs.items()
            if ref is not None and self._secret(ref) is None
        )

    async def __call__(self, now: datetime, oldest_due: datetime | None) -> None:
        """Send one if it is time; call it when all else is done. Raises nothing.

        ``oldest_due`` is since when an incident waits to be looked at.
        """
        turn = self._turn(now)
        if turn is None:
            return
        if oldest_due is not None and now - oldest_due > LATE:
            since = instant(oldest_due)
            self.failure = f"withheld: an incident has been due since {since}"
            telemetry.emit(telemetry.HEARTBEAT_WITHHELD, due=since)
            return
        self.failure = await self._send()
        if self.failure:
            telemetry.emit(telemetry.HEARTBEAT_FAILED, reason=self.failure)
            return
        self._sent, self.last_sent = turn, now

    def _turn(self, now: datetime) -> int | None:
        """The number of the turn that one is to be sent for now.

        A process that began a moment ago does not know what others sent, and waits for
        the first minute of a turn.
        """
        turn, minute = divmod((now - _EPOCH) // _MINUTE, self._plan.every // _MINUTE)
        if turn == self._sent or (self._sent is None and minute):
            return None
        return turn

    async def _send(self) -> str:
        """Why it did not arrive; empty where it did. Never with the URL in it."""
        if self.problems:
            return self.problems[0]
        url = self._secret(self._plan.url)
        header = self._plan.authorization and self._secret(self._plan.authorization)
        headers = {"authorization": header.reveal()} if header else {}
        try:
            async with asyncio.timeout(WAITS_S):
                reply = await self._http.send(
                    self._plan.method.upper(),
                    url.reveal() if url else "",
                    headers=headers,
                    body=b"",
                )
        except ResponderError as error:
            return error.reason
        except TimeoutError:
            return FailureReason.TIMEOUT
        except Exception as error:  # noqa: BLE001  law 6: silence calls somebody
            # Its text may hold the URL, which is a secret, so it is nobody else's to log.
            return type(error).__name__
        return "" if 200 <= reply.status < 300 else f"answered {reply.status}"
