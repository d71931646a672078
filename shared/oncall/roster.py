"""Who is on call, by schedules of either kind, as the policy is now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared import telemetry
from shared.oncall.duty import on_duty

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shared.oncall.feed import Rota
    from shared.oncall.feeds import Answer, Feeds
    from shared.oncall.policy import OnCall

# Programs publish some changes hours late; what is a day old is an outage.
STALE = timedelta(hours=24)

_MOMENT = timedelta(seconds=1)


class Roster:
    """Answers by the section that ``on_call`` gives each time."""

    def __init__(self, on_call: Callable[[], Awaitable[OnCall]], feeds: Feeds) -> None:
        self._on_call = on_call
        self._feeds = feeds
        self._problems: dict[str, str] = {}
        self._unknown: dict[str, list[str]] = {}

    async def who(self, name: str, at: datetime) -> tuple[str, ...]:
        """The people whom a schedule has on call at an instant, by their keys.

        () where that is nobody: in a gap, where there is no such schedule, and where
        its feed cannot be read and never could. Whoever asks tells somebody else then.
        Raises what ``on_call`` does.
        """
        policy = await self._on_call()
        schedule = policy.schedules.get(name)
        if schedule is None:
            return ()
        found = await self._feeds.ask(schedule, policy.people, at, at + _MOMENT)
        self._tell(name, found)
        if found.rota is not None:
            self._tell_unknown(name, found.rota)
        return on_duty(schedule, at, found.rota)

    def _tell(self, name: str, found: Answer) -> None:
        """Log what is wrong with a feed once, and what is old each time it is."""
        is_stale = found.age is not None and found.age > STALE
        is_news = found.problem != self._problems.get(name, "")
        if found.problem and (is_news or (is_stale and found.is_new)):
            telemetry.emit(
                telemetry.FEED_STALE if is_stale else telemetry.FEED_PROBLEM,
                schedule=name,
                problem=found.problem,
                hours=None if found.age is None else found.age // timedelta(hours=1),
            )
        self._problems[name] = found.problem

    def _tell_unknown(self, name: str, rota: Rota) -> None:
        """Log the names in a feed that mean nobody, once."""
        unknown = rota.unknown()
        if unknown and unknown != self._unknown.get(name):
            telemetry.emit(
                telemetry.FEED_UNKNOWN,
                schedule=name,
                name=unknown[0],
                names=len(unknown),
            )
        self._unknown[name] = unknown
