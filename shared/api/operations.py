"""Everything that the API can be asked for, as one table: what is done on each route."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import (
    alerts,
    bodies,
    deeds,
    explanations,
    incidents,
    measures,
    openapi,
    page_tests,
    posture,
    silences,
    views,
)
from shared.api.operation import Operation
from shared.explain.report import ExplainedAlert, ExplainedIncident
from shared.measures import Measures

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL = (
    Operation(
        name="list_incidents",
        summary="List incidents, the latest first.",
        run=incidents.list_incidents,
        answers=views.IncidentPage,
        query=bodies.ListQuery,
    ),
    Operation(
        name="get_incident",
        summary="One incident; of a merged one, the incident that goes on.",
        run=incidents.get_incident,
        answers=views.IncidentView,
        gives_tag=True,
    ),
    Operation(
        name="list_incident_alerts",
        summary="The alerts of an incident.",
        run=incidents.list_incident_alerts,
        answers=views.AlertList,
    ),
    Operation(
        name="list_incident_actions",
        summary="What was done about an incident, and what will be.",
        run=incidents.list_incident_actions,
        answers=views.ActionList,
    ),
    Operation(
        name="list_incident_deeds",
        summary="What would be done to contain an incident, is, and was.",
        run=deeds.list_incident_deeds,
        answers=views.DeedList,
    ),
    Operation(
        name="approve_deed",
        summary="Let a deed pass that waits for approval, as it was shown.",
        run=deeds.approve_deed,
        answers=views.DeedView,
        body=bodies.Approval,
        takes_tag=True,
        decides=True,
    ),
    Operation(
        name="deny_deed",
        summary="Keep a deed that was not begun from being done.",
        run=deeds.deny_deed,
        answers=views.DeedView,
        body=bodies.Said,
        takes_tag=True,
        decides=True,
    ),
    Operation(
        name="extend_deed",
        summary="Let a deed hold longer.",
        run=deeds.extend_deed,
        answers=views.DeedView,
        body=bodies.Extending,
        takes_tag=True,
        decides=True,
    ),
    Operation(
        name="undo_deed",
        summary="Take a deed back now.",
        run=deeds.undo_deed,
        answers=views.DeedView,
        body=bodies.Undoing,
        takes_tag=True,
        decides=True,
    ),
    Operation(
        name="get_stop",
        summary="Whether somebody stopped all deeds from being begun.",
        run=deeds.get_stop,
        answers=views.StopView,
    ),
    Operation(
        name="stop_deeds",
        summary="Begin no deed from now on; what was done stays, and can be taken back.",
        run=deeds.stop_deeds,
        answers=views.StopView,
        body=bodies.Said,
        decides=True,
    ),
    Operation(
        name="resume_deeds",
        summary="Begin deeds again.",
        run=deeds.resume_deeds,
        answers=views.StopView,
        decides=True,
    ),
    Operation(
        name="list_incident_evidence",
        summary="What logs say of an incident, and what could not be asked.",
        run=incidents.list_incident_evidence,
        answers=views.EvidenceList,
    ),
    Operation(
        name="get_incident_timeline",
        summary="What was done to an incident, and whether that is what was written.",
        run=incidents.get_incident_timeline,
        answers=views.TimelineView,
        query=bodies.TimelineQuery,
    ),
    Operation(
        name="explain_incident",
        summary="Why an incident is as it is, and who was told of it.",
        run=explanations.explain_incident,
        answers=ExplainedIncident,
    ),
    Operation(
        name="acknowledge_incident",
        summary="Mark that somebody works on it; nobody is told.",
        run=incidents.acknowledge_incident,
        answers=views.IncidentView,
        body=bodies.Said,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="resolve_incident",
        summary="End it; with a classification it is closed.",
        run=incidents.resolve_incident,
        answers=views.IncidentView,
        body=bodies.Resolution,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="reopen_incident",
        summary="Open it again; whoever is on its routes is told anew.",
        run=incidents.reopen_incident,
        answers=views.IncidentView,
        body=bodies.Said,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="comment_incident",
        summary="Add to its timeline; nothing else changes.",
        run=incidents.comment_incident,
        answers=views.IncidentView,
        body=bodies.Comment,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="merge_incident",
        summary="Make it one with another incident; the senior of the two goes on.",
        run=incidents.merge_incident,
        answers=views.IncidentView,
        body=bodies.Merge,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="split_incident",
        summary="Put some of its alerts on an incident of their own.",
        run=incidents.split_incident,
        answers=views.SplitView,
        body=bodies.Split,
        takes_tag=True,
        gives_tag=True,
    ),
    Operation(
        name="get_alert",
        summary="One alert: its version that counts, and the incident it is on.",
        run=alerts.get_alert,
        answers=views.AlertView,
    ),
    Operation(
        name="explain_alert",
        summary="Why an alert is where it is, and who was told of it.",
        run=explanations.explain_alert,
        answers=ExplainedAlert,
    ),
    Operation(
        name="list_silences",
        summary="Every silence, and what each hid.",
        run=silences.list_silences,
        answers=views.SilenceList,
    ),
    Operation(
        name="create_silence",
        summary="Make a silence.",
        run=silences.create_silence,
        answers=views.SilenceView,
        body=bodies.NewSilence,
        good=HTTPStatus.CREATED,
    ),
    Operation(
        name="get_silence",
        summary="One silence, and what it hid.",
        run=silences.get_silence,
        answers=views.SilenceView,
    ),
    Operation(
        name="end_silence",
        summary="End a silence now; what it held back is looked at again.",
        run=silences.end_silence,
        answers=views.SilenceView,
    ),
    Operation(
        name="create_page_test",
        summary="Page people with a test; the answer is its incident.",
        run=page_tests.create_page_test,
        answers=views.IncidentView,
        body=bodies.NewPageTest,
        good=HTTPStatus.CREATED,
    ),
    Operation(
        name="get_measures",
        summary="How long first pages, acknowledgements and ends took.",
        run=measures.get_measures,
        answers=Measures,
        query=bodies.MeasuresQuery,
    ),
    Operation(
        name="get_posture",
        summary="What the last audit of logs and detection found.",
        run=posture.get_posture,
        answers=posture.PostureView,
        query=posture.PostureQuery,
    ),
    Operation(
        name="get_openapi",
        summary="This API, as OpenAPI 3.1.",
        run=openapi.get_openapi,
        answers=None,
    ),
)

OPERATIONS: Mapping[str, Operation] = {each.name: each for each in _ALL}
