"""Keeps an incident of ServiceNow for each of ours, by its Table API.

Needs a user, or a client of OAuth, with role itil or table rights of its own. ServiceNow
drops no repeats: an incident bears the key of its notice as ``correlation_id``, and is
searched for before it is made. States are numbers there, which customers change.
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
    instant,
    is_ours,
    reference,
    signature,
    since,
)
from responders.tickets.parts import Part, parts
from responders.tickets.servicenow_api import (
    MOST_AT_ONCE,
    SYS_ID,
    Account,
    ServiceNowApi,
)
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import PermanentFailure, SettingsError
from shared.model.secret import SecretRef
from shared.model.text import cut
from shared.model.ticket import Remark, Remote, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
    from datetime import datetime

    from responders.base import Ports
    from responders.tickets.servicenow_api import Entry, Record

# remote-apis-sinks.md 8: what is longer is cut there without a word.
SUMMARY_LIMIT = 160
TEXT_LIMIT = 4_000

# The base system's: 2 in progress, 3 on hold, 6 resolved, 7 closed, 8 cancelled.
IN_PROGRESS = "2"
RESOLVED = "6"

_CODE = re.compile(r"\[\s*(/?)\s*code\s*\]", re.IGNORECASE)
_VERSION = re.compile(r"([0-9]{1,9})/([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})")
_OURS = frozenset(
    {"short_description", "description", "correlation_id", "correlation_display"}
    | {"urgency", "impact", "state", "work_notes", "close_code", "close_notes"}
)


def _usual() -> dict[Severity, int]:
    return {
        Severity.HIGH: 1,
        Severity.MEDIUM: 2,
        Severity.LOW: 3,
        Severity.INFORMATIONAL: 3,
    }


class ServiceNow(Tracker):
    """One instance."""

    class Config(TicketConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        Either ``user`` and ``password`` are given, or ``client_id`` and
        ``client_secret``. ``urgency`` and ``impact`` are 1 to 3 by severity; priority
        follows from them there. ``fields`` are set as they stand here. ``working`` and
        ``closed`` are the states that mean it; all others are new.
        """

        url: str
        user: str = ""
        password: SecretRef | None = None
        client_id: str = ""
        client_secret: SecretRef | None = None
        urgency: dict[Severity, int] = msgspec.field(default_factory=_usual)
        impact: dict[Severity, int] = msgspec.field(default_factory=_usual)
        assignment_group: str = ""
        fields: dict[str, str] = msgspec.field(default_factory=dict)
        working: tuple[str, ...] = (IN_PROGRESS, "3")
        closed: tuple[str, ...] = (RESOLVED, "7", "8")
        close_code: str = ""

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self.config = self._config = config
        if problems := [f"responders.{name}.{each}" for each in _problems(config)]:
            raise SettingsError(problems)
        self._api = ServiceNowApi(config.url, _account(config, ports), ports)

    async def apply(self, action: Action) -> Outcome:
        """Make the incident, or write into it."""
        if action.verb is Verb.TRIGGER:
            return Outcome(reference=await self._opened(action))
        sys_id = action.reference or await self._found(action)
        if not sys_id:
            # What was never opened needs no end, and can be told nothing.
            return Outcome()
        await self._say(reference(sys_id, SYS_ID), action)
        return Outcome(reference=sys_id)

    async def changed(
        self, known: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Remote], None]:
        """See ``Tracker``; a request for each hundred, and one for those that changed."""
        ids = [sys_id for sys_id in known if SYS_ID.fullmatch(sys_id)]
        for start in range(0, len(ids), MOST_AT_ONCE):
            records = {
                record.sys_id.value: record
                for record in await self._api.fetch(ids[start : start + MOST_AT_ONCE])
                if _is_newer(record, known.get(record.sys_id.value))
            }
            entries = await self._entries([*records]) if records else ()
            for sys_id, record in records.items():
                begin = since(_updated(known[sys_id]))
                yield sys_id, self._read(record, entries, begin)

    async def _opened(self, action: Action) -> str:
        """The sys_id of the incident, which is made unless there is one."""
        if found := action.reference or await self._found(action):
            return reference(found, SYS_ID)
        config, message = self._config, told(action)
        group = {"assignment_group": config.assignment_group}
        fields: dict[str, Any] = {
            **config.fields,
            **(group if config.assignment_group else {}),
            "short_description": _neutral(cut(message.headline, SUMMARY_LIMIT)),
            "description": _text(action),
            "correlation_id": correlation(action),
            "correlation_display": "Firewatch",
            "urgency": str(config.urgency.get(message.severity, 3)),
            "impact": str(config.impact.get(message.severity, 3)),
        }
        return await self._api.create(fields)

    async def _found(self, action: Action) -> str:
        return await self._api.correlated(correlation(action))

    async def _say(self, sys_id: str, action: Action) -> None:
        """Add a work note, unless it is there, and set the state that goes with it."""
        now = await self._api.standing(sys_id)
        fields = self._moved(now.state.value, action)
        if signature(action) not in now.work_notes.display_value:
            fields["work_notes"] = _text(action)
        if fields:
            await self._api.change(sys_id, fields)

    def _moved(self, now: str, action: Action) -> dict[str, str]:
        """The state that follows, and what it asks for; what is closed stays so."""
        config = self._config
        if now in config.closed:
            return {}
        match action.verb:
            case Verb.ACKNOWLEDGE:
                state = _state(config.progress, IN_PROGRESS)
                is_there = config.progress is True and now in config.working
                return (
                    {"state": state} if state not in {"", now} and not is_there else {}
                )
            case Verb.RESOLVE if config.close:
                return {
                    "state": _state(config.close, RESOLVED),
                    "close_code": config.close_code,
                    "close_notes": _text(action),
                }
            case _:
                return {}

    def _read(
        self, record: Record, entries: Sequence[Entry], begin: datetime
    ) -> Remote:
        """The incident, with what people wrote since the version that is known."""
        stages = {
            **dict.fromkeys(self._config.working, Stage.IN_PROGRESS),
            **dict.fromkeys(self._config.closed, Stage.CLOSED),
        }
        return Remote(
            version=_version(record),
            stage=stages.get(record.state.value, Stage.NEW),
            name=record.number.value,
            owner=record.assigned_to.display_value,
            remarks=tuple(
                Remark(id=entry.sys_id, by=entry.sys_created_by, text=entry.value)
                for entry in reversed(entries)
                if entry.element_id == record.sys_id.value
                and instant(entry.sys_created_on) >= begin
                and not is_ours(entry.value)
            ),
        )

    async def _entries(self, sys_ids: Sequence[str]) -> Sequence[Entry]:
        try:
            return await self._api.entries(sys_ids)
        except PermanentFailure:
            # Who may see incidents need not be allowed to read the journal.
            return ()


