"""Keeps an issue of Jira Cloud for each incident.

Needs an account with an API token that may browse, create, comment and transition issues
of the project. Jira drops no repeats: an issue bears the key of its notice as a label,
and is searched for before it is made. Jira's search lags behind by seconds, so after an
answer that got lost it is asked again no sooner than a minute later.
"""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import told, url_problem
from responders.tickets import (
    Goal,
    TicketConfig,
    Tracker,
    adf,
    correlation,
    instant,
    is_ours,
    reference,
    signature,
    since,
)
from responders.tickets.jira_api import ISSUE, MOST_AT_ONCE, JiraApi
from responders.tickets.parts import parts
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.secret import SecretRef
from shared.model.text import cut
from shared.model.ticket import Remark, Remote, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
    from datetime import datetime

    from responders.base import Ports
    from responders.tickets.jira_api import Comment, Issue, Transition

# remote-apis-sinks.md 9: 32,767 characters of text, counted there nobody knows how.
SUMMARY_LIMIT = 255
TEXT_LIMIT = 30_000

# How long a search may not find what was made.
INDEX_LAG = timedelta(minutes=1)

_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_LABEL = re.compile(r"[!-~]{1,255}")
_OURS = frozenset({"project", "issuetype", "summary", "description", "labels"})


class Jira(Tracker):
    """One project of one site."""

    class Config(TicketConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``url`` is that of the site, ``type`` of the issues. ``priority`` names Jira's for
        a severity; where it names none, Jira decides. ``fields`` are set as they stand
        here. ``resolution`` goes with the transition that closes an issue, for workflows
        that ask for it. ``callback_secret`` is what Jira signs its webhooks with.
        """

        url: str
        user: str
        token: SecretRef
        project: str
        type: str = "Task"
        priority: dict[Severity, str] = msgspec.field(default_factory=dict)
        labels: tuple[str, ...] = ()
        fields: dict[str, Any] = msgspec.field(default_factory=dict)
        resolution: str = ""
        callback_secret: SecretRef | None = None

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self.config = self._config = config
        if problems := [f"responders.{name}.{each}" for each in _problems(config)]:
            raise SettingsError(problems)
        token = ports.secret(config.token)
        self.calls = config.callback_secret is not None
        self._api = JiraApi(config.url, user=config.user, token=token, ports=ports)

    async def apply(self, action: Action) -> Outcome:
        """Make the issue, or write into it."""
        if action.verb is Verb.TRIGGER:
            return Outcome(reference=await self._opened(action))
        key = action.reference or await self._found(action)
        if not key:
            # What was never opened needs no end, and can be told nothing.
            return Outcome()
        await self._say(reference(key, ISSUE), action)
        if action.verb is Verb.ACKNOWLEDGE:
            await self._move(key, self._config.progress, Stage.IN_PROGRESS)
        elif action.verb is Verb.RESOLVE:
            await self._move(key, self._config.close, Stage.CLOSED)
        return Outcome(reference=key)

    async def changed(
        self, known: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Remote], None]:
        """See ``Tracker``; a request for each hundred, and one for each that changed."""
        keys = [key for key in known if ISSUE.fullmatch(key)]
        for start in range(0, len(keys), MOST_AT_ONCE):
            for issue in await self._api.fetch(keys[start : start + MOST_AT_ONCE]):
                before = known.get(issue.key)
                if before is None or instant(issue.fields.updated) <= instant(before):
                    continue
                yield issue.key, await self._read(issue, since(before))

    async def _opened(self, action: Action) -> str:
        """The key of the issue, which is made unless there is one."""
        if found := action.reference or await self._found(action):
            return reference(found, ISSUE)
        config, message = self._config, told(action)
        fields = config.fields | {
            "project": {"key": config.project},
            "issuetype": {"name": config.type},
            "summary": cut(message.headline, SUMMARY_LIMIT),
            "description": adf.document(parts(action, adf.size, TEXT_LIMIT)),
            "labels": [correlation(action), *config.labels],
        }
        if message.severity in config.priority:
            fields["priority"] = {"name": config.priority[message.severity]}
        try:
            return await self._api.create(fields)
        except TransientFailure as failure:
            wait = max(failure.retry_after or INDEX_LAG, INDEX_LAG)
            raise TransientFailure(
                failure.reason, str(failure), retry_after=wait
            ) from None

    async def _found(self, action: Action) -> str:
        return await self._api.labelled(self._config.project, correlation(action))

    async def _say(self, key: str, action: Action) -> None:
        """Write a comment, unless it is there."""
        mine = signature(action)
        there = await self._api.comments(key)
        if not any(mine in adf.text(comment.body) for comment in there):
            said = adf.document(parts(action, adf.size, TEXT_LIMIT))
            await self._api.comment(key, said)

    async def _move(self, key: str, goal: Goal, stage: Stage) -> None:
        """Take the transition that leads there; what is closed already stays so."""
        if not goal:
            return
        issue = await self._api.standing(key)
        now = issue.fields.status
        is_there = now.stage is stage if goal is True else now.name == goal
        if is_there or now.stage is Stage.CLOSED:
            return
        for each in issue.transitions:
            if _leads(each, goal, stage):
                break
        else:
            raise PermanentFailure(
                FailureReason.INVALID,
                f"no transition leads from the status of the issue to what the policy "
                f"of {self.name} names",
            )
        body: dict[str, Any] = {"transition": {"id": each.id}}
        if stage is Stage.CLOSED and self._config.resolution:
            body["fields"] = {"resolution": {"name": self._config.resolution}}
        await self._api.transition(key, body)

    async def _read(self, issue: Issue, begin: datetime) -> Remote:
        """The issue, with what people wrote since the version that is known."""
        comments: Sequence[Comment] = ()
        if not self.calls:
            # Who may see an issue need not be allowed to see its comments.
            with contextlib.suppress(PermanentFailure):
                comments = await self._api.comments(issue.key)
        return Remote(
            version=issue.fields.updated,
            stage=issue.fields.status.stage,
            owner=issue.fields.assignee.name if issue.fields.assignee else "",
            remarks=tuple(
                Remark(
                    id=comment.id,
                    by=comment.author.name if comment.author else "",
                    text=said,
                )
                for comment in reversed(comments)
                if instant(comment.created) >= begin
                and not is_ours(said := adf.text(comment.body))
            ),
        )


def _leads(transition: Transition, goal: Goal, stage: Stage) -> bool:
    if goal is True:
        return transition.to.stage is stage
    return goal in {transition.name, transition.to.name}


def _problems(config: Jira.Config) -> Iterator[str]:
    if problem := url_problem(config.url):
        yield f"url {problem}"
    if not _PROJECT.fullmatch(config.project):
        yield "project: expected the key of a project, such as SEC"
    if not config.user or ":" in config.user:
        yield "user: expected the e-mail address of the account"
    if not all(map(_LABEL.fullmatch, config.labels)):
        yield "labels: a label has no spaces, and 255 characters at most"
    if taken := sorted(_OURS & config.fields.keys()):
        yield f"fields: {', '.join(taken)} is set by Firewatch"
