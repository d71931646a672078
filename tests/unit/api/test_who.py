"""Who is written down as having said it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.api.who import sender
from shared.model.errors import SenderRefused
from tests.fakes.api import Api

if TYPE_CHECKING:
    from pathlib import Path

OID = "0f0f0f0f-1bf0-4dda-aec3-cb9272f09590"
OID_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def principal(*claims: tuple[str, str], kind: str = "aad") -> dict[str, str]:
    """The header that Easy Auth puts on a request."""
    said = {"auth_typ": kind, "claims": [{"typ": t, "val": v} for t, v in claims]}
    text = base64.b64encode(json.dumps(said).encode()).decode()
    return {"x-ms-client-principal": text}


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        ({}, "key"),
        ({"x-firewatch-by": "alice"}, "key (says alice)"),
        ({"x-firewatch-by": " \u202e "}, "key"),
        ({"x-firewatch-by": "a) entra:x (b"}, "key (says a] entra:x [b)"),
        ({"x-firewatch-by": "x" * 200}, f"key (says {'x' * 79}…)"),
        (principal((OID_CLAIM, OID)), "key"),
    ],
)
def test_whoever_has_a_key_says_who_they_are(headers: dict[str, str], by: str) -> None:
    """It is marked as their own word; a principal counts for nothing there."""
    assert sender(headers, easy_auth=False) == by


@pytest.mark.parametrize(
    ("headers", "by"),
    [
        (principal((OID_CLAIM, OID)), f"entra:{OID}"),
        (principal(("oid", OID.upper()), ("name", "Ada")), f"entra:{OID} (Ada)"),
        (
            principal(
                ("name", "CEO"), (OID_CLAIM, OID), ("preferred_username", "ada@x.org")
            ),
            f"entra:{OID} (ada@x.org)",
        ),
        (principal((OID_CLAIM, OID), ("name", "a)\n\u202e(b")), f"entra:{OID} (a] [b)"),
        (
            principal((OID_CLAIM, OID)) | {"x-firewatch-by": "the boss"},
            f"entra:{OID}",
        ),
    ],
)
def test_whoever_is_signed_in_is_who_entra_says(
    headers: dict[str, str], by: str
) -> None:
    """By object id, which nobody can change; the name beside it is for people."""
    assert sender(headers, easy_auth=True) == by


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-firewatch-by": "alice"},
        {"x-ms-client-principal": "no base64!"},
        {"x-ms-client-principal": "AAAA"},
        {"x-ms-client-principal": base64.b64encode(b"[" * 9_000).decode()},
        {"x-ms-client-principal": "A" * 100_000},
        principal(("name", "Ada")),
        principal((OID_CLAIM, "ada")),
        principal((OID_CLAIM, OID), ("oid", OID.replace("0", "1"))),
        principal((OID_CLAIM, OID), kind="github"),
    ],
)
def test_nobody_is_nobody(headers: dict[str, Any]) -> None:
    """A principal that is missing, malformed, ambiguous or not of Entra."""
    with pytest.raises(SenderRefused):
        sender(headers, easy_auth=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/incidents"),
        ("GET", "/api/openapi.json"),
        ("POST", "/api/incidents/0000000000000000/acknowledge"),
        ("DELETE", "/api/silences/x"),
    ],
)
async def test_under_easy_auth_nobody_gets_in_unnamed(
    tmp_path: Path, method: str, path: str
) -> None:
    """401 before anything is read, and before anything else is said to be wrong."""
    api = Api(tmp_path, changes={"EASY_AUTH": "1"})

    reply = await api.ask(method, path, headers={"if_match": "?"})

    assert reply.status == 401
    assert reply.headers["content-type"] == "application/problem+json"
    assert api.world.faults.total == 0


async def test_the_timeline_names_who_was_signed_in(tmp_path: Path) -> None:
    """As the mark does."""
    api = Api(tmp_path, changes={"EASY_AUTH": "1"})
    signed_in = principal((OID_CLAIM, OID), ("name", "Ada"))
    headers = {name.replace("-", "_"): value for name, value in signed_in.items()}

    reply = await api.post(
        "/api/silences",
        {
            "name": "patching",
            "match": ["severity=low"],
            "reason": "patches",
            "owner": "ops",
            "until": "2026-11-24T12:00:00Z",
        },
        **headers,
    )

    assert reply.body["made"]["by"] == f"entra:{OID} (Ada)"
