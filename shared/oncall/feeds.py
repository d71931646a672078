"""The feeds of the policy's schedules, and what each says of some time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from shared.model.errors import FailureReason, TransientFailure
from shared.oncall.feed import Rota, names_of
from shared.oncall.ical import MOST_BYTES
from shared.oncall.source import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    from shared.model.http import Http
    from shared.model.secret import Secret, SecretRef
    from shared.oncall.policy import Person, Schedule
    from shared.oncall.source import Ports

FOLDER = "on-call/"

_WEBCAL = "webcal://"


class Answer(NamedTuple):
    """What a feed says; no ``rota`` where nothing is known of it.

    ``problem`` is why it is not what it should be, ``age`` how old it is, and
    ``is_new`` whether the feed itself was looked at for this.
    """

    rota: Rota | None
    problem: str = ""
    age: timedelta | None = None
    is_new: bool = False


class Feeds:
    """Every feed by its address, looked at no more often than ``source`` says."""

    def __init__(
        self, ports: Ports, *, secret: Callable[[SecretRef], Secret | None]
    ) -> None:
        self._ports = ports
        self._secret = secret
        self._sources: dict[str, Source] = {}

    async def ask(
        self,
        schedule: Schedule,
        people: Mapping[str, Person],
        start: datetime,
        end: datetime,
    ) -> Answer:
        """What the feed of a schedule, if it has one, says of some time.

        Nothing is raised: where a feed is away, the last good one of it counts.
        """
        if schedule.feed is None:
            return Answer(None)
        url = self._secret(schedule.feed)
        if url is None:
            return Answer(None, "the setting is missing or empty")
        source = self._source(url.reveal(), schedule.time_zone)
        is_new = await source.look()
        feed = await source.feed(start, end)
        rota = Rota(feed, names_of(people, schedule.names)) if feed else None
        return Answer(rota, source.problem, source.age, is_new)

    def _source(self, url: str, zone: str) -> Source:
        # Programs give the address so, to subscribe to; it is fetched all the same.
        if url.lower().startswith(_WEBCAL):
            url = f"https://{url[len(_WEBCAL) :]}"
        name = hashlib.sha256(f"{zone}\n{url}".encode()).hexdigest()[:32]
        if name not in self._sources:
            place = f"{FOLDER}{name}.json"
            self._sources[name] = Source(url, zone, place, self._ports)
        return self._sources[name]


def fetch_by(http: Http) -> Callable[[str], Awaitable[bytes]]:
    """A way to fetch feeds; raises ResponderError without the address in it."""

    async def fetch(url: str) -> bytes:
        headers = {"accept": "text/calendar"}
        reply = await http.get(url, headers=headers, most=MOST_BYTES)
        if reply.status != 200:
            said = f"the side of the feed answered {reply.status}"
            raise TransientFailure(FailureReason.UNAVAILABLE, said)
        return reply.body

    return fetch
