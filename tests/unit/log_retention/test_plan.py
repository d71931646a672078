"""What is to be changed of what tables keep."""

from __future__ import annotations

from typing import Any

import pytest

from shared.log_retention import table
from shared.log_retention.plan import Line, planned
from shared.log_retention.table import Kept, Table
from shared.model.errors import PermanentFailure
from shared.model.retention import Keep, Retention

WORKSPACE = "/subscriptions/s/.../law"
SEED = Kept(interactive=730, total=730, as_interactive=True)
USUAL = Kept(interactive=30, total=30, of_workspace=True, as_interactive=True)


def analytics(interactive: int, total: int, name: str = "SecurityEvent") -> Table:
    """A table with days of its own."""
    kept = Kept(interactive=interactive, total=total)
    return Table(name=name, plan="Analytics", kept=kept)


USAGE = analytics(90, 90, "Usage")


def line(
    kept: Kept,
    interactive: int | None = None,
    total: int | None = None,
    *,
    name: str = "SecurityEvent",
    plan: str = "Analytics",
    reach: int = 0,
) -> Line:
    """The line of one table that the policy names."""
    found = planned(
        WORKSPACE,
        {name: Table(name=name, plan=plan, kept=kept)},
        Retention(tables={name: Keep(interactive_days=interactive, total_days=total)}),
        {name: reach},
    )
    return found.lines[0]


def days(interactive: int | None = None, total: int | None = None) -> dict[str, int]:
    given = {"retentionInDays": interactive, "totalRetentionInDays": total}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("kept", "wanted", "sent"),
    [
        (USUAL, (30, 30), days()),
        (USUAL, (30, None), days()),
        (USUAL, (90, None), days(90)),
        (USUAL, (None, 365), days(total=365)),
        (SEED, (730, 730), days()),
        # Days in all that follow would go down with the interactive ones.
        (SEED, (90, 730), days(90, 730)),
        (SEED, (90, None), days(90)),
        (Kept(interactive=30, total=365), (90, 365), days(90)),
        (Kept(interactive=30, total=365), (30, 90), days(total=90)),
    ],
)
def test_only_what_differs_is_sent(
    kept: Kept, wanted: tuple[int | None, int | None], sent: dict[str, int]
) -> None:
    """And days in all are kept where they would follow."""
    found = line(kept, *wanted)

    assert found.properties == sent
    assert found.refused == ""
    if not sent:
        assert found.after == kept


def test_the_seed_is_told_what_it_comes_to() -> None:
    """730 interactive days become 90, with as many in all: cheaper, and nothing is lost."""
    found = line(SEED, 90, 730)

    assert found.after == Kept(interactive=90, total=730)
    assert found.cost == (
        "-640 interactive days: what saves most; +640 archived days: cheap"
    )
    [warning] = found.warnings
    assert "older than 90 days are found by no query" in warning


@pytest.mark.parametrize(
    ("kept", "wanted", "cost", "warning"),
    [
        (USUAL, (730, None), "+700 interactive days: expensive", "for much less"),
        (USUAL, (31, None), "+1 interactive days: in the price of ingestion", ""),
        (USUAL, (None, 4383), "+4353 archived days: cheap", ""),
        (
            SEED,
            (90, 90),
            "-640 interactive days: what saves most",
            "deleted for good 30",
        ),
        (SEED, (90, None), "-640 interactive days: what saves most", "until then undo"),
    ],
)
def test_money_and_loss_are_said_in_words(
    kept: Kept, wanted: tuple[int | None, int | None], cost: str, warning: str
) -> None:
    """What is expensive, and what is gone or hard to find afterwards."""
    found = line(kept, *wanted)

    assert found.cost == cost
    assert warning in " ".join(found.warnings)
    assert bool(found.warnings) == bool(warning)


def test_queries_that_look_back_further_are_said() -> None:
    """Firewatch's own would find less than it asks for."""
    kept = Kept(interactive=90, total=365)

    assert line(kept, 90, 400, reach=90).warnings == ()
    assert "look back 90 days" in line(kept, 30, 365, reach=90).warnings[-1]


