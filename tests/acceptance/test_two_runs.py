"""Two runs on one machine, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.world import Firewatch, alert, encoded, read_json

if TYPE_CHECKING:
    from pathlib import Path


def test_two_runs_do_not_disturb_each_other(tmp_path: Path, subscription: str) -> None:
    """The same alert, fed to two runs at once, is an incident and a page in each."""
    feed = tmp_path / "feed"
    feed.mkdir()
    (feed / "alert.json").write_bytes(encoded(alert(subscription)))
    reports = [tmp_path / "one.json", tmp_path / "two.json"]

    with (
        Firewatch(tmp_path / "one", *_run(feed, reports[0])) as one,
        Firewatch(tmp_path / "two", *_run(feed, reports[1])) as two,
    ):
        codes = (one.wait(), two.wait())
        left = one.left_behind + two.left_behind

    assert codes == (0, 0), one.output + two.output
    assert left == []
    first, second = (read_json(path) for path in reports)
    assert first["books"]["stored"] == first["books"]["received"] == 1
    assert first["incidents"] == second["incidents"]
    assert first["deliveries"] == second["deliveries"]
    assert [d["attempts"] for d in first["deliveries"]] == [1, 1]
    assert "1 page, as PagerDuty saw them" in one.output


def _run(feed: Path, report: Path) -> tuple[str, ...]:
    return ("run", "--once", "--feed", str(feed), "--report", str(report))
