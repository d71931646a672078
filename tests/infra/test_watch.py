"""Alert rules and the workbook: what they read is what the app says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from devhost import kql_parser
from devhost.kql_parser import Text
from shared import telemetry
from shared.posture.own_rules import OWN_RULES
from tests.infra.bicep import FOLDER
from tests.infra.cases import MOST, NAMES, all_of, deployed, one_of
from tests.meta.source_tree import ROOT
from tests.meta.test_app import TRIGGERS

RULE = "Microsoft.Insights/scheduledQueryRules"
RULES: list[dict[str, Any]] = json.loads(
    (FOLDER / "watch/rules.json").read_text("utf-8")
)
WORKBOOK: dict[str, Any] = json.loads(
    (FOLDER / "watch/workbook.json").read_text("utf-8")
)
QUERIES = {rule["name"]: rule["query"] for rule in RULES} | {
    f"workbook {item['name']}": item["content"]["query"]
    for item in WORKBOOK["items"]
    if item["type"] == 3
}
EVENTS = {
    value.name
    for value in vars(telemetry).values()
    if isinstance(value, telemetry.LogEvent)
}

# Facts of the Azure Monitor Logs reference, of the columns that are read.
TABLES = {
    "AppExceptions": {
        "ExceptionType": "string",
        "OperationName": "string",
        "OuterMessage": "string",
        "TimeGenerated": "datetime",
    },
    "AppRequests": {
        "AppRoleName": "string",
        "DurationMs": "real",
        "Name": "string",
        "ResultCode": "string",
        "Success": "bool",
        "TimeGenerated": "datetime",
    },
    "AppTraces": {
        "AppRoleName": "string",
        "Message": "string",
        "SeverityLevel": "int",
        "TimeGenerated": "datetime",
    },
}

# What a rule may be asked by, and over ("Create a log search alert rule").
MINUTES = {"PT5M": 5, "PT10M": 10, "PT15M": 15, "PT30M": 30, "PT1H": 60, "PT6H": 360}
WINDOWS = MINUTES | {"P1D": 1_440}

# Rules of a condition that no single line of a log tells.
BY_OTHER_MEANS = {"functions-fail", "oldest-due", "posture-fails", "tick-stopped"}


def events(query: str) -> set[str]:
    """The names of log events in a query."""
    return {*re.findall(r'"([a-z_]+\.[a-z_]+) ?"', query)}


def test_the_parser_takes_every_query() -> None:
    """By Microsoft's own parser, with the columns that the tables have."""
    checked = kql_parser.check([Text(n, q) for n, q in QUERIES.items()], TABLES)

    assert len(checked) == len(QUERIES) > 20
    assert {each.name: each.diagnostics for each in checked if each.diagnostics} == {}


def test_the_parser_would_say() -> None:
    """The test above can fail."""
    wrong = QUERIES["deliveries-failed"].replace("Message", "Massage")
    (checked,) = kql_parser.check([Text("wrong", wrong)], TABLES)

    assert [each.code for each in checked.diagnostics]


@pytest.mark.parametrize("name", QUERIES)
def test_queries_name_events_and_functions_that_are_there(name: str) -> None:
    """A line that nobody writes any more would never be found."""
    query = QUERIES[name]
    named = {*re.findall(r"Name (?:==|in) \(?((?:\"\w+\"(?:, )?)+)", query)}
    functions = {each for text in named for each in re.findall(r"\w+", text)}

    assert events(query) <= EVENTS
    assert functions <= TRIGGERS.keys()


def test_each_rule_asks_for_something() -> None:
    """An event, or what is listed above."""
    assert {r["name"] for r in RULES if not events(r["query"])} | {"oldest-due"} == (
        BY_OTHER_MEANS
    )


