"""Stand-ins of the three trackers refuse what the real ones refuse, in their words."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Outside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BASIC = {"authorization": "Basic " + base64.b64encode(b"a@contoso.com:x").decode()}
PATCH = {**BASIC, "content-type": "application/json-patch+json"}

JIRA = "/jira/rest/api/3"
TABLE = "/servicenow/api/now/table"
WIT = "/boards/Security/_apis/wit"
VERSION = {"api-version": "7.1"}


@pytest.fixture
async def there() -> AsyncIterator[tuple[Outside, httpx.AsyncClient]]:
    """Sides that nobody has asked for anything."""
    async with (
        Outside.start() as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield outside, client


There = tuple[Outside, httpx.AsyncClient]


def document(*content: dict[str, Any], version: int = 1) -> dict[str, Any]:
    return {"type": "doc", "version": version, "content": [*content]}


def paragraph(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": [*content]}


def said(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    return {"type": "text", "text": text, **more}


def fields(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """Those of an issue that Jira makes."""
    return {
        "project": {"key": "SEC"},
        "issuetype": {"name": "Task"},
        "summary": "High: web shell",
        "labels": ["fw-1"],
        "description": document(paragraph(said("x"))),
    } | changes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{JIRA}/issue"),
        ("POST", f"{JIRA}/search/jql"),
        ("POST", f"{TABLE}/incident"),
        ("GET", f"{TABLE}/sys_journal_field"),
        ("POST", f"{WIT}/wiql?api-version=7.1"),
        ("POST", f"{WIT}/workitems/$Issue?api-version=7.1"),
    ],
)
@pytest.mark.parametrize("given", ["", "Basic", "Basic x", "Bearer", "Basic eA=="])
async def test_nobody_is_let_in_without_a_secret(
    there: There, method: str, path: str, given: str
) -> None:
    """401, and nothing is done."""
    _, client = there

    answer = await client.request(method, path, headers={"authorization": given})

    assert answer.status_code == 401


# Jira


@pytest.mark.parametrize(
    "changes",
    [
        {"project": {}},
        {"project": {"key": "not a key"}},
        {"issuetype": {"name": ""}},
        {"summary": ""},
        {"summary": "two\nlines"},
        {"summary": "x" * 256},
        {"labels": ["two words"]},
        {"description": "plain text"},
        {"description": document(version=2)},
        {"description": document(paragraph(said("")))},
        {"description": document(paragraph(said("two\nlines")))},
        {"description": document(said("outside of a paragraph"))},
        {"description": document({"type": "bulletList", "content": []})},
        {"description": document({"type": "script"})},
        {
            "description": document(
                paragraph(
                    said(
                        "x",
                        marks=[{"type": "link", "attrs": {"href": "javascript:x"}}],
                    )
                )
            )
        },
        {"description": document(paragraph(said("x" * 33_000)))},
    ],
)
async def test_jira_makes_no_issue_of_that(
    there: There, changes: dict[str, Any]
) -> None:
    """400, with why; the same without the mistake is an issue."""
    outside, client = there

    answer = await client.post(
        f"{JIRA}/issue", json={"fields": fields(**changes)}, headers=BASIC
    )
    good = await client.post(f"{JIRA}/issue", json={"fields": fields()}, headers=BASIC)

    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == outside.jira.refused
    assert (good.status_code, good.json()["key"]) == (201, "SEC-1")


@pytest.mark.parametrize(
    "jql",
    [
        "",
        'labels = "fw-1" ORDER BY created ASC',
        'project = "SEC" AND labels = "fw"1" ORDER BY created ASC',
        'project = "SEC" OR labels = "fw-1" ORDER BY created ASC',
    ],
)
async def test_jira_answers_no_query_that_breaks(there: There, jql: str) -> None:
    """Nor one that asks for more than ours does."""
    _, client = there

    answer = await client.post(
        f"{JIRA}/search/jql", json={"jql": jql, "fields": []}, headers=BASIC
    )

    assert answer.status_code == 400


async def test_jira_takes_no_transition_that_is_not_there(there: There) -> None:
    """Nor one of an issue that is not there."""
    _, client = there
    await client.post(f"{JIRA}/issue", json={"fields": fields()}, headers=BASIC)

    body = {"transition": {"id": "99"}}
    none = await client.post(
        f"{JIRA}/issue/SEC-1/transitions", json=body, headers=BASIC
    )
    gone = await client.post(
        f"{JIRA}/issue/SEC-9/transitions", json=body, headers=BASIC
    )

    assert (none.status_code, gone.status_code) == (400, 404)


# ServiceNow


async def test_servicenow_cuts_without_a_word(there: There) -> None:
    """What is too long for its column is gone."""
    outside, client = there

    answer = await client.post(
        f"{TABLE}/incident",
        json={"short_description": "x" * 200, "correlation_id": "k" * 200},
        headers=BASIC,
    )

    assert answer.status_code == 201
    [incident] = outside.servicenow.incidents.values()
    lengths = {name: len(text) for name, text in incident.fields.items()}
    assert (lengths["short_description"], lengths["correlation_id"]) == (160, 100)


async def test_servicenow_drops_a_condition_that_it_does_not_understand(
    there: There,
) -> None:
    """And gives every incident there is."""
    _, client = there
    await client.post(f"{TABLE}/incident", json={}, headers=BASIC)
    query = {"sysparm_query": "correlation=x", "sysparm_fields": "sys_id"}

    answer = await client.get(f"{TABLE}/incident", params=query, headers=BASIC)

    assert len(answer.json()["result"]) == 1


@pytest.mark.parametrize("state", ["6", "7"])
async def test_servicenow_closes_nothing_without_code_and_notes(
    there: There, state: str
) -> None:
    """The base system's data policy."""
    _, client = there
    made = await client.post(
        f"{TABLE}/incident?sysparm_fields=sys_id", json={}, headers=BASIC
    )
    path = f"{TABLE}/incident/{made.json()['result']['sys_id']}"

    refused = await client.patch(path, json={"state": state}, headers=BASIC)
    whole = {"state": state, "close_code": "x", "close_notes": "y"}
    taken = await client.patch(path, json=whole, headers=BASIC)

    assert (refused.status_code, taken.status_code) == (400, 200)