def _text(action: Action) -> str:
    """What the action says, a piece in each line."""
    found = parts(action, lambda part: len(_line(part)) + 1, TEXT_LIMIT)
    return "\n".join(map(_line, found))


def _line(part: Part) -> str:
    match part.kind:
        case "title":
            return _neutral(f"{part.text}:")
        case "item":
            return _neutral(f"- {part.text}")
        case "link":
            return _neutral(f"{part.text}: {part.href}")
        case "line":
            return _neutral(part.text)


def _neutral(text: str) -> str:
    """The text with no mark that would have journals render what follows as HTML."""
    return _CODE.sub(lambda found: f"({found[1]}code)", text)


def _state(goal: Goal, usual: str) -> str:
    return usual if goal is True else goal or ""


def _version(record: Record) -> str:
    return f"{record.sys_mod_count.value}/{record.sys_updated_on.value}"


def _is_newer(record: Record, known: str | None) -> bool:
    """Whether it was changed since; what gives no version never was."""
    if known is None or not (now := _VERSION.fullmatch(_version(record))):
        return False
    before = _VERSION.fullmatch(known)
    return before is None or int(now[1]) > int(before[1])


def _updated(known: str) -> str:
    """When the version that is known came about, as ServiceNow writes times."""
    found = _VERSION.fullmatch(known)
    return found[2] if found else ""


def _account(config: ServiceNow.Config, ports: Ports) -> Account:
    is_client = config.client_secret is not None
    secret = config.client_secret or config.password
    assert secret is not None  # noqa: S101  _problems() saw to it
    name = config.client_id if is_client else config.user
    return Account(name, ports.secret(secret), is_client=is_client)


def _problems(config: ServiceNow.Config) -> Iterator[str]:
    if problem := url_problem(config.url):
        yield f"url {problem}"
    user = bool(config.user), config.password is not None
    client = bool(config.client_id), config.client_secret is not None
    if {user, client} != {(True, True), (False, False)} or ":" in config.user:
        yield "user: expected user and password, or else client_id and client_secret"
    for field in ("urgency", "impact"):
        if not {*getattr(config, field).values()} <= {1, 2, 3}:
            yield f"{field}: expected 1, 2 or 3 for a severity"
    if taken := sorted(_OURS & config.fields.keys()):
        yield f"fields: {', '.join(taken)} is set by Firewatch"
    if config.close and not config.close_code:
        yield "close_code is required with close: ServiceNow closes nothing without it"
    if isinstance(config.close, str) and config.close not in config.closed:
        yield "close: expected one of the states that closed names"
    if isinstance(config.progress, str) and config.progress not in config.working:
        yield "progress: expected one of the states that working names"
