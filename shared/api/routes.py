"""Where the API is asked for what: all of it that the host must know of a new worker.

What is done there is in ``operations``, which imports half of the app; most workers
start for something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# By name of the operation, which is the function's in Azure: its method and its route.
ROUTES: Mapping[str, tuple[str, str]] = {
    "list_incidents": ("GET", "incidents"),
    "get_incident": ("GET", "incidents/{id}"),
    "list_incident_alerts": ("GET", "incidents/{id}/alerts"),
    "list_incident_actions": ("GET", "incidents/{id}/actions"),
    "list_incident_deeds": ("GET", "incidents/{id}/deeds"),
    "approve_deed": ("POST", "incidents/{id}/deeds/{deed}/approve"),
    "deny_deed": ("POST", "incidents/{id}/deeds/{deed}/deny"),
    "extend_deed": ("POST", "incidents/{id}/deeds/{deed}/extend"),
    "undo_deed": ("POST", "incidents/{id}/deeds/{deed}/undo"),
    "get_stop": ("GET", "stop"),
    "stop_deeds": ("POST", "stop"),
    "resume_deeds": ("DELETE", "stop"),
    "list_incident_evidence": ("GET", "incidents/{id}/evidence"),
    "get_incident_timeline": ("GET", "incidents/{id}/timeline"),
    "explain_incident": ("GET", "incidents/{id}/explain"),
    "acknowledge_incident": ("POST", "incidents/{id}/acknowledge"),
    "resolve_incident": ("POST", "incidents/{id}/resolve"),
    "reopen_incident": ("POST", "incidents/{id}/reopen"),
    "comment_incident": ("POST", "incidents/{id}/comment"),
    "merge_incident": ("POST", "incidents/{id}/merge"),
    "split_incident": ("POST", "incidents/{id}/split"),
    "get_alert": ("GET", "alerts/{alert_id}"),
    "explain_alert": ("GET", "alerts/{alert_id}/explain"),
    "list_silences": ("GET", "silences"),
    "create_silence": ("POST", "silences"),
    "get_silence": ("GET", "silences/{name}"),
    "end_silence": ("DELETE", "silences/{name}"),
    "create_page_test": ("POST", "page-tests"),
    "get_measures": ("GET", "measures"),
    "get_posture": ("GET", "posture"),
    "get_openapi": ("GET", "openapi.json"),
}
