"""`firewatch run --once --feed`: anyone's data through the same machinery."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.acceptance.world import (
    ROOT,
    Firewatch,
    alert,
    encoded,
    eventually,
    read_json,
    started_at,
)
from tests.alerts import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.acceptance.world import World

MEBIBYTE = 1024 * 1024
GARBAGE = b"\xef\xbb\xbf\x00\xff\r\n\r\n not text, not JSON \n"
SUBSCRIPTION = "7f0a1de2-9c2b-4f4e-8d35-5f1c6f0a9e11"
OTHER = "3b7c52c8-0d63-4a0e-a1f7-6f6f5f8f0c22"

POLICY = b"""
correlate: {gap: 2h}
responders:
  pager:
    use: pagerduty
    routing_key: {setting: MY_KEY}
  log:
    use: webhook
    url: https://example.com/hook
    secret: {setting: MY_SECRET}
routes:
  - match: [severity>=high]
    to: [pager]
    continue: true
  - to: [log]
"""


class Fed(NamedTuple):
    """A run of a feed: what it wrote, and what it said and left."""

    report: dict[str, Any]
    code: int
    output: str
    left_behind: list[str]
    folder: Path


def _files(subscription: str) -> Mapping[str, bytes]:
    """A feed whose names tell the order; what is written first comes last."""
    at = started_at()

    def version(number: int, minutes: int, **changes: str) -> bytes:
        processed = stamp(at + timedelta(minutes=minutes))
        changed = alert(
            subscription, number, at=at, ProcessingEndTime=processed, **changes
        )
        return encoded(changed)

    return {
        "12 nested/deep/er/last.json": encoded(alert(OTHER, 4, Severity="Low")),
        "11-pretty.json": b"\xef\xbb\xbf"
        + json.dumps(alert(subscription, 3), indent=2).encode(),
        "10-lines.NDJSON": b"\n".join(
            [version(5, 0), b"", version(5, 0), b"  ", b"{broken", b""]
        ),
        "09-big-b.json": version(7, 0, Description="b" * 600_000),
        "09-big-a.json": version(6, 0, Description="a" * 600_000),
        "08-too-large.json": version(8, 0).ljust(MEBIBYTE + 1),
        "07-garbage.json": GARBAGE,
        "06-empty.json": b"",
        "06-empty.ndjson": b"",
        "05-list.json": b" [ ] ",
        "04-older.json": version(2, 1, Severity="Low"),
        "03-newer.json": version(2, 2, Severity="Medium"),
        "02-update.json": version(1, 1, Severity="High"),
        "01-new.json": version(1, 0, Severity="Medium"),
    }


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Fed:
    """One run over a folder with a bit of everything, by a policy of the user's own."""
    base = tmp_path_factory.mktemp("fed")
    folder = base / "feed"
    for name, body in _files(SUBSCRIPTION).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    (base / "policy.yaml").write_bytes(POLICY)
    report = base / "report.json"
    arguments = ("--feed", str(folder), "--policy", str(base / "policy.yaml"))

    with Firewatch(
        base / "temp", "run", "--once", *arguments, "--report", str(report)
    ) as run:
        code = run.wait()
        return Fed(
            report=read_json(report),
            code=code,
            output=run.output,
            left_behind=run.left_behind,
            folder=folder,
        )


def test_dead_letters_alone_are_no_failure(fed: Fed) -> None:
    """Garbage in the feed is reported, and the run is good all the same."""
    assert fed.code == 0, fed.output
    assert fed.report["ok"] is True
    assert fed.left_behind == []


def test_every_unit_of_the_feed_is_in_the_books(fed: Fed) -> None:
    """The order of names is kept: newer after older updates, older after newer is stale."""
    assert fed.report["books"] == {
        "received": 14,
        # 1, 2, 5, 6, 7 and 3 of one subscription, 4 of the other
        "stored": 7,
        "updated": 1,
        "duplicate": 1,
        "stale": 1,
        "suppressed": 0,
        "ignored": 0,
        # empty, garbage, too large, a broken line
        "dead_lettered": 4,
    }


def test_what_became_no_alert_is_named_by_its_file(fed: Fed) -> None:
    """Each dead letter names the file, and the line where there are lines."""
    found = {
        letter["source"].removeprefix(f"{fed.folder}/"): letter["reason"]
        for letter in fed.report["dead_letters"]
    }

    assert found.keys() == {
        "06-empty.json",
        "07-garbage.json",
        "08-too-large.json",
        "10-lines.NDJSON:5",
    }
    assert "too large" in found["08-too-large.json"]
    assert "empty" in found["06-empty.json"]
    assert "not JSON" in found["10-lines.NDJSON:5"]


def test_alerts_of_a_feed_become_incidents(fed: Fed) -> None:
    """Two machines are two incidents, each with all of its alerts."""
    counts = {
        incident["resources"][0].split("/")[2]: len(incident["alerts"])
        for incident in fed.report["incidents"]
    }

    assert counts == {SUBSCRIPTION: 6, OTHER: 1}


