"""What a client makes of a mail's HTML and of plain text, for tests to look at."""

from __future__ import annotations

from html.parser import HTMLParser

# Everything that our HTML is made of; an alert adds nothing to it.
ELEMENTS = frozenset(
    "html head meta title style body div span h1 h2 p ul li a".split()  # noqa: SIM905
)
ATTRIBUTES = frozenset("lang charset name content class style href".split())  # noqa: SIM905
VOID = frozenset({"meta"})


class Parsed(HTMLParser):
    """The elements, attributes, texts and links of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.problems: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(pair for pair in attrs if pair[0] != "href")))
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)
        if tag not in ELEMENTS:
            self.problems.append(f"<{tag}>")
        self.problems += [f"<{tag} {n}>" for n, _ in attrs if n not in ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open[-1:] != ["style"]:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")

    def close(self) -> None:
        super().close()
        self.problems += [f"<{tag}> is not closed" for tag in self._open]


def parsed(html: str) -> Parsed:
    """The HTML as a parser of the standard library reads it."""
    parser = Parsed()
    parser.feed(html)
    parser.close()
    return parser


def split(text: str) -> tuple[list[str], list[str]]:
    """The lines of a text that are read, and those that are followed."""
    lines = text.split("\n")
    return (
        [line for line in lines if not line.startswith("https://")],
        [line for line in lines if line.startswith("https://")],
    )
