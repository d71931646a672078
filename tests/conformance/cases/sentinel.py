"""Microsoft Sentinel."""

from tests.conformance.case import Case
from tests.conformance.cases.boards import Seen
from tests.fakes.azure import SOC
from tests.fakes.http import Sent
from tests.fakes.ports import TOKEN

_INCIDENT = "Microsoft.SecurityInsights/incidents"
_LENGTHS = {"title": 150, "description": 2_000, "message": 30_000}


def _content(sent: Sent) -> object:
    """What is said; of a comment as people see it, since it is HTML."""
    if not sent.body:
        return None
    given = sent.json["properties"]
    if "message" not in given:
        return given
    seen = Seen(given["message"])
    return {"texts": seen.texts, "links": seen.links}


def _problems(sent: Sent) -> list[str]:
    given = sent.json["properties"] if sent.body else {}
    problems = [
        f"{name} is {len(given[name])} characters, over {most}"
        for name, most in _LENGTHS.items()
        if len(given.get(name, "")) > most
    ]
    # Whether these are shown as HTML is not known.
    flat = f"{given.get('title', '')}{given.get('description', '')}"
    if "<" in flat or ">" in flat:
        problems.append("a tag")
    return problems + Seen(given.get("message", "")).strange


CASE = Case(
    settings=lambda url: {
        "workspace": SOC,
        "url": f"{url}/arm",
        "close": True,
        "labels": ["soc"],
    },
    secrets={},
    seeded=(TOKEN,),
    # That it is there already is as good.
    accepted={200, 201, 409},
    # Each character may be written as six.
    body_cap=200_000,
    identity=lambda sent: sent.url,
    effects=lambda outside: len([*outside.manager.resources.of_type(_INCIDENT)]),
    answer=b'{"etag":"1","properties":{"status":"New","title":"t","severity":"High"}}',
    tells=lambda sent: "/comments/" in sent.url,
    content=_content,
    link_paths={".links[]"},
    problems=_problems,
    side="arm",
    takes=True,
)