def test_the_policy_of_the_user_decides(fed: Fed) -> None:
    """Only what is high pages by this policy; everything is told to the webhook."""
    severity = {i["id"]: i["severity"] for i in fed.report["incidents"]}
    told = sorted(
        (d["responder"], severity[d["incident"]], d["status"])
        for d in fed.report["deliveries"]
    )

    assert told == [
        ("log", "high", "applied"),
        ("log", "low", "applied"),
        ("pager", "high", "applied"),
    ]


def test_files_reach_the_app_byte_for_byte(world: World, tmp_path: Path) -> None:
    """A dead letter holds exactly what the .json file held, line ends and all."""
    file = tmp_path / "garbage.json"
    body = GARBAGE + tmp_path.name.encode()
    file.write_bytes(body)

    world.feed(file)
    world.wait_until_quiet()

    (letter,) = world.letters_of(body)
    assert letter.source == "hub/alerts/0"


def test_a_feed_of_nothing_is_quiet_at_once_and_stays_until_ctrl_c(
    tmp_path: Path,
) -> None:
    """An empty folder is fed, reported and good; then the run waits, and leaves nothing."""
    (tmp_path / "feed").mkdir()
    report = tmp_path / "report.json"
    arguments = ("--feed", f"{tmp_path}/feed", "--report", str(report))

    with Firewatch(tmp_path / "temp", "run", *arguments) as run:
        eventually(lambda: "Ctrl-C stops everything" in run.output, within_s=90)
        # The terminal sends it to the whole job.
        os.killpg(run.process.pid, signal.SIGINT)

        assert run.wait(30) == 0, run.output
        eventually(lambda: not run.started, within_s=20)
        assert run.left_behind == []
        assert "Traceback" not in run.output
    assert set(read_json(report)["books"].values()) == {0}
    assert read_json(report)["incidents"] == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            POLICY.replace(b"pagerduty", b"pigeons"),
            "responders.pager.use: expected one",
        ),
        (b"responders: [", "not YAML"),
    ],
    ids=["kind", "yaml"],
)
def test_a_policy_that_cannot_be_is_refused_in_words(
    tmp_path: Path, policy: bytes, expected: str
) -> None:
    """The command says what is wrong with the policy and where, and exits 1."""
    (tmp_path / "feed.json").write_bytes(b"{}")
    (tmp_path / "policy.yaml").write_bytes(policy)
    arguments = (f"--feed={tmp_path}/feed.json", f"--policy={tmp_path}/policy.yaml")

    with _run(tmp_path, *arguments) as run:
        code = run.wait()

        assert code == 1, run.output
        assert expected in run.output
        assert "Traceback" not in run.output
        assert run.left_behind == []


def test_a_policy_that_the_attack_cannot_be_sent_to_is_refused_in_words(
    tmp_path: Path,
) -> None:
    """It comes by two senders; a policy of one's own may have neither."""
    (tmp_path / "policy.yaml").write_bytes(POLICY)

    with _run(tmp_path, f"--policy={tmp_path}/policy.yaml") as run:
        code = run.wait()

        assert code == 1, run.output
        assert "senders" in run.output
        assert "Traceback" not in run.output
        assert run.left_behind == []


def test_a_feed_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    """The command names the path it cannot find, and exits 1."""
    with _run(tmp_path, "--feed", f"{tmp_path}/nowhere") as run:
        code = run.wait()

        assert code == 1, run.output
        assert "nowhere: no such file or folder" in run.output
        assert "Traceback" not in run.output
        assert run.left_behind == []


def test_a_delivery_that_fails_for_good_fails_the_run(tmp_path: Path) -> None:
    """PagerDuty answers 400: nothing is tried again, `ok` is false, the exit code 1."""
    (tmp_path / "alert.json").write_bytes(encoded(alert(SUBSCRIPTION)))
    report = tmp_path / "report.json"

    with _pagerduty_that_refuses() as url:
        policy = POLICY.replace(b"{setting: MY_KEY}", b"{setting: MY_KEY}\n    url: %s")
        (tmp_path / "policy.yaml").write_bytes(policy % url.encode())
        with _run(
            tmp_path,
            *("--feed", f"{tmp_path}/alert.json", "--report", str(report)),
            *("--policy", f"{tmp_path}/policy.yaml", "--live", "pager"),
            MY_KEY="0" * 32,
        ) as run:
            code = run.wait()

            assert code == 1, run.output
            assert "DID NOT ADD UP" in run.output
            assert run.left_behind == []
    found = read_json(report)
    outcomes = {
        d["responder"]: (d["status"], d["attempts"]) for d in found["deliveries"]
    }
    assert found["ok"] is False
    assert outcomes == {"pager": ("failed", 1), "log": ("applied", 1)}


@contextmanager
def _pagerduty_that_refuses() -> Iterator[str]:
    """A PagerDuty for a run that calls it live, and answers 400; gives its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "devhost.outside"], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        url = f"http://127.0.0.1:{ready['port']}"
        request = urllib.request.Request(  # noqa: S310  always our own http
            f"{url}/control/faults",
            data=encoded({"side": "pagerduty", "status": 400}),
            headers={"x-control-key": ready["control_key"]},
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            yield f"{url}/pagerduty"
        process.terminate()


def _run(tmp_path: Path, *arguments: str, **settings: str) -> Firewatch:
    return Firewatch(tmp_path / "temp", "run", "--once", *arguments, **settings)
