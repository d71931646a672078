"""Mails by Azure Communication Services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.case import Case
from tests.fakes.ports import TOKEN
from tests.unit.responders.mails import parsed, split

if TYPE_CHECKING:
    from tests.fakes.http import Sent


def _content(sent: Sent) -> object:
    """What is read, and apart from it where links lead."""
    mail = sent.json
    content = mail["content"]
    html, (lines, urls) = parsed(content["html"]), split(content["plainText"])
    return {
        "subject": content["subject"],
        "texts": [*html.texts, *lines],
        "links": [*html.links, *urls],
        "headers": mail["headers"],
        "recipients": mail["recipients"],
    }


def _problems(sent: Sent) -> list[str]:
    """What an alert could have made of the mail's HTML."""
    mail = sent.json
    found = parsed(mail["content"]["html"]).problems
    if len(mail["content"]["html"].encode()) > 102_000:
        found.append("Gmail would cut the HTML")
    if len(mail["content"]["subject"]) > 200:
        found.append("the subject is long")
    return found


CASE = Case(
    settings=lambda url: {
        "endpoint": f"{url}/email",
        "sender": "firewatch@mail.example",
        "to": ["soc@example.com"],
    },
    secrets={},
    seeded=(TOKEN,),
    accepted={202},
    body_cap=300_000,
    identity=lambda sent: sent.headers["operation-id"],
    effects=lambda outside: len(outside.email.mails),
    content=_content,
    link_paths={".links[]"},
    problems=_problems,
)
