"""Azure Boards."""

from html.parser import HTMLParser

from tests.conformance.case import Case
from tests.fakes.http import Sent

_TOKEN = "conf0rmance-personal-access-token"
_TEXTS = ("System.Description", "System.History")
_TAGS = {"p", "b", "ul", "li", "a"}


class Seen(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.strange: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in _TAGS or {name for name, _ in attrs} - {"href"}:
            self.strange.append(f"<{tag} {attrs}>")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.strange.append(f"<!--{data}")


def _fields(sent: Sent) -> dict[str, object]:
    return {step["path"].removeprefix("/fields/"): step["value"] for step in sent.list}


def _content(sent: Sent) -> object:
    """The fields, the texts of HTML as people see them, and their links."""
    if not sent.body or not sent.body.startswith(b"["):
        return sent.json if sent.body else None
    fields = _fields(sent)
    seen = {name: Seen(str(fields[name])) for name in _TEXTS if name in fields}
    shown = {name: each.texts for name, each in seen.items()}
    return {
        **fields,
        **shown,
        "links": [link for each in seen.values() for link in each.links],
    }


def _problems(sent: Sent) -> list[str]:
    if not sent.body.startswith(b"["):
        return []
    fields = _fields(sent)
    strange = [Seen(str(fields[name])).strange for name in _TEXTS if name in fields]
    problems = [tag for tags in strange for tag in tags]
    if len(str(fields.get("System.Title", ""))) > 255:
        problems.append("the title is too long")
    return problems


def _answer(sent: Sent) -> bytes | None:
    """What is searched for is not there, what is asked for by its id is."""
    if sent.url.endswith("/states?api-version=7.1"):
        return b'{"value":[{"name":"Done","category":"Completed"}]}'
    return None


CASE = Case(
    settings=lambda url: {
        "url": f"{url}/boards",
        "project": "Cloud Security",
        "token": {"setting": "BOARDS_TOKEN"},
        "priority": {"high": 1},
        "close": True,
    },
    secrets={"BOARDS_TOKEN": _TOKEN},
    seeded=(_TOKEN,),
    accepted={200},
    # 30,000 characters of text, of four bytes at most.
    body_cap=130_000,
    identity=lambda sent: _fields(sent).get("System.Tags") or _fields(sent),
    effects=lambda outside: len(outside.boards.items),
    answer=b'{"workItems":[],"id":7,"comments":[]}',
    answers=_answer,
    tells=lambda sent: sent.body.startswith(b"["),
    content=_content,
    link_paths={".links[]"},
    problems=_problems,
)
