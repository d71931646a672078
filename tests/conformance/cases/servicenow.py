"""ServiceNow."""

import re
from typing import Any

from tests.conformance.case import Case
from tests.fakes.http import Sent

_PASSWORD = "conf0rmance-password-of-servicenow"
_MADE = b'{"result":{"sys_id":"0123456789abcdef0123456789abcdef"}}'
_STANDING = (
    b'{"result":{"sys_id":{"value":"0123456789abcdef0123456789abcdef"},'
    b'"state":{"value":"1"}}}'
)
_TEXTS = ("description", "work_notes", "close_notes")
_LENGTHS = {"short_description": 160} | dict.fromkeys(_TEXTS, 4_000)


def _content(sent: Sent) -> object:
    """The fields, each text as its lines, and the links that stand in lines of one."""
    if not sent.body:
        return None
    fields: dict[str, Any] = dict(sent.json)
    links = []
    for name in _TEXTS:
        if name in fields:
            lines = fields[name].split("\n")
            links += [line.split(": ")[-1] for line in lines if ": https://" in line]
            fields[name] = [line for line in lines if ": https://" not in line]
    return {**fields, "links": links}


def _problems(sent: Sent) -> list[str]:
    if not sent.body:
        return []
    problems = []
    for name, most in _LENGTHS.items():
        text = sent.json.get(name, "")
        if len(text) > most:
            problems.append(f"{name} is {len(text)} characters, over {most}")
        if re.search(r"\[\s*/?\s*code\s*\]", text, re.IGNORECASE):
            problems.append(f"{name} has HTML rendered")
    return problems


def _answer(sent: Sent) -> bytes | None:
    """What is searched for is not there, what is asked for by its id is."""
    if sent.method != "GET":
        return _MADE
    return _STANDING if "/incident/" in sent.url else None


CASE = Case(
    settings=lambda url: {
        "url": f"{url}/servicenow",
        "user": "firewatch",
        "password": {"setting": "SERVICENOW_PASSWORD"},
        "assignment_group": "Security",
        "close": True,
        "close_code": "Resolved by caller",
    },
    secrets={"SERVICENOW_PASSWORD": _PASSWORD},
    seeded=(_PASSWORD,),
    accepted={200},
    body_cap=32_000,
    identity=lambda sent: sent.json.get("correlation_id") or sent.json["work_notes"],
    effects=lambda outside: len(outside.servicenow.incidents),
    answer=b'{"result":[]}',
    answers=_answer,
    tells=lambda sent: sent.method in {"POST", "PATCH"},
    content=_content,
    link_paths={".links[]"},
    problems=_problems,
)
