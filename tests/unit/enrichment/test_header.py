from __future__ import annotations

from datetime import timedelta

import pytest

from shared.enrichment import header
from shared.enrichment.query import Column, Kind, Parameter
from shared.model.evidence import Cost
from tests.unit.enrichment.queries import HEADER, SOURCE, TEXT, make_query


def test_a_header_is_read_whole() -> None:
    """Each field comes out in its type, and the text as it stands."""
    query = make_query()

    assert query.name == "logons"
    assert query.question == "Who logged on?"
    assert (query.entities, query.plans) == (("host",), ("any",))
    assert query.tables == ("SecurityEvent",)
    assert query.parameters == (
        Parameter("TheHost", Kind.STRING),
        Parameter("TheAccounts", Kind.STRINGS, is_optional=True),
    )
    assert (query.reach, query.ahead) == (timedelta(days=1), timedelta(hours=2))
    assert query.lag == timedelta(minutes=15)
    assert (query.cost, query.weight) == (Cost.LOW, 5)
    assert query.columns[-1] == Column("Times", Kind.LONG)
    assert query.nothing == "Nobody logged on."
    assert query.text == TEXT.strip()


def test_a_value_goes_on_in_the_next_line() -> None:
    """Four more spaces behind the slashes make a line part of the one before."""
    source = SOURCE.replace("At datetime, Account", "At datetime,\n//     Account")

    assert make_query(source) == make_query()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("// entities: host\n", "", "2: expected `// entities: ...`, found '// plans"),
        ("// reach: 1d", "// reaches: 1d", "6: expected `// reach: ...`"),
        ("// reach: 1d", "// reach: soon", "6: expected a time such as 20m"),
        ("// reach: 1d", "// reach: 91d", "6: expected at most 90 days"),
        ("// cost: low", "// cost: cheap", "9: expected one of high, low, medium"),
        ("// weight: 5", "// weight: 10", "10: expected one of 1, 2"),
        ("logged on?", "logged on.", "1: expected a sentence that ends in '?'"),
        ("tables: Sec", "tables: ,Sec", "4: expected table, found nothing between"),
        ("plans: any", "plans: any, any", "3: expected each plan once, found 'any'"),
        ("TheHost string,", "Host string,", "5: expected a parameter as `TheName"),
        ("TheHost string,", "TheHost text,", "5: expected one of bool, datetime"),
        ("TheHost string,", "TheHost long?,", "5: expected only a string or strings"),
        ("At datetime,", "at datetime,", "11: expected a column as `Name type`"),
        ("At datetime,", "At strings,", "11: expected one of bool, datetime"),
        ("At datetime,", "Times real,", "11: expected each column once, found 'Times'"),
        ("{each Account}", "{each User}", "12: expected a column of the query in the"),
        ("{each Account}", "{each Account", "12: expected `{Column}`"),
        ("on.\n\n", "on.\n", "14: expected an empty line behind the header"),
        (f"\n{TEXT}", "", "14: expected a text, found the end of the file"),
        ("MostRows by", "100 by", "15: expected the text to use MostRows, found no"),
        (" or Account in~ (TheAccounts)", "", "15: expected the text to use TheAcc"),
        ("SecurityEvent\n|", "Event\n|", "15: expected the text to use SecurityEvent"),
        (
            "\n\nSec",
            '\n\nlet TheHost = "x";\nSec',
            "15: expected TheHost to be given, found a `let` of it",
        ),
        (
            "| project At",
            "| union (SecurityEvent | where TimeGenerated > ago(1d))\n| project At",
            "19: expected SecurityEvent to be bounded at once",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(old: str, new: str, said: str) -> None:
    """The complaint says file, line, what was expected and what is there."""
    source = SOURCE.replace(old, new, 1)
    assert source != SOURCE

    with pytest.raises(ValueError, match="expected") as caught:
        make_query(source)

    assert str(caught.value).startswith(f"logons.kql:{said}")


def test_a_name_in_a_string_or_comment_is_no_use_of_it() -> None:
    """A text that only talks of a parameter does not use it."""
    source = SOURCE.replace(
        "TheAccounts)", "\"TheAccounts\", 'TheAccounts') // TheAccounts"
    )

    with pytest.raises(ValueError, match="use TheAccounts"):
        make_query(source)


@pytest.mark.parametrize("name", ["Logons.kql", "log ons.kql", "-a.kql", ".kql"])
def test_files_are_called_as_queries_are(name: str) -> None:
    """The name of the file is that of the query: lower case with hyphens."""
    with pytest.raises(ValueError, match=r":1: expected a file name in lower case"):
        header.parse(name, SOURCE)


@pytest.mark.parametrize("source", ["", "\n", HEADER.splitlines()[0], "SecurityEvent"])
def test_a_file_without_a_whole_header_is_refused(source: str) -> None:
    """Nothing is made up for what is not there."""
    with pytest.raises(ValueError, match=r"logons\.kql:\d+: expected"):
        header.parse("logons.kql", source)
