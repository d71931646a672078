from __future__ import annotations

import sys
from subprocess import run
from typing import TYPE_CHECKING

import pytest

from cli import query_check
from devhost import kql_parser
from devhost.kql_parser import ParserMissing, Text
from shared.enrichment import header
from shared.enrichment.pack import FOLDER, pack
from shared.enrichment.query import Kind, reading
from tests.meta.source_tree import ROOT
from tests.unit.enrichment.parser import needs_parser
from tests.unit.enrichment.queries import HEADER, SOURCE, TEXT, make_query

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "SecurityEvent": {
        "TimeGenerated": "datetime",
        "Computer": "string",
        "Account": "string",
    }
}

MISTAKES = (
    ("Account in~", "Acount in~", "'Acount'"),
    ("Account in~ (The", "Account in~ ((The", "line "),
    ("Times long", "Times string", "its header says"),
    ("At, Account, Times", "Account, At, Times", "its header says"),
    ("top MostRows by At desc", "where 1 < MostRows", "not in take or top MostRows"),
    (
        "| summarize",
        '| extend TheHost = Account\n| where TheHost == "x"\n| summarize',
        "['TheHost'] mean columns somewhere",
    ),
    ("| summarize", "| union Heartbeat\n| summarize", "reads ['Heartbeat', 'Security"),
    (
        "| summarize",
        "| where Computer in ((ProtectionStatus | project Computer))\n| summarize",
        "reads ['ProtectionStatus', 'SecurityEvent']",
    ),
    (": host", ": hots", "nothing is a hots"),
    (": host", ": url", "a url gives none of its parameters"),
    (": any", ": Defender for Toasters", "no alert type is of the plan"),
    ("SecurityEvent", "NobodysTable", "tables.json has no NobodysTable"),
    ("between (Since .. Until)", "> ago(1d)", ".kql:15: expected"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of one query, for the check to look at instead of ours."""
    (tmp_path / "logons.kql").write_text(SOURCE, "utf-8")
    monkeypatch.setattr(query_check, "FOLDER", tmp_path)
    return tmp_path


# `make check` does the same, and both come before anything is merged.
@pytest.mark.soak
@needs_parser
def test_the_parser_takes_every_query_with_every_value() -> None:
    """As `make check` has it: no complaint, the declared columns, the same values."""
    outcome = query_check.check()

    assert outcome.problems == []
    assert outcome.queries == len(pack()) == len([*FOLDER.iterdir()]) >= 50
    assert outcome.renderings == 4 * outcome.queries


@needs_parser
def test_the_check_finds_mistakes(folder: Path) -> None:
    """One mistake in one file is enough; each is said of its own query."""
    for number, (old, new, _) in enumerate(MISTAKES):
        source = SOURCE.replace(old, new)
        assert source != SOURCE
        (folder / f"mistake-{number}.kql").write_text(source, "utf-8")

    problems = query_check.check().problems

    found = {
        number
        for number, (_, _, said) in enumerate(MISTAKES)
        for problem in problems
        if problem.startswith(f"mistake-{number}") and said in problem
    }
    assert found == {*range(len(MISTAKES))}, problems
    assert not any(problem.startswith("logons") for problem in problems)


@needs_parser
def test_the_check_finds_nothing_wrong_with_what_is_right(folder: Path) -> None:
    """So that the mistakes of the other tests are those that they make."""
    assert query_check.check().problems == []
    assert [path.name for path in folder.iterdir()] == ["logons.kql"]


@needs_parser
def test_the_check_does_not_pass_on_nothing(folder: Path) -> None:
    """No file, or none that can be read, is a problem."""
    (folder / "logons.kql").unlink()
    assert len(query_check.check().problems) == 1

    (folder / "broken.kql").write_text(HEADER, "utf-8")
    assert len(query_check.check().problems) == 2


def test_names_that_a_column_has_are_a_problem() -> None:
    """The column would be meant wherever the parameter is."""
    schema = {"SecurityEvent": {**SCHEMA["SecurityEvent"], "TheHost": "string"}}

    assert [*query_check.misfits(make_query(), schema)] == [
        "TheHost is a column of SecurityEvent, and would be taken for it"
    ]


@needs_parser
def test_the_parser_sees_through_what_is_no_literal() -> None:
    """A value that got into the text itself would show."""
    text = TEXT.replace("TheHost", '"" or Account == "x"').replace("TheAccounts", '""')
    lets = "let Since = datetime(2026-11-22);\nlet Until = now();\nlet MostRows = 1;\n"

    [checked] = kql_parser.check([Text("logons", lets + text)], SCHEMA)

    assert checked.diagnostics == []
    assert "TheHost" not in checked.strings


def test_a_parser_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The complaint says what to run."""
    monkeypatch.setattr(kql_parser, "PACKAGE", tmp_path / "none")

    with pytest.raises(ParserMissing, match="make setup"):
        kql_parser.check([])


def test_every_file_of_the_pack_is_right() -> None:
    """Also where there is no Node.js: header, bounds of time, use of parameters."""
    for path in FOLDER.glob("*.kql"):
        assert header.check(path.name, path.read_text("utf-8")) == pack()[path.stem]


def test_the_pack_is_read_at_its_first_use() -> None:
    """What is imported reads no file: the app has to load whatever is there."""
    said = (
        "import shared.enrichment.asking, shared.enrichment.pack as p;"
        "print(p.pack.cache_info().currsize, len(p.pack()))"
    )

    ran = run(
        [sys.executable, "-c", said],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split() == ["0", str(len([*FOLDER.glob("*.kql")]))]


def test_questions_differ() -> None:
    """No two queries say that they answer the same."""
    questions = [query.question for query in pack().values()]

    assert len({*questions}) == len(questions)


@pytest.mark.parametrize("name", pack())
def test_every_reading_is_a_sentence(name: str) -> None:
    """With a row of ordinary cells there is no brace left, and nothing unknown."""
    query = pack()[name]
    columns = [column.name for column in query.columns]
    cells = ["7" if c.kind is Kind.LONG else f"a-{c.name}" for c in query.columns]

    said = reading(query, columns, [cells, cells], 2)

    assert said == said.strip()
    assert said.endswith(".")
    assert not {*"{}"} & {*said}
    assert "unknown" not in said
