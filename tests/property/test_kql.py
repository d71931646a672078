"""Any text enters a query as one string, and as itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.query_check import HOSTILE, LONG
from devhost import kql_parser
from devhost.kql_parser import Text
from shared.enrichment.kql import literal, render
from shared.enrichment.pack import pack
from tests.unit.enrichment.parser import needs_parser

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.text(
        st.sampled_from("\"'\\`~|/*;\n\r\t\0\u2028\u0085 abuxU0[](){}@h"), max_size=60
    ),
    st.sampled_from(HOSTILE),
)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

_ESCAPE = re.compile(r'\\(?:u([0-9a-f]{4})|(["\\nrt]))')
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t"}


def unescaped(written: str) -> str:
    """The value of a string literal of KQL, by the rules of its escapes."""
    assert written[0] == written[-1] == '"'
    inside = written[1:-1]
    # What no escape takes in are plain characters, and no quote among them.
    assert not re.search(r'["\\]', _ESCAPE.sub("", inside))
    units = _ESCAPE.sub(
        lambda m: chr(int(m[1], 16)) if m[1] else _SIMPLE.get(m[2], m[2]), inside
    )
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@given(TEXTS)
def test_a_literal_is_read_back_as_the_text(text: str) -> None:
    """By the rules of KQL, and nothing in it is unseen."""
    written = literal(text)

    assert unescaped(written) == text
    assert written.isprintable()


@given(st.lists(TEXTS, max_size=5))
def test_a_list_is_read_back_as_its_texts(texts: list[str]) -> None:
    """Each text is a string of its own."""
    written = literal(texts)

    parts = re.findall(r'"(?:[^"\\]|\\.)*"', written)
    assert [unescaped(part) for part in parts] == texts
    assert written == f"dynamic([{', '.join(parts)}])"


@needs_parser
@settings(max_examples=3)
@given(st.lists(TEXTS, min_size=100, max_size=200))
def test_microsofts_parser_reads_one_string_and_the_same(texts: list[str]) -> None:
    """Whatever the text, the query has the one literal and no more statements."""
    query = pack()["other-alerts"]
    sent = [
        Text(
            str(number),
            render(
                query,
                {"TheNames": [text, *texts[:1]], "TheAlerts": [text]},
                since=NOON,
                until=NOON,
                most_rows=1,
            ),
        )
        for number, text in enumerate(texts[::50])
    ]
    lets = [
        Text(
            "lets", "".join(f"let X{n} = {literal(t)};\n" for n, t in enumerate(texts))
        )
    ]

    *queries, together = kql_parser.check([*sent, *lets])

    assert together.strings == {f"X{n}": [text] for n, text in enumerate(texts)}
    for checked, text in zip(queries, texts[::50], strict=True):
        assert checked.diagnostics == []
        assert {*checked.strings} == {
            *("Since", "Until", "MostRows", "TheNames", "TheAlerts", "parts")
        }
        assert checked.strings["TheNames"] == [text, *texts[:1]]
        assert checked.strings["TheAlerts"] == [text]


@needs_parser
def test_microsofts_parser_reads_each_hostile_text_alone() -> None:
    """Those that the check of the pack spreads over the queries, and the long one."""
    texts = [*HOSTILE, LONG]
    lets = "".join(f"let X{n} = {literal(text)};\n" for n, text in enumerate(texts))

    [checked] = kql_parser.check([Text("lets", lets)])

    assert checked.strings == {f"X{n}": [text] for n, text in enumerate(texts)}