@pytest.mark.parametrize(
    ("has", "wanted", "sent", "why"),
    [
        (
            Table(name="AKSAudit", plan="Basic", kept=Kept(interactive=30, total=30)),
            (90, 365),
            days(total=365),
            "plan Basic: its 30 interactive days cannot be set",
        ),
        (
            Table(name="AKSAudit", plan="Basic", kept=Kept(interactive=30, total=30)),
            (None, 4),
            days(),
            "4 days in all would be fewer than the 30",
        ),
        (
            Table(name="A_CL", plan="Auxiliary", kept=Kept(interactive=365, total=365)),
            (365, 90),
            days(total=90),
            "",
        ),
        (USAGE, (30, None), days(), "keeps 90 days at least, for nothing"),
        (USAGE, (120, 120), days(120, 120), ""),
        (
            Table(name="A_CL", plan="Lake", kept=Kept(interactive=30, total=30)),
            (None, 90),
            days(),
            "its plan is not one that is known",
        ),
        (analytics(180, 365), (None, 90), days(), "fewer than the 180"),
        (analytics(30, 60), (90, None), days(), "60 days in all would be fewer"),
    ],
)
def test_what_a_table_cannot_is_said_and_not_sent(
    has: Table, wanted: tuple[int | None, int | None], sent: dict[str, int], why: str
) -> None:
    """With the reason; what it can is changed all the same."""
    found = line(has.kept, *wanted, name=has.name, plan=has.plan)

    assert found.properties == sent
    assert why in found.refused
    assert bool(found.refused) == bool(why)


def test_the_default_is_for_what_the_pack_reads() -> None:
    """And for nothing else: a workspace shows hundreds of tables that hold nothing."""
    tables = {
        name: Table(name=name, plan="Analytics", kept=USUAL)
        for name in ("SecurityEvent", "SigninLogs", "AppTraces")
    }
    default = Keep(interactive_days=90, total_days=365)
    own = {"SigninLogs": Keep(total_days=730), "Nobodys_CL": Keep(total_days=365)}

    found = planned(
        WORKSPACE,
        tables,
        Retention(default=default, tables=own),
        {"SecurityEvent": 30, "SigninLogs": 30, "Syslog": 30},
    )

    assert [(each.table, each.properties) for each in found.lines] == [
        ("SecurityEvent", days(90, 365)),
        ("SigninLogs", days(90, 730)),
    ]
    assert found.absent == ("Nobodys_CL",)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"name": "A", "properties": None},
        {"name": "A", "properties": {"retentionInDays": 30}},
        {"name": "A", "properties": days(30) | {"totalRetentionInDays": "30"}},
        {"name": "A", "properties": days(30) | {"totalRetentionInDays": True}},
    ],
)
def test_what_is_no_table_is_an_error_and_no_guess(content: dict[str, Any]) -> None:
    """A number that is not there would be set back to something by undo."""
    with pytest.raises(PermanentFailure, match="without its retention"):
        table.of(content)


@pytest.mark.parametrize(
    ("has", "wanted", "is_so"),
    [
        (Kept(interactive=90, total=730), Kept(interactive=90, total=730), True),
        (Kept(interactive=90, total=90), Kept(interactive=90, total=730), False),
        (Kept(interactive=30, total=730), Kept(interactive=90, total=730), False),
        # The workspace's own has changed meanwhile: whoever inherits goes with it.
        (
            Kept(interactive=60, total=60, of_workspace=True, as_interactive=True),
            USUAL,
            True,
        ),
        (Kept(interactive=30, total=30), USUAL, False),
        (USUAL, Kept(interactive=30, total=30), True),
    ],
)
def test_what_inherits_is_as_it_was_where_it_inherits(
    has: Kept, wanted: Kept, *, is_so: bool
) -> None:
    """Whatever the days are by now; who has days of its own is compared by them."""
    assert Table(name="A", plan="Analytics", kept=has).keeps(wanted) == is_so
