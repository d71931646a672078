"""The status of alerts of Defender for Cloud."""

import json
from collections.abc import Sequence

from shared.model.alert import AlertRow
from shared.model.places import places
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.arm_alerts import arm_alert
from tests.conformance.case import Case
from tests.fakes.ports import TOKEN

_ALERT = arm_alert()
_ROW = row_of(read_alert(SystemAlertId=_ALERT["name"]), "0a" * 8, "fp", None)
# In the group of its resource, where it is looked for first.
STORED = {**_ALERT, "id": next(places(_ROW))}


async def alerts(_incident: str) -> Sequence[AlertRow]:
    """Those of every incident."""
    return [_ROW]


CASE = Case(
    settings=lambda url: {"url": f"{url}/arm", "progress": "opened"},
    secrets={},
    seeded=(TOKEN,),
    # What has expired there is nothing to set.
    accepted={200, 404},
    body_cap=0,
    identity=lambda sent: sent.url,
    effects=lambda outside: len(outside.manager.changes),
    answer=json.dumps({"properties": {"status": "Active"}}).encode(),
    tells=lambda sent: sent.method == "POST",
    content=lambda _: None,
    side="arm",
    is_mute=True,
)
