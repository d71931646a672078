"""Jira Cloud."""

import re

from devhost.outside.adf import problems_of
from tests.conformance.case import Case
from tests.fakes.http import Sent

_TOKEN = "conf0rmance-api-token-of-jira"


def _identity(sent: Sent) -> object:
    """The label of a new issue; the document of a comment."""
    body = sent.json
    return body["fields"]["labels"] if "fields" in body else body


def _problems(sent: Sent) -> list[str]:
    if b'"type":"doc"' not in sent.body:
        return []
    body = sent.json
    document = body["fields"]["description"] if "fields" in body else body["body"]
    return problems_of(document, 30_000)


CASE = Case(
    settings=lambda url: {
        "url": f"{url}/jira",
        "user": "firewatch@contoso.example",
        "token": {"setting": "JIRA_TOKEN"},
        "project": "SEC",
        "priority": {"high": "Highest"},
        "close": True,
    },
    secrets={"JIRA_TOKEN": _TOKEN},
    seeded=(_TOKEN,),
    accepted={200},
    body_cap=32_767,
    identity=_identity,
    effects=lambda outside: len(outside.jira.issues),
    # What every question is answered by: none is there, and one that is made is this.
    answer=b'{"issues":[],"comments":[],"key":"SEC-1","transitions":[{"id":"31",'
    b'"to":{"name":"Done","statusCategory":{"key":"done"}}}]}',
    tells=lambda sent: (
        re.search(r"/(issue|comment)$", sent.url) is not None and sent.method == "POST"
    ),
    link_paths={
        ".fields.description.content[].content[].marks[].attrs.href",
        ".body.content[].content[].marks[].attrs.href",
    },
    problems=_problems,
)
