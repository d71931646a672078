"""A report as Markdown: what Azure calls something is shown, never interpreted."""

from __future__ import annotations

import re

import pytest

from cli.posture.markdown import escaped, fenced, markdown
from shared.model.posture import CheckName
from shared.posture.report import report
from tests.faults import FAULTS, Case, read

NASTY = (
    "[click](https://evil.example)",
    "<img src=x onerror=alert(1)>",
    "**bold** _it_ `code`",
    "![x](https://evil.example/p.png)",
    "# heading\n- item",
    "a | b | c",
    "\x1b[2Jgone\u202e",
    "https://evil.example @everyone",
    "```\nnot code",
)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_in_a_text_means_anything(text: str) -> None:
    """Every mark has a backslash before it, and no control is left."""
    found = escaped(text)

    assert "\n" not in found
    assert found.isprintable()
    bare = re.sub(r"\\.", "", found)
    assert not set("[]()<>#*_`|!~&@:") & {*bare}


@pytest.mark.parametrize("text", NASTY)
def test_a_block_of_code_ends_where_it_should(text: str) -> None:
    """Its fence is longer than any in it."""
    first, *inside, last = fenced(text, "sh").split("\n")

    assert first.removesuffix("sh") == last
    assert "\n".join(inside) == text
    assert all(not line.startswith(last) for line in inside)


async def test_a_report_has_what_is_open_let_be_and_mended() -> None:
    """Each with what one needs to know of it."""
    case = Case()
    for name in (CheckName.CAP_SET, CheckName.RULE_TELLS_NOBODY):
        FAULTS[name](case)
    before = report(*await read(case))
    now = Case()
    FAULTS[CheckName.CAP_SET](now)

    text = markdown(report(*await read(now), before.findings))

    assert "## Findings (1)" in text
    assert "### medium: law\\-soc takes no more than 5 GB a day" in text
    assert "- from: SE\\:10\\: keep logs long enough" in text
    assert "## Mended (1)\n\n- medium, rule burning calls a group" in text
    assert "**central**" in text
