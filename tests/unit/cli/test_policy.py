from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli import policy
from cli.main import app
from responders import DOERS, RESPONDERS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

GOOD = """
responders:
  on-call: {use: pagerduty, routing_key: {setting: A}}
  soc: {use: webhook, url: "https://soc.example.com/", secret: {setting: B}}
routes:
  - {to: [soc], match: [severity>=medium], continue: true, name: soc}
  - {to: [on-call], again: []}
suppress:
  - {name: pentest, match: [host=vm-1], reason: r, owner: red@contoso.com,
     until: 2026-01-01T08:00:00Z, break_through: [severity=high]}
  - {name: canary, match: [host=vm-2], reason: r, owner: o, mode: monitor,
     until: 9999-01-01T00:00:00Z}
"""


@pytest.fixture(autouse=True)
def wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is folded, however narrow the terminal that runs the tests."""
    monkeypatch.setattr(policy.console, "width", 200)


def check(folder: Path, text: str) -> Result:
    """Run `firewatch policy check` on a file of this text."""
    path = folder / "mine.yaml"
    path.write_text(text, "utf-8")
    return CliRunner().invoke(app, ["policy", "check", str(path)])


def test_a_good_policy_says_what_it_does(tmp_path: Path) -> None:
    """Routes, silences with their ends, and what is hardly meant."""
    done = check(tmp_path, GOOD)

    lines = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert ["0", "soc", "soc (webhook)", "yes"] in [line[:4] for line in lines]
    assert ["1", "-", "on-call (pagerduty)", "no", "nothing", "everything"] in lines
    assert [
        *("pentest", "over", "2026-01-01 08:00Z", "red@contoso.com", "host=vm-1"),
        "severity=high",
    ] in lines
    assert [
        "canary",
        "counts only",
        "9999-01-01 00:00Z",
        "o",
        "host=vm-2",
        "-",
    ] in lines
    assert "warning: $.suppress[0] (pentest): is over since" in done.stdout


def test_the_shipped_policy_is_checked_without_a_name() -> None:
    """It has no mistakes and no warnings."""
    done = CliRunner().invoke(app, ["policy", "check"])

    assert done.exit_code == 0
    assert "everything-else" in done.stdout
    assert "warning" not in done.stdout


def test_every_mistake_is_on_a_line(tmp_path: Path) -> None:
    """Those of responders and senders too, at once with all others; exit 1."""
    done = check(
        tmp_path,
        """
responders:
  on-call: {use: pagerduty, routing_key: hunter2hunter2}
  soc: {use: pigeon}
  siem: {use: webhook, urll: "https://siem.example.com/", secret: {setting: B}}
routes:
  - {to: [on-call], match: [colour=red]}
senders:
  graph: {method: entra, issuer: "http://x", audience: a, app_ids: [b], formats: [arm]}
""",
    )

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    kinds = ", ".join((*RESPONDERS, *DOERS))
    for line, said in zip(
        lines,
        [
            "$.responders.on-call.routing_key: expected a mapping with setting (line 3)",
            f"$.responders.soc.use: expected one of {kinds} (line 4)",
            "$.responders.siem.urll: unknown field urll; did you mean url? (line 5)",
            "$.responders.siem.url: is required (line 5)",
            "$.routes[0].match[0]: unknown field colour; known are",
            "$.senders.graph.issuer: must be an https:// address (line 9)",
        ],
        strict=True,
    ):
        assert line.startswith(f"mine.yaml: {said}")
    assert "hunter2" not in done.output


def test_a_text_that_is_no_yaml_is_a_mistake(tmp_path: Path) -> None:
    """With its line and column, and nothing of a traceback."""
    done = check(tmp_path, "routes: [")

    assert done.exit_code == 1
    assert done.stdout.startswith("mine.yaml: line 2, column 1: ")
    assert isinstance(done.exception, SystemExit)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    """Exit 2, as for any argument that cannot be read."""
    done = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "none.yaml")])

    assert done.exit_code == 2


@pytest.mark.parametrize("text", ["", "[]", "senders: 1\nresponders: [x]\nroutes: {}"])
def test_any_document_is_checked(tmp_path: Path, text: str) -> None:
    """What is no mapping where there should be one is a mistake like others."""
    done = check(tmp_path, text)

    assert done.exit_code == 1
    assert done.stdout.startswith("mine.yaml: $")


def test_a_blob_is_checked_over_what_is_deployed(tmp_path: Path) -> None:
    """It need not be whole; what it cannot change is a warning."""
    deployed = tmp_path / "deployed.yaml"
    deployed.write_text(GOOD, "utf-8")
    blob = tmp_path / "blob.yaml"
    blob.write_text("suppress: []\nstorm: {pages: 1}", "utf-8")
    over = ["policy", "check", str(blob), "--over", str(deployed)]

    done = CliRunner().invoke(app, over)

    assert done.exit_code == 0
    assert "soc (webhook)" in done.stdout
    assert "pentest" not in done.stdout
    assert "warning: $.storm: is not what is deployed" in done.stdout


def test_a_mistake_in_a_blob_is_named(tmp_path: Path) -> None:
    """A route to whom the deployment does not know is one."""
    deployed = tmp_path / "deployed.yaml"
    deployed.write_text(GOOD, "utf-8")
    blob = tmp_path / "blob.yaml"
    blob.write_text("routes: [{to: [on-cal]}]", "utf-8")
    over = ["policy", "check", str(blob), "--over", str(deployed)]

    done = CliRunner().invoke(app, over)

    assert done.exit_code == 1
    assert done.stdout == (
        "blob.yaml: $.routes[0].to[0]: no responder is named on-cal; did you mean"
        " on-call? (line 1)\n"
    )


CONTAINS = """
responders:
  on-call: {use: pagerduty, routing_key: {setting: PAGERDUTY_ROUTING_KEY}}
  deny: {use: nsg-deny}