def test_what_is_worth_a_rule_has_one() -> None:
    """By the list in operations.md; and what is an error or worse, unless it says why."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    found = re.search(
        r"^Worth an alert rule: (.*?)\n\n", text, re.MULTILINE | re.DOTALL
    )
    assert found
    worth = {*re.findall(r"`([a-z_]+\.[a-z_]+)`", found[1])}
    watched = {event for rule in RULES for event in events(rule["query"])}

    assert worth
    assert worth <= EVENTS
    assert worth - watched == set()


def test_the_posture_audit_looks_for_each_rule() -> None:
    """A new one goes into shared/posture/own_rules.py as well."""
    assert [*OWN_RULES] == sorted(rule["name"] for rule in RULES)


def test_errors_are_watched() -> None:
    """Whatever the app calls an error is in a rule."""
    errors = {
        value.name
        for value in vars(telemetry).values()
        if isinstance(value, telemetry.LogEvent) and value.level >= 40
    }
    watched = {event for rule in RULES for event in events(rule["query"])}

    assert errors - watched == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["name"]))
def test_rules_are_what_azure_takes(rule: dict[str, Any]) -> None:
    """Names, times, severities and thresholds."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule["name"])
    assert rule["description"].endswith(".")
    assert rule["severity"] in {0, 1, 2, 3, 4}
    assert MINUTES[rule["every"]] <= WINDOWS[rule["window"]]
    assert rule["threshold"] >= (1 if rule["operator"] == "LessThan" else 0)
    assert {*rule} == {
        "description",
        "every",
        "name",
        "operator",
        "query",
        "severity",
        "threshold",
        "window",
    }


def test_what_is_missed_is_looked_for_long_enough() -> None:
    """A rule on silence has a window in which something has to come."""
    silent = {
        rule["name"]: rule["window"] for rule in RULES if rule["operator"] == "LessThan"
    }

    assert silent == {"no-events": "P1D", "tick-stopped": "PT15M"}


def test_the_oldest_due_is_read_as_it_is_written() -> None:
    """The line of the timer, and the number in it."""
    query = QUERIES["oldest-due"]
    pattern = re.search(r'extract\(@"(.*?)", 1, Message\)', query)
    assert pattern
    found = re.search(pattern[1], "tick.done due=3 waited_s=901")

    assert found
    assert found[1] == "901"
    assert '"tick.done "' in query


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_is_made(name: str) -> None:
    """On the workspace that the apps log to; switched off where that is said."""
    rules = all_of(name, RULE)
    workspace = one_of(name, "Microsoft.OperationalInsights/workspaces").id
    off = {"dev": {"no-events"}, "test": {"no-events"}}.get(name, set())

    assert [rule.body["properties"]["scopes"] for rule in rules] == [[workspace]] * len(
        RULES
    )
    assert {
        rule.body["properties"]["actions"]["customProperties"]["rule"]
        for rule in rules
        if not rule.body["properties"]["enabled"]
    } == off
    component = one_of(name, "Microsoft.Insights/components").body["properties"]
    assert component["WorkspaceResourceId"] == workspace


def test_somebody_is_told() -> None:
    """Whom the parameters name, by mail and by groups of their own."""
    group = one_of("most", "Microsoft.Insights/actionGroups", "watch.bicep")
    (receiver,) = group.body["properties"]["emailReceivers"]

    assert [receiver["emailAddress"]] == MOST["alertEmails"]
    for rule in all_of("most", RULE):
        assert rule.body["properties"]["actions"]["actionGroups"] == [group.id]
    assert not all_of("least", "Microsoft.Insights/actionGroups")


def test_no_cap_makes_the_rules_blind() -> None:
    """Past a daily cap nothing more would be logged, and no rule would fire."""
    for made in deployed("most").everything():
        assert "workspaceCapping" not in made.body.get("properties", {})


def test_the_workbook_is_one() -> None:
    """Its version is that of the resource, and it goes by the time that is chosen."""
    made = one_of("most", "Microsoft.Insights/workbooks").body["properties"]
    parameters = [
        parameter["name"]
        for item in WORKBOOK["items"]
        if item["type"] == 9
        for parameter in item["content"]["parameters"]
    ]
    queries = [item["content"] for item in WORKBOOK["items"] if item["type"] == 3]

    assert json.loads(made["serializedData"]) == WORKBOOK
    assert WORKBOOK["version"] == made["version"] == "Notebook/1.0"
    assert {each["timeContextFromParameter"] for each in queries} == {*parameters}
    assert len({item["name"] for item in WORKBOOK["items"]}) == len(WORKBOOK["items"])