@pytest.mark.parametrize(
    "form", [{}, {"grant_type": "client_credentials", "client_id": "x"}]
)
async def test_servicenow_gives_no_token_for_that(
    there: There, form: dict[str, str]
) -> None:
    """And takes none that it did not give."""
    _, client = there

    answer = await client.post("/servicenow/oauth_token.do", data=form)
    other = await client.get(
        f"{TABLE}/incident", headers={"authorization": "Bearer made-up"}
    )

    assert (answer.status_code, other.status_code) == (401, 401)


# Boards


@pytest.mark.parametrize(
    ("steps", "headers", "status"),
    [
        ([{"op": "add", "path": "/fields/System.Title", "value": "x"}], BASIC, 415),
        ([{"op": "add", "path": "/fields/System.Title", "value": ""}], PATCH, 400),
        (
            [{"op": "add", "path": "/fields/System.Title", "value": "x" * 256}],
            PATCH,
            400,
        ),
        ([{"op": "test", "path": "/fields/System.Title", "value": "x"}], PATCH, 400),
        ([{"op": "add", "path": "/System.Title", "value": "x"}], PATCH, 400),
        ({"System.Title": "x"}, PATCH, 400),
        ([{"op": "add", "path": "/fields/System.Title", "value": "x"}], PATCH, 200),
    ],
)
async def test_boards_takes_a_json_patch_and_nothing_else(
    there: There, steps: object, headers: dict[str, str], status: int
) -> None:
    """Of fields, with a title that fits."""
    _, client = there

    answer = await client.post(
        f"{WIT}/workitems/$Issue",
        params=VERSION,
        content=httpx.Request("POST", "http://x", json=steps).content,
        headers=headers,
    )

    assert answer.status_code == status


async def test_boards_knows_its_states_and_its_versions(there: There) -> None:
    """A state that the type has not, and a request that says no version."""
    _, client = there
    title = [{"op": "add", "path": "/fields/System.Title", "value": "x"}]
    odd = [*title, {"op": "add", "path": "/fields/System.State", "value": "Odd"}]
    path = f"{WIT}/workitems/$Issue"

    answers = [
        await client.post(
            path,
            params=params,
            content=httpx.Request("POST", "http://x", json=steps).content,
            headers=PATCH,
        )
        for params, steps in ((VERSION, odd), ({}, title))
    ]

    assert [answer.status_code for answer in answers] == [400, 400]


async def test_boards_answers_no_query_that_breaks(there: There) -> None:
    """Nor one that asks for more than ours does."""
    _, client = there
    query = "SELECT [System.Id] FROM WorkItems WHERE [System.Tags] CONTAINS 'a' OR 1=1"

    answer = await client.post(
        f"{WIT}/wiql", params=VERSION, json={"query": query}, headers=BASIC
    )

    assert answer.status_code == 400
