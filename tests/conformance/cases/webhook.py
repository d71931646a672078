"""A receiver of signed webhooks."""

from tests.conformance.case import Case

SECRET = "whsec_Y29uZm9ybWFuY2UtYmx1ZS1zZWNyZXQtMDE="
_PREVIOUS = "whsec_Y29uZm9ybWFuY2UtZ3JlZW4tc2VjcmV0LTI="

CASE = Case(
    settings=lambda url: {
        "url": f"{url}/webhook/conformance?sig=s33ded-query",
        "secret": {"setting": "SIGNING"},
        "previous_secret": {"setting": "PREVIOUS"},
    },
    secrets={"SIGNING": SECRET, "PREVIOUS": _PREVIOUS},
    seeded=(
        SECRET.removeprefix("whsec_"),
        _PREVIOUS.removeprefix("whsec_"),
        "conformance-blue-secret-01",
        "s33ded-query",
    ),
    accepted=range(200, 300),
    body_cap=20_000,
    identity=lambda sent: sent.headers["webhook-id"],
    effects=lambda outside: len(outside.webhook.deliveries),
    link_paths={".data.links[]"},
)
