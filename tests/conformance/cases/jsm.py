"""Alerts of Jira Service Management."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.conformance.case import Case
from tests.unit.responders.mails import split

if TYPE_CHECKING:
    from tests.fakes.http import Sent

_KEY = "c0nf0rmance-gen1e-key"
_ESCAPE = re.compile(r"&(?!(?:amp|lt|gt);)|[<>]")


def _content(sent: Sent) -> object:
    """What is read, and apart from it where links lead."""
    found = {**sent.json}
    for field in ("description", "note"):
        if field in found:
            found[field], found["links"] = split(found[field])
    return found


def _identity(sent: Sent) -> tuple[str, str]:
    """What is done to which alert."""
    *_, alias, doing = urlsplit(sent.url).path.split("/")
    if doing == "alerts":
        return "create", sent.json["alias"]
    return doing, unquote(alias)


def _problems(sent: Sent) -> list[str]:
    """HTML that is alive, or an escape that was cut."""
    content = sent.json
    details = content.get("details", {})
    read = {
        name: content.get(name, "") for name in ("message", "description", "entity")
    }
    read |= {"note": content.get("note", ""), **details}
    read |= {f"tag {tag}": tag for tag in content.get("tags", [])}
    return [f"{name} holds HTML" for name, text in read.items() if _ESCAPE.search(text)]


CASE = Case(
    settings=lambda url: {
        "key": {"setting": "GENIE"},
        "url": f"{url}/jsm",
        "responders": [{"id": "4513b7ea-3b91-438f-b7e4-e3e54af9147c", "type": "team"}],
        "priority": {"low": "P4"},
    },
    secrets={"GENIE": _KEY},
    seeded=(_KEY,),
    accepted={202},
    body_cap=100_000,
    identity=_identity,
    effects=lambda outside: len(outside.jsm.alerts),
    content=_content,
    link_paths={".links[]"},
    problems=_problems,
)
