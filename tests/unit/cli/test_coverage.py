from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli import coverage
from cli.coverage import Coverer, Verdict, synthetic
from cli.main import app
from shared.actions.routing import Routing
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.triage import catalogue
from shared.triage import policy as policies
from shared.triage.catalogue import AlertType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.coverage import Covered

RESPONDERS = """
responders:
  on-call: {use: pagerduty}
  soc: {use: webhook}
"""
LIVE = [each for each in catalogue.load().types if not each.is_deprecated]


def make_type(**changes: Any) -> AlertType:  # noqa: ANN401
    """A web shell, high or low."""
    fields: dict[str, Any] = {
        "identifier": "VM_WebShell",
        "title": "Possible web shell detected",
        "severities": (Severity.HIGH, Severity.LOW),
        "tactics": ("Persistence",),
        "plan": "Defender for Servers",
        "is_deprecated": False,
    }
    return AlertType(**{**fields, **changes})


def covered(routes: str, **changes: Any) -> Covered:  # noqa: ANN401
    """What a policy of these routes does about a type."""
    policy = policies.load(f"{RESPONDERS}\nroutes: {routes}".encode())
    return Coverer(policy)(make_type(**changes))


@pytest.fixture
def policy_file(tmp_path: Path) -> Callable[[str], str]:
    """Write a policy of these routes; its path."""

    def write(routes: str) -> str:
        path = tmp_path / "mine.yaml"
        path.write_text(f"{RESPONDERS}\nroutes: {routes}", "utf-8")
        return str(path)

    return write


@pytest.fixture(autouse=True)
def wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is folded, however narrow the terminal that runs the tests."""
    monkeypatch.setattr(coverage.console, "width", 200)


def run(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of `firewatch coverage`."""
    result = CliRunner().invoke(app, ["coverage", *arguments])
    return result.exit_code, result.output


class TestAnswers:
    def test_severities_with_one_answer_are_one_line(self) -> None:
        """Where the level changes nothing, it is said once."""
        found = covered("[{to: [soc]}]")

        assert found.verdict is Verdict.ANSWERED
        assert [
            (answer.severities, answer.routes, answer.responders)
            for answer in found.answers
        ] == [((Severity.HIGH, Severity.LOW), (0,), ("soc",))]

    def test_a_type_may_be_answered_at_some_severities_only(self) -> None:
        """The levels that nobody answers are not hidden behind the worst one."""
        found = covered("[{to: [on-call], match: ['severity>=medium']}]")

        assert found.verdict is Verdict.PARTLY
        assert [(a.severities, a.routes, a.responders) for a in found.answers] == [
            ((Severity.HIGH,), (0,), ("on-call",)),
            ((Severity.LOW,), (), ()),
        ]

    def test_routes_are_those_the_search_goes_through(self) -> None:
        """A route without `continue` ends it, and what does not fit is passed by."""
        found = covered(
            "[{to: [soc], match: [tactic=impact]},"
            " {to: [soc], match: [alert_type=vm_webshell], continue: true},"
            " {to: [on-call]}, {to: [soc]}]"
        )

        assert found.answers[0].routes == (1, 2)
        assert found.answers[0].responders == ("soc", "on-call")

    def test_a_route_to_nobody_ends_the_search(self) -> None:
        """Such a route is how a policy leaves a type alone; it is shown as the reason."""
        found = covered("[{to: [], match: [alert_type=vm_webshell]}, {to: [on-call]}]")

        assert found.verdict is Verdict.UNANSWERED
        assert found.answers[0].routes == (0,)

    def test_without_a_documented_severity_the_apps_own_is_tried(self) -> None:
        """An alert without one becomes medium, and the report says so."""
        found = covered("[{to: [soc], match: [severity=medium]}]", severities=())

        assert found.verdict is Verdict.ANSWERED
        assert not found.is_severity_documented
        assert found.answers[0].severities == (Severity.MEDIUM,)

    def test_a_type_without_identifier_is_matched_by_its_title(self) -> None:
        """Alerts of that age have the title as their type."""
        found = covered(
            "[{to: [soc], match: ['alert_type=\"Possible web shell detected\"']}]",
            identifier="",
        )

        assert found.name == "Possible web shell detected"
        assert found.verdict is Verdict.ANSWERED

    @pytest.mark.parametrize(
        ("matcher", "verdict"),
        [
            ("sample=true", Verdict.UNANSWERED),
            ("sample=false", Verdict.ANSWERED),
            ("subscription=9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403", Verdict.UNANSWERED),
        ],
    )
    def test_the_incident_is_real_and_of_no_known_subscription(
        self, matcher: str, verdict: Verdict
    ) -> None:
        """A type that only one subscription's route answers is not answered."""
        assert covered(f"[{{to: [soc], match: ['{matcher}']}}]").verdict is verdict

    @pytest.mark.parametrize(
        "routes",
        [
            "[{to: [soc], continue: true}, {to: [on-call]}]",
            "[{to: [soc], match: [tactic=impact]}, {to: [], match: [severity=low]}]",
            "[{to: [], match: [severity=low]}, {to: [soc], match: [tactic!=impact]}]",
        ],
    )
    def test_what_is_shown_is_what_the_app_would_do(self, routes: str) -> None:
        """Routes and responders are those of the app's own routing, for every type."""
        policy = policies.load(f"{RESPONDERS}\nroutes: {routes}".encode())
        routing, cover = Routing(policy.routes), Coverer(policy)

        for each in LIVE:
            for answer in cover(each).answers:
                named = [name for n in answer.routes for name in policy.routes[n].to]
                assert answer.responders == tuple(dict.fromkeys(named))
                for severity in answer.severities:
                    routed = routing(synthetic(each, severity))
                    assert answer.responders == tuple(r.responder for r in routed)


