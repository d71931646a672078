"""`firewatch oncall`: who is on call, until when, and when nobody is."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli import tables
from cli.coverage import SHIPPED
from cli.incidents import Json, print_json
from shared import settings
from shared.clouds.http import HttpClient
from shared.oncall.duty import Span, changes, gaps, on_duty
from shared.oncall.feeds import Answer, Feeds, fetch_by
from shared.oncall.source import Ports
from shared.oncall.wall import instant_of, zone_of
from shared.triage import policy as policies
from shared.triage.policy import names
from shared.triage.policy.on_call import year
from shared.wiring.parts import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from shared.oncall.policy import OnCall, Schedule

# How far the next change is looked for.
LOOK_AHEAD = timedelta(weeks=10)

console = tables.console()


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Who has it for how long; nobody, where there are no people."""

    start: datetime
    end: datetime
    people: tuple[str, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule at an instant, and what comes, as `--json` prints it.

    ``until`` is when that changes, None where it does not in ten weeks; ``turns`` and
    ``gaps`` are of the weeks that were asked for. ``problem`` is what is wrong with its
    feed, of which nothing is known unless it ``is_known``; ``unknown`` are those whom it
    names and the policy does not know.
    """

    schedule: str
    time_zone: str
    at: datetime
    people: tuple[str, ...]
    until: datetime | None
    then: tuple[str, ...]
    turns: tuple[Turn, ...] = ()
    gaps: tuple[Turn, ...] = ()
    is_known: bool = True
    problem: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def is_covered(self) -> bool:
        """Whether somebody has it whenever was asked about, as far as is known."""
        return bool(self.people) and not self.gaps and not self.problem


def oncall(
    at: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="At this time, such as 2026-12-24T20:00Z; without a zone, by the clock"
            " of each schedule. Now, if left out.",
            show_default=False,
        ),
    ] = "",
    weeks: Annotated[
        int,
        typer.Option(
            min=0, max=53, help="Show all turns of so many weeks from then on, too."
        ),
    ] = 0,
    schedule: Annotated[
        str, typer.Option(help="This schedule alone.", show_default=False)
    ] = "",
    policy: Annotated[
        Path,
        typer.Option(
            help="Your policy.yaml.", exists=True, dir_okay=False, readable=True
        ),
    ] = SHIPPED,
    as_json: Json = False,
) -> None:
    """Show who is on call, and when nobody is; 1 if there is such a time.

    Feeds are fetched from the addresses that are in your environment, under the names
    of the app settings.
    """
    found = policies.load(policy.read_bytes(), name=policy.name).on_call
    wanted = {
        name: (each, _instant(at, each))
        for name, each in _wanted(found, schedule).items()
    }
    shown = asyncio.run(_looked_up(found, wanted, timedelta(weeks=weeks)))
    if as_json:
        print_json(shown)
    else:
        _print(found, shown, weeks)
    raise typer.Exit(int(not all(each.is_covered for each in shown)))


def _wanted(found: OnCall, name: str) -> dict[str, Schedule]:
    if not name:
        return found.schedules
    if name not in found.schedules:
        near = names.suggestion(name, found.schedules)
        raise typer.BadParameter(
            f"no schedule is named {tables.plain(name)}{near}", param_hint="--schedule"
        )
    return {name: found.schedules[name]}


async def _looked_up(
    found: OnCall, wanted: Mapping[str, tuple[Schedule, datetime]], ahead: timedelta
) -> list[Shown]:
    """Each schedule from its instant on, with the feeds as they are now."""
    # Storage is not asked, so it need not be known.
    environment = {**os.environ, "AzureWebJobsStorage": "none"}
    http = HttpClient()
    feeds = Feeds(
        Ports(fetch_by(http), utc_now),
        secret=settings.from_environment(environment).secret,
    )
    try:
        return [
            _shown(
                name,
                schedule,
                (start, start + ahead),
                await feeds.ask(
                    schedule, found.people, start, start + max(ahead, LOOK_AHEAD)
                ),
            )
            for name, (schedule, start) in wanted.items()
        ]
    finally:
        await http.close()


def _shown(
    name: str, schedule: Schedule, times: tuple[datetime, datetime], feed: Answer
) -> Shown:
    start, end = times
    if schedule.feed is not None and feed.rota is None:
        return Shown(
            schedule=name,
            time_zone=schedule.time_zone,
            at=start,
            people=on_duty(schedule, start),
            until=None,
            then=(),
            is_known=False,
            problem=feed.problem,
        )
    now, *later = changes(schedule, start, start + LOOK_AHEAD, feed.rota)
    turns = changes(schedule, start, end, feed.rota)
    return Shown(
        schedule=name,
        time_zone=schedule.time_zone,
        at=start,
        people=now.people,
        until=now.end if later else None,
        then=later[0].people if later else (),
        turns=_turns(turns),
        gaps=_turns(gaps(turns)),
        problem=feed.problem,
        unknown=tuple(feed.rota.unknown()) if feed.rota else (),
    )


def _turns(spans: Sequence[Span]) -> tuple[Turn, ...]:
    return tuple(Turn(start=s.start, end=s.end, people=s.people) for s in spans)


def _instant(text: str, schedule: Schedule) -> datetime:
    """The time in UTC. Raises BadParameter where it is none."""
    if not text:
        return utc_now().replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
        year(found)
    except ValueError:
        raise typer.BadParameter(
            "expected a time such as 2026-12-24T20:00Z", param_hint="--at"
        ) from None
    if found.tzinfo is None:
        return instant_of(found, zone_of(schedule.time_zone))
    return found.astimezone(UTC)


def _print(found: OnCall, shown: Sequence[Shown], weeks: int) -> None:
    if not shown:
        _say("The policy has no schedules.")
        return
    console.print(
        tables.table(
            "On call",
            ("schedule", "who", "at", "until", "until, UTC", "then"),
            (
                (
                    each.schedule,
                    _who(found, each.people, nobody=_nobody(each)),
                    _local(each.at, each.time_zone),
                    _local(each.until, each.time_zone),
                    _utc(each.until),
                    _who(found, each.then) if each.until else "-",
                )
                for each in shown
            ),
        )
    )
    for each in shown if weeks else ():
        if each.turns:
            console.print(_table(found, each, f"{each.schedule}, {each.time_zone}"))
    for each in shown if weeks else ():
        if not each.is_known:
            continue
        if each.gaps:
            title = f"{each.schedule}: {tables.counted(len(each.gaps), 'gap')}"
            console.print(_table(found, each, title, gaps_alone=True))
        else:
            _say(f"{each.schedule}: no gaps")
    for each in shown:
        if each.problem:
            _say(f"{each.schedule}: its feed: {each.problem}")
        for name in each.unknown:
            _say(f"{each.schedule}: its feed names somebody unknown: {name}")


def _table(
    found: OnCall, shown: Shown, title: str, *, gaps_alone: bool = False
) -> Table:
    return tables.table(
        title,
        ("from", "until", "from, UTC", ">hours", "who"),
        (
            (
                _local(turn.start, shown.time_zone),
                _local(turn.end, shown.time_zone),
                _utc(turn.start),
                f"{(turn.end - turn.start) / timedelta(hours=1):.1f}",
                _who(found, turn.people),
            )
            for turn in (shown.gaps if gaps_alone else shown.turns)
        ),
    )


def _nobody(shown: Shown) -> str:
    return "NOBODY" if shown.is_known else "not known"


def _who(found: OnCall, people: Sequence[str], *, nobody: str = "NOBODY") -> str:
    """Their names; of somebody the policy does not describe, as it is."""
    said = []
    for each in people:
        name = found.people[each].name if each in found.people else ""
        said.append(f"{each} ({name})" if name else each)
    return ", ".join(said) or nobody


def _local(at: datetime | None, zone: str) -> str:
    if at is None:
        return "-"
    return f"{at.astimezone(zone_of(zone)):%a %Y-%m-%d %H:%M %Z}"


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "-"


def _say(line: str) -> None:
    console.print(tables.plain(line), markup=False, highlight=False, soft_wrap=True)
