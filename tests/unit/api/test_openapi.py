"""The OpenAPI document says what the app does: schemathesis asks it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from shared.api.openapi import document
from shared.api.operations import OPERATIONS
from shared.api.routes import ROUTES
from shared.commands import Order
from shared.model.silence import Silence
from tests.alerts import alert_id, event
from tests.fakes.api import Api
from tests.fakes.wsgi import Wsgi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case
    from schemathesis.specs.openapi.schemas import OpenApiSchema

# What is so of every answer. That good data is taken is not among them: whether a text
# is a matcher, a cursor or a time ahead is more than a schema can say.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

ALL = tuple(OPERATIONS.values())
NAMES = [*OPERATIONS]
# Those with something that can be wrong.
TAKING = [each.name for each in ALL if each.parts or each.body or each.query]

QUICK = settings(
    max_examples=4,
    deadline=None,
    # One request that is wrong says enough; a smaller one takes minutes to find.
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)
SOAK = settings(QUICK, max_examples=300)


@pytest.fixture(scope="module")
def wsgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wsgi]:
    """An app with an incident, its alert and a silence."""
    made = Wsgi(Api(tmp_path_factory.mktemp("api")))
    with made.runner:
        made.runner.run(_fill(made.api))
        yield made


async def _fill(api: Api) -> None:
    world = api.world
    silence = Silence(
        name="patching",
        match=("severity=low",),
        reason="patches",
        owner="ops",
        until=world.clock() + timedelta(days=1),
    )
    await world.worker.silences.create(silence, Order("ops"))
    await world.feed([event()])


@pytest.fixture(scope="module")
def schema(wsgi: Wsgi) -> OpenApiSchema:
    """The document, as the app serves it."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", wsgi)


def _ask(
    data: st.DataObject, schema: OpenApiSchema, name: str, mode: GenerationMode
) -> Case[Any]:
    """A request for an operation: as the document has it, or as it has it not."""
    operation = schema.find_operation_by_id(name)
    return data.draw(operation.as_strategy(generation_mode=mode))


def _known(case: Case[Any], wsgi: Wsgi) -> None:
    """Ask about what is there: no generated id ever is."""
    head = wsgi.runner.run(wsgi.api.world.heads())[0]
    known = {
        "id": head.id,
        "name": "patching",
        "alert_id": alert_id(),
        "deed": "0" * 32,
    }
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known[name]
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = f'"{head.revision}"'


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(data=st.data())
def test_what_is_there_answers_as_documented(
    data: st.DataObject,
    schema: OpenApiSchema,
    wsgi: Wsgi,
    name: str,
) -> None:
    """Status, headers and body of every operation on what there is."""
    case = _ask(data, schema, name, GenerationMode.POSITIVE)
    _known(case, wsgi)

    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(data=st.data())
def test_what_is_not_there_answers_as_documented(
    data: st.DataObject,
    schema: OpenApiSchema,
    name: str,
) -> None:
    """And of every operation on what there is not."""
    case = _ask(data, schema, name, GenerationMode.POSITIVE)

    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize("name", TAKING)
@QUICK
@given(data=st.data())
def test_what_the_document_forbids_is_refused(
    data: st.DataObject,
    schema: OpenApiSchema,
    name: str,
) -> None:
    """Never taken, and never a failure of ours."""
    case = _ask(data, schema, name, GenerationMode.NEGATIVE)

    case.call_and_validate(checks=[*CHECKS, checks.negative_data_rejection])


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
@SOAK
@given(data=st.data())
def test_what_is_there_answers_as_documented_at_length(
    data: st.DataObject,
    schema: OpenApiSchema,
    wsgi: Wsgi,
    name: str,
) -> None:
    """The same, for minutes."""
    case = _ask(data, schema, name, GenerationMode.POSITIVE)
    _known(case, wsgi)

    case.call_and_validate(checks=CHECKS)


@pytest.mark.soak
@pytest.mark.parametrize("name", TAKING)
@SOAK
@given(data=st.data())
def test_what_the_document_forbids_is_refused_at_length(
    data: st.DataObject,
    schema: OpenApiSchema,
    name: str,
) -> None:
    """The same, for minutes."""
    case = _ask(data, schema, name, GenerationMode.NEGATIVE)

    case.call_and_validate(checks=[*CHECKS, checks.negative_data_rejection])


def test_each_operation_is_in_the_document_once() -> None:
    """By its own name, at its own method and route, with what it takes."""
    found = {
        (method.upper(), path.removeprefix("/api/"), described["operationId"])
        for path, methods in document(ALL)["paths"].items()
        for method, described in methods.items()
    }

    assert found == {(each.method, each.route, each.name) for each in ALL}
    assert [*OPERATIONS] == [*ROUTES]


def test_the_document_leads_nowhere() -> None:
    """Each reference in it is to a schema that it holds, and none lies idle."""
    whole = document(ALL)
    text = msgspec.json.encode(whole).decode()
    names = {*whole["components"]["schemas"]}

    assert {
        part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]
    } == names


async def test_the_document_is_served(api: Api) -> None:
    """As JSON, to whoever has a key."""
    reply = await api.get("/api/openapi.json")

    assert reply.status == 200
    assert reply.body["openapi"] == "3.1.0"
    assert reply.body == msgspec.json.decode(msgspec.json.encode(document(ALL)))
