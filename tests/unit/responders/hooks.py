"""A webhook, and what its receiver got."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from responders.webhook import Webhook, sign
from shared.actions.rendering import message, telling
from shared.model.secret import SecretRef
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.action import Action
    from shared.model.evidence import Evidence
    from shared.model.http import Http
    from shared.model.incident import Incident
    from tests.fakes.http import Sent


URL = "https://portal.example/firewatch"
SECRET = "whsec_" + base64.b64encode(b"n" * 32).decode()


def make_webhook(
    http: Http,
    *,
    url: str = URL,
    secret: str = SECRET,
    previous_secret: str | None = None,
    **config: Any,  # noqa: ANN401 - the other fields of Config
) -> Webhook:
    secrets = {"NEW": secret, "OLD": previous_secret or ""}
    previous = None if previous_secret is None else SecretRef("OLD")
    return Webhook(
        "portal",
        Webhook.Config(
            url=url, secret=SecretRef("NEW"), previous_secret=previous, **config
        ),
        make_ports(http, secrets),
    )


async def planned(
    webhook: Webhook, incident: Incident, evidence: Sequence[Evidence] = ()
) -> list[Action]:
    """What the responder plans, as the core tells it."""
    said = message(incident, evidence)
    return [telling(each, said) for each in await webhook.plan(incident, evidence)]


def signed(sent: Sent, key: bytes) -> str:
    """The signature that the receiver expects."""
    return sign(
        key,
        message_id=sent.headers["webhook-id"],
        sent_at=int(sent.headers["webhook-timestamp"]),
        body=sent.body,
    )
