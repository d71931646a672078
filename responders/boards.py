"""Keeps a work item of Azure Boards for each incident.

Needs the app's identity as a user of the organisation, or a personal access token with
scope "Work items (read and write)". Boards drops no repeats: a work item bears the key of
its notice as a tag, and is searched for before it is made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import told, url_problem
from responders.tickets import (
    Goal,
    TicketConfig,
    Tracker,
    correlation,
    html,
    instant,
    is_ours,
    reference,
    signature,
    since,
)
from responders.tickets.boards_api import MOST_AT_ONCE, BoardsApi
from responders.tickets.parts import parts
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import FailureReason, PermanentFailure, SettingsError
from shared.model.secret import SecretRef
from shared.model.text import cut
from shared.model.ticket import Remark, Remote, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from datetime import datetime

    from responders.base import Ports
    from responders.tickets.boards_api import State, WorkItem

# remote-apis-sinks.md 10 for the title; the text is ours.
TITLE_LIMIT = 255
TEXT_LIMIT = 30_000

PRIORITY = "Microsoft.VSTS.Common.Priority"

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_VERSION = re.compile(r"([0-9]{1,9})/([0-9T:.Z+-]{1,40})")
_TAG = re.compile(r"[^,;\x00-\x1f]{1,100}")
_OURS = frozenset({"System.Title", "System.Tags", "System.State", "System.History"})


class Boards(Tracker):
    """One project of one organisation."""

    class Config(TicketConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``url`` is that of the organisation, ``type`` of the work items, and ``text`` the
        field that holds what is told of the incident. Without a ``token`` the app's own
        identity signs in. ``priority`` is 1 to 4 by severity. ``fields`` are set as they
        stand here.
        """

        url: str
        project: str
        type: str = "Issue"
        token: SecretRef | None = None
        text: str = "System.Description"
        priority: dict[Severity, int] = msgspec.field(default_factory=dict)
        tags: tuple[str, ...] = ()
        fields: dict[str, Any] = msgspec.field(default_factory=dict)

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self.config = self._config = config
        if problems := [f"responders.{name}.{each}" for each in _problems(config)]:
            raise SettingsError(problems)
        token = ports.secret(config.token) if config.token else None
        self._api = BoardsApi(config.url, config.project, token, ports)
        self._states: dict[str, State] = {}

    async def apply(self, action: Action) -> Outcome:
        """Make the work item, or write into it."""
        if action.verb is Verb.TRIGGER:
            return Outcome(reference=await self._opened(action))
        number = action.reference or await self._found(action)
        if not number:
            # What was never opened needs no end, and can be told nothing.
            return Outcome()
        await self._say(reference(number, _NUMBER), action)
        return Outcome(reference=number)

    async def changed(
        self, known: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Remote], None]:
        """See ``Tracker``; a request for each 200, and one for each that changed."""
        numbers = [number for number in known if _NUMBER.fullmatch(number)]
        for start in range(0, len(numbers), MOST_AT_ONCE):
            for item in await self._api.fetch(numbers[start : start + MOST_AT_ONCE]):
                before = known.get(str(item.id))
                if before is not None and item.rev > _revision(before):
                    yield str(item.id), await self._read(item, since(_changed(before)))

    async def _opened(self, action: Action) -> str:
        """The id of the work item, which is made unless there is one."""
        if found := action.reference or await self._found(action):
            return reference(found, _NUMBER)
        config, message = self._config, told(action)
        fields = {
            **config.fields,
            "System.Title": cut(message.headline, TITLE_LIMIT),
            config.text: html.document(parts(action, html.size, TEXT_LIMIT)),
            "System.Tags": "; ".join([correlation(action), *config.tags]),
        }
        if message.severity in config.priority:
            fields[PRIORITY] = config.priority[message.severity]
        number = await self._api.create(config.type, fields)
        return reference(number, _NUMBER)

    async def _found(self, action: Action) -> str:
        return await self._api.tagged(correlation(action))

    async def _say(self, number: str, action: Action) -> None:
        """Add to the history, unless it is there, and set the state that goes with it."""
        fields = {}
        if state := await self._goal(number, action):
            fields["System.State"] = state
        mine = signature(action)
        comments = await self._api.comments(number)
        if not any(mine in comment.text for comment in comments):
            said = parts(action, html.size, TEXT_LIMIT)
            fields["System.History"] = html.document(said)
        if fields:
            await self._api.change(number, fields)

    async def _goal(self, number: str, action: Action) -> str:
        """The state that follows; empty where it is to stay, as what is closed is."""
        match action.verb:
            case Verb.ACKNOWLEDGE:
                goal, stage = self._config.progress, Stage.IN_PROGRESS
            case Verb.RESOLVE:
                goal, stage = self._config.close, Stage.CLOSED
            case _:
                return ""
        if not goal:
            return ""
        now = await self._api.state(number)
        at = await self._stage(now)
        is_there = at is stage if goal is True else now == goal
        if is_there or at is Stage.CLOSED:
            return ""
        return self._named(goal, stage)

    def _named(self, goal: Goal, stage: Stage) -> str:
        if isinstance(goal, str):
            return goal
        for state in self._states.values():
            if state.stage is stage:
                return state.name
        raise PermanentFailure(
            FailureReason.INVALID,
            f"the type of work item of {self.name} has no state that means {stage}",
        )

    async def _stage(self, state: str) -> Stage:
        """What a state of work items means; one that nobody knows is new."""
        if state not in self._states:
            await self._known_states()
        return self._states[state].stage if state in self._states else Stage.NEW

    async def _known_states(self) -> None:
        found = await self._api.states(self._config.type)
        self._states = {state.name: state for state in found}

    async def _read(self, item: WorkItem, begin: datetime) -> Remote:
        """The work item, with what people wrote since the version that is known."""
        try:
            comments = await self._api.comments(str(item.id))
        except PermanentFailure:
            comments = ()
        fields = item.fields
        return Remote(
            version=f"{item.rev}/{fields.changed}",
            stage=await self._stage(fields.state),
            name=f"#{item.id}",
            owner=fields.assigned_to.name if fields.assigned_to else "",
            remarks=tuple(
                Remark(
                    id=str(comment.id),
                    by=comment.by.name if comment.by else "",
                    text=said,
                )
                for comment in reversed(comments)
                if instant(comment.created) >= begin
                and not is_ours(said := html.text(comment.text))
            ),
        )


def _revision(version: str) -> int:
    found = _VERSION.fullmatch(version)
    return int(found[1]) if found else 0


def _changed(version: str) -> str:
    """When that version came about, as Boards writes times."""
    found = _VERSION.fullmatch(version)
    return found[2] if found else ""


def _problems(config: Boards.Config) -> Iterator[str]:
    if problem := url_problem(config.url):
        yield f"url {problem}"
    if not config.project or not config.type:
        yield "project: expected the name of a project, and a type of work items"
    if not {*config.priority.values()} <= {1, 2, 3, 4}:
        yield "priority: expected 1, 2, 3 or 4 for a severity"
    if not all(map(_TAG.fullmatch, config.tags)):
        yield "tags: a tag has neither comma nor semicolon, and 100 characters at most"
    if taken := sorted((_OURS | {config.text}) & config.fields.keys()):
        yield f"fields: {', '.join(taken)} is set by Firewatch"