class TestCommand:
    def test_the_shipped_policy_answers_everything(self) -> None:
        """Without options it is policy.yaml that is reported on."""
        code, output = run()

        assert code == 0
        assert output.startswith(f"{len(LIVE)} of {len(LIVE)} documented alert types")
        assert "on-call (pagerduty)" in output
        assert "\nunanswered" not in output

    def test_every_live_type_is_listed(self) -> None:
        """Each by name, and none that is deprecated."""
        _, output = run()

        lines = [line.strip() for line in output.splitlines()]
        names = {
            each.name for each in LIVE for line in lines if line.startswith(each.name)
        }
        assert names == {each.name for each in LIVE}
        assert "VM_EICAR" not in output

    def test_what_nobody_answers_is_listed_by_name(
        self, policy_file: Callable[[str], str]
    ) -> None:
        """The last table is what there is to do; the exit code is still 0."""
        path = policy_file("[{to: [soc], match: ['alert_type!=KV_AppAnomaly']}]")

        code, output = run("--policy", path)

        assert code == 0
        assert output.startswith(f"{len(LIVE) - 1} of {len(LIVE)} documented")
        last = output[output.rindex("1 unanswered") :]
        assert "KV_AppAnomaly" in last
        assert "AppServices" not in last

    def test_partly_answered_types_say_at_which_severity_not(
        self, policy_file: Callable[[str], str]
    ) -> None:
        """The level that falls through is named."""
        path = policy_file("[{to: [soc], match: ['severity!=low']}]")

        _, output = run("--policy", path)

        part = output[output.index("answered at some severities only") :]
        line = next(
            line for line in part.splitlines() if "Storage.Blob_MalwareDownload" in line
        )
        assert line.split() == ["Storage.Blob_MalwareDownload", "low"]

    def test_json_has_everything(self, policy_file: Callable[[str], str]) -> None:
        """Totals, plans, routes and types, to be read by programs."""
        path = policy_file(
            "[{to: [soc], match: [tactic=impact], continue: true},"
            " {to: [on-call], match: ['severity>=high']}]"
        )

        code, output = run("--policy", path, "--json")

        found = json.loads(output)
        assert code == 0
        assert found["types"] == len(LIVE) == len(found["alert_types"])
        assert (
            found["answered"] + found["partly"] + found["unanswered"] == found["types"]
        )
        assert sum(plan["types"] for plan in found["plans"]) == found["types"]
        assert [(r["route"], r["to"], r["continue"]) for r in found["routes"]] == [
            (0, ["soc"], True),
            (1, ["on-call"], False),
        ]
        for route in found["routes"]:
            assert route["types"] == sum(
                any(route["route"] in answer["routes"] for answer in each["answers"])
                for each in found["alert_types"]
            )

    def test_a_wrong_policy_is_an_error(
        self, policy_file: Callable[[str], str]
    ) -> None:
        """Exit 1, as everywhere; main() says the problem and where it is."""
        path = policy_file("[{to: [nobody]}]")

        result = CliRunner().invoke(app, ["coverage", "--policy", path])

        assert result.exit_code == 1
        assert isinstance(result.exception, SettingsError)
        assert "mine.yaml: $.routes[0].to" in str(result.exception)

    def test_a_missing_file_is_a_usage_error(self, tmp_path: Path) -> None:
        """Exit 2, as for any option that cannot be read."""
        code, _ = run("--policy", str(tmp_path / "none.yaml"))

        assert code == 2