routes:
  - to: [on-call]
contain:
  - {name: attackers, match: [severity>=high], do: [deny], for: 2h}
"""


def test_what_is_contained_is_said_with_how_far_it_goes(tmp_path: Path) -> None:
    """The most restrictive mode, and that nobody could approve."""
    shadow = check(tmp_path, CONTAINS)
    armed = check(
        tmp_path, CONTAINS + "guards: {mode: act, responders: {deny: approve}}"
    )

    assert shadow.exit_code == armed.exit_code == 0
    assert "Containment, in mode shadow at most" in shadow.stdout
    (line,) = [line for line in armed.stdout.splitlines() if "attackers" in line]
    assert re.split(r"\s{2,}", line.strip())[2:] == [
        "deny",
        "approve",
        "2h",
        "severity>=high",
    ]
    assert "warning: $.guards.approvers: is empty" in armed.stdout


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ("routes:\n  - to: [deny]", "$.routes[0].to[0]: no responder is named deny"),
        (
            "contain: [{match: [severity=high], do: [on-call]}]",
            "$.contain[0].do[0]: no responder that contains is named on-call",
        ),
        ("contain: [{match: [], do: [deny]}]", "$.contain[0].match: is empty"),
        (
            "guards: {responders: {on-call: act}}",
            "$.guards.responders.on-call: no responder that contains is named",
        ),
        ("guards: {scopes: {web: act}}", "$.guards.scopes.web: expected"),
        ("guards: {approvers: [ana@contoso.com]}", "$.guards.approvers[0]: expected"),
        ("guards: {protected: {tags: [web]}}", "$.guards.protected.tags[0]: "),
        ("guards: {mode: on}", "$.guards.mode: expected"),
        ("guards: {budgets: [{within: 1h}]}", "$.guards.budgets[0].most: is required"),
        (
            "guards: {budgets: [{most: null, share: null}]}",
            "$.guards.budgets[0].most: is required where there is no share",
        ),
        (
            "guards: {budgets: [{most: 1}, {most: 3, share: 20}]}",
            "$.guards.budgets[1].share: expected either most or share",
        ),
        (
            "guards: {budgets: [{share: 0}]}",
            "$.guards.budgets[0].share: expected 1 to 100",
        ),
        (
            "guards: {budgets: [{share: 20, each: true}]}",
            "$.guards.budgets[0].each: a share is of each scale set",
        ),
    ],
)
def test_mistakes_of_containment_are_named(
    tmp_path: Path, changed: str, problem: str
) -> None:
    """Before anything is deployed that contains what it should not."""
    section = changed.partition(":")[0]
    kept = re.sub(rf"^{section}:\n(?:  .*\n)+", "", CONTAINS, flags=re.MULTILINE)

    done = check(tmp_path, f"{kept}{changed}\n")

    assert done.exit_code == 1
    assert f"mine.yaml: {problem}" in done.stdout
