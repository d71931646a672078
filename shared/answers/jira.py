"""Jira's webhooks, signed with the secret that they were made with.

The header is that of WebSub (remote-apis-sinks.md 9). ``X-Atlassian-Webhook-Identifier``
is not signed, so that what was said is known by its bytes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from shared.answers.said import Does, Nothing, Said, somebody, words
from shared.model.action_keys import named_in
from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.answers.said import Call

SIGNATURE = "x-hub-signature"

_SHA256 = re.compile(r"sha256=([0-9a-f]{64})")

# How a comment ends that Firewatch wrote: it is no news.
_OURS = re.compile(r"Firewatch notice [0-9a-f]{32}\s*\Z")

_DONE, _UNDER_WAY = "done", "indeterminate"

# Times that can be reckoned with: up to the year 5138.
_MOST_MS = 10**14


class _User(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="accountId", default="")
    name: str = msgspec.field(name="displayName", default="")


class _Category(msgspec.Struct, frozen=True):
    key: str = ""


class _Status(msgspec.Struct, frozen=True):
    name: str = ""
    category: _Category = msgspec.field(name="statusCategory", default=_Category())


class _Fields(msgspec.Struct, frozen=True):
    labels: list[str] = []
    creator: _User | None = None
    status: _Status = _Status()


class _Issue(msgspec.Struct, frozen=True):
    key: str
    fields: _Fields


class _Item(msgspec.Struct, frozen=True):
    field: str
    to: str | None = msgspec.field(name="toString", default=None)


class _Changelog(msgspec.Struct, frozen=True):
    items: list[_Item] = []


class _Comment(msgspec.Struct, frozen=True):
    body: object = None
    author: _User = _User()


class _Body(msgspec.Struct, frozen=True):
    timestamp: Annotated[int, msgspec.Meta(ge=0, le=_MOST_MS)]
    event: str = msgspec.field(name="webhookEvent")
    issue: _Issue
    user: _User = _User()
    changelog: _Changelog = _Changelog()
    comment: _Comment | None = None


def read(call: Call) -> Sequence[Said] | Nothing:
    """What the webhook says; raises SenderRefused where Jira did not sign it."""
    found = _SHA256.fullmatch(call.headers.get(SIGNATURE, "").strip())
    if found is None or not call.is_signed(call.body, [found[1]]):
        raise SenderRefused("jira: the signature is not ours")
    try:
        body = msgspec.json.decode(call.body, type=_Body)
    except (ValueError, RecursionError):
        return Nothing("not an event about an issue")
    at = datetime.fromtimestamp(body.timestamp / 1_000, UTC)
    if call.is_late(at):
        return Nothing("it happened more than two days ago")
    keys = [label for label in body.issue.fields.labels if named_in(label)]
    if len(keys) != 1:
        return Nothing("the issue has no label of a notice, or several")
    creator = body.issue.fields.creator
    if creator is not None and creator.id and creator.id == body.user.id:
        # The account that made the issue, which is the one that we write by.
        return Nothing("it was done by Firewatch")
    said = [
        Said(f"{call.digest}|{n}", keys[0], does, who, note, thing, at)
        for n, (does, who, note, thing) in enumerate(_told(body, call.acknowledges))
    ]
    return said or Nothing("nothing that an incident is to know")


_Told = tuple[Does, str, str, str]


def _told(body: _Body, acknowledges: str) -> Iterator[_Told]:
    """What each change means, who made it, in which words, and what it changes."""
    who, issue = somebody(body.user.name), body.issue
    for item in body.changelog.items:
        thing = words(f"{issue.key} {item.field}")
        match item.field:
            case "status":
                category = issue.fields.status.category.key
                is_owned = acknowledges == "progress" and category == _UNDER_WAY
                does = Does.ACKNOWLEDGE if is_owned else Does.COMMENT
                does = Does.RESOLVE if category == _DONE else does
                note = f"{issue.key} is {issue.fields.status.name or item.to}"
                yield does, who, words(note), thing
            case "assignee":
                is_owned = acknowledges == "owner" and bool(item.to)
                does = Does.ACKNOWLEDGE if is_owned else Does.COMMENT
                note = f"{issue.key} is assigned to {item.to or 'nobody'}"
                yield does, who, words(note), thing
    comment = body.comment
    if comment is not None and body.event in {"comment_created", "jira:issue_updated"}:
        text = comment.body if isinstance(comment.body, str) else ""
        if words(text) and not _OURS.search(text):
            said = words(f"{issue.key}: {text}")
            yield Does.COMMENT, somebody(comment.author.name) or who, said, ""
