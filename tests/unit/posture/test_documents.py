"""Documents of a side that sends whatever it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.posture import (
    control_documents,
    defender_documents,
    documents,
    log_documents,
    machine_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    *("properties", "logs", "category", "enabled", "rules", "ruleSets", "sources"),
    *("actions", "scopes", "scopePath", "eventSource", "actionType", "isEnabled"),
    *("dataSources", "syslog", "windowsEventLogs", "streams", "dataFlows", "id"),
    *("destinations", "logAnalytics", "policy", "definition", "baseBlob", "delete"),
    *("workspaceCapping", "emailReceivers", "status", "actionGroups", "name"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["Alerts", "EventHub", "/subscriptions/x", "\ud800", "x\x1b[2J"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=8,
)


@settings(max_examples=25)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), max_size=3))
def test_no_document_breaks_a_reader(found: list[Mapping[str, Any]]) -> None:
    """What is not what it should be is as if it were not there."""
    defender_documents.plans(found)
    defender_documents.exports(found, "/subscriptions/x")
    defender_documents.contacts(found)
    log_documents.settings(found)
    log_documents.workspaces(found)
    log_documents.rules(found)
    log_documents.data_exports(found)
    control_documents.alert_rules(found)
    control_documents.action_groups(found)
    control_documents.locks(found)
    control_documents.rights(found)
    control_documents.archive("/a", found, found[0] if found else {})
    machine_rows.things(found)
    machine_rows.machines(found)
    machine_rows.agents(found)
    machine_rows.associations(found)


def test_texts_are_one_harmless_line() -> None:
    """Whoever names a resource may name it as they like."""
    assert documents.text("a\x1b[2J\nb\u202ec") == "a[2J bc"
    assert len(documents.text("x" * 1_000)) == documents.LONGEST_TEXT
    assert documents.text(["x"]) == ""
