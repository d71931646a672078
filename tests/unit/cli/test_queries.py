from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli import queries
from cli.main import app
from shared.enrichment.pack import pack


def run(*arguments: str) -> tuple[int, str]:
    """The exit code of `firewatch queries`, and all that it printed."""
    result = CliRunner().invoke(app, ["queries", *arguments], terminal_width=200)
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries.console, "width", 300)


def test_all_queries_are_listed() -> None:
    """Each with its question."""
    code, printed = run()

    assert code == 0
    assert f"{len(pack())} queries" in printed
    for query in pack().values():
        assert query.name in printed
        assert query.question in printed


def test_one_query_is_shown_whole() -> None:
    """What the header says, and the text to the letter."""
    query = pack()["pod-exec"]

    code, printed = run("pod-exec")

    assert code == 0
    assert query.question in printed
    assert query.text in printed
    assert "1d before the alerts, 4h after" in printed


def test_a_name_that_is_not_there_is_said_with_near_ones() -> None:
    """Nobody remembers fifty names."""
    code, said = run("pod-exce")

    assert code == 2
    assert "pod-exec" in said


def test_one_thing_at_a_time() -> None:
    """A name and an option of another kind are refused together."""
    assert run("pod-exec", "--markdown")[0] == 2


def test_the_document_is_printed() -> None:
    """As it is written to docs/queries.md."""
    code, printed = run("--markdown")

    assert code == 0
    assert printed.startswith("# Queries\n")
    assert all(f"### {name}\n" in printed for name in pack())
