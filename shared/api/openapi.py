"""The OpenAPI document, made of the table of operations and of their structs."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import msgspec

from shared.api.operation import PARTS, Nothing
from shared.api.wire import PROBLEM_TYPE, Answer, ProblemDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.api.operation import Call, Operation

VERSION = "3.1.0"
JSON = "application/json"
_REFERENCE = "#/components/schemas/{name}"

_SAID = {
    HTTPStatus.BAD_REQUEST: "The request has mistakes; each is named.",
    HTTPStatus.UNAUTHORIZED: "No function key, or nobody is signed in.",
    HTTPStatus.FORBIDDEN: "No approver is signed in.",
    HTTPStatus.NOT_FOUND: "There is none of that name.",
    HTTPStatus.CONFLICT: "It cannot be done as things are; the detail says why.",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since it was looked at.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not said to be JSON.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store or the settings are in the way.",
}

_TAG_HEADER = {
    "ETag": {
        "description": "The revision of the incident, for If-Match and If-None-Match.",
        "schema": {"type": "string"},
    }
}
_RETRY_HEADER = {
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer"},
    }
}


async def get_openapi(call: Call) -> Answer:
    """The document."""
    return Answer(HTTPStatus.OK, document(tuple(call.operations.values())))


@lru_cache(maxsize=1)
def document(operations: tuple[Operation, ...]) -> dict[str, Any]:
    """The document of these operations; do not change what is given."""
    kinds = [*_kinds(operations)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    named = dict(zip(kinds, schemas, strict=True))
    for kind in kinds:
        if kind in {each.body for each in operations}:
            # As the desk reads them: an unknown field is a mistake.
            components[kind.__name__]["additionalProperties"] = False
    for component in components.values():
        if "description" in component:
            component["description"] = cleandoc(component["description"])
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        path = paths.setdefault(f"/api/{each.route}", {})
        path[each.method.lower()] = _operation(each, named)
    return {
        "openapi": VERSION,
        "info": {
            "title": "Firewatch",
            "version": "1",
            "description": "Incidents, alerts and silences of Firewatch.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "query": {"type": "apiKey", "in": "query", "name": "code"},
            },
        },
        "security": [{"header": []}, {"query": []}],
    }


def _kinds(operations: Iterable[Operation]) -> dict[type[msgspec.Struct], None]:
    """Every struct that goes in or out, once, in the order of the table."""
    found: dict[type[msgspec.Struct], None] = {ProblemDetails: None}
    for each in operations:
        found |= dict.fromkeys(k for k in (each.body, each.answers) if k is not None)
    return found


def _operation(each: Operation, named: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "parameters": [*_parameters(each)],
        "responses": _answers(each, named),
    }
    if each.body is not None:
        is_needed = any(f.required for f in msgspec.structs.fields(each.body))
        described["requestBody"] = {
            "required": is_needed,
            "content": {JSON: {"schema": named[each.body]}},
        }
    return described


def _parameters(each: Operation) -> Iterable[dict[str, Any]]:
    for part in each.parts:
        schema = msgspec.json.schema(PARTS[part])
        yield {"name": part, "in": "path", "required": True, "schema": schema}
    if each.query is not Nothing:
        yield from _query(each.query)
    if each.takes_tag:
        yield _header("If-Match", "The ETag of the incident that was looked at, or *.")
    if each.gives_tag and not each.is_command:
        yield _header("If-None-Match", "ETags that are known; 304 where it is one.")
    if each.is_command and each.body is not None:
        yield _header(
            "Idempotency-Key",
            "The same request under the same key is carried out once.",
            schema={"type": "string", "pattern": "^[ -~]{1,200}$"},
        )
    if each.is_command:
        yield _header(
            "X-Firewatch-By", "Who says so, as far as they say; not under Easy Auth."
        )


def _query(kind: type[msgspec.Struct]) -> Iterable[dict[str, Any]]:
    _, components = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    whole = components[kind.__name__]
    for name, schema in whole["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in whole["required"],
            "schema": _resolved(schema, components),
        }


def _resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter by itself: absent is not null, and nothing is named."""
    options = [
        option for option in schema.get("anyOf", ()) if option != {"type": "null"}
    ]
    if options:
        schema = options[0]
    if "items" in schema and "$ref" in schema["items"]:
        name = schema["items"]["$ref"].rpartition("/")[2]
        schema = schema | {"items": components[name]}
    return {k: v for k, v in schema.items() if k not in {"title", "description"}}


def _header(
    name: str, description: str, *, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema or {"type": "string"},
    }


def _answers(each: Operation, named: dict[Any, Any]) -> dict[str, Any]:
    schema = {"type": "object"} if each.answers is None else named[each.answers]
    good: dict[str, Any] = {
        "description": each.good.phrase,
        "content": {JSON: {"schema": schema}},
    }
    if each.gives_tag:
        good["headers"] = _TAG_HEADER
    found = {str(each.good.value): good}
    if each.gives_tag and not each.is_command:
        found["304"] = {"description": "It is as it was.", "headers": _TAG_HEADER}
    for status in _refusals(each):
        found[str(status.value)] = {
            "description": _SAID[status],
            "content": {PROBLEM_TYPE: {"schema": named[ProblemDetails]}},
        }
    found["503"]["headers"] = _RETRY_HEADER
    return found


def _refusals(each: Operation) -> Iterable[HTTPStatus]:
    yield HTTPStatus.BAD_REQUEST
    yield HTTPStatus.UNAUTHORIZED
    if each.decides:
        yield HTTPStatus.FORBIDDEN
    if each.parts:
        yield HTTPStatus.NOT_FOUND
    if each.is_command:
        yield HTTPStatus.CONFLICT
    if each.takes_tag:
        yield HTTPStatus.PRECONDITION_FAILED
    if each.body is not None:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    yield HTTPStatus.SERVICE_UNAVAILABLE
