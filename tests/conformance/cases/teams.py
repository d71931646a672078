"""A workflow that posts to Microsoft Teams."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devhost.outside.teams import message_problems
from responders.teams import CARD_CAP, size
from tests.conformance.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.http import Sent

_SIGNATURE = "s33ded-signature"
_CONTENT = ".attachments[].content"


def _problems(sent: Sent) -> list[str]:
    """It is a card, small in both forms, and text stands in runs alone."""
    problems = message_problems(sent.json)
    if size(sent.json) > CARD_CAP:
        problems.append(f"{size(sent.json)} bytes as one may write it")
    for text in _runs(sent.json):
        if re.search(r"[{$]\{", text):
            problems.append(f"a date or a template: {text[:80]}")
    return problems


def _runs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "TextRun":
            yield value["text"]
        for inner in value.values():
            yield from _runs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _runs(inner)


CASE = Case(
    settings=lambda _: {"url": {"setting": "FLOW"}},
    secrets={"FLOW": f"{{url}}/teams/soc?api-version=1&sig={_SIGNATURE}"},
    seeded=(_SIGNATURE,),
    accepted={200, 202},
    body_cap=CARD_CAP,
    identity=lambda sent: sent.body,
    effects=lambda outside: len(outside.teams.cards),
    tells_repeats=False,
    link_paths={f"{_CONTENT}.body[].actions[].url"},
    own_urls={f"{_CONTENT}.$schema"},
    problems=_problems,
)
