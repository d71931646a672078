"""PagerDuty."""

from tests.conformance.case import Case

_ROUTING_KEY = "c0nf0rmanceroutingkey00000000001"

CASE = Case(
    settings=lambda url: {
        "routing_key": {"setting": "ROUTING_KEY"},
        "url": f"{url}/pagerduty",
        "client_url": "https://firewatch.example/incidents",
    },
    secrets={"ROUTING_KEY": _ROUTING_KEY},
    seeded=(_ROUTING_KEY,),
    accepted={202},
    body_cap=512_000,
    identity=lambda sent: (sent.json["event_action"], sent.json["dedup_key"]),
    effects=lambda outside: sum(page.opens for page in outside.pagerduty.pages()),
    link_paths={".links[].href"},
    own_urls={".client_url"},
)
