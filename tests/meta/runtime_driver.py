"""Azure's own Python runtime over this app, in a process and a Python of its own.

The host speaks gRPC with a worker, and the worker hands each request to the library
`azure-functions-runtime`. Here its entry points are called directly, in the order of a
cold start: init, metadata, invocations. What it would send is made of plain objects, as
the message types belong to the worker and not to the library.

Run in the app's folder. Standard input holds a JSON list of calls, standard output gets
one JSON object: what was indexed, and the answer to each call.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any


class _Message:
    """One type of message: keeps what it is made with, and has the enum's numbers."""

    # StatusResult, BindingInfo.Direction and BindingInfo.DataType of
    # FunctionRpc.proto (azure-functions-language-worker-protobuf).
    Failure, Success = 0, 1
    out, inout = 1, 2
    undefined = 0

    def __call__(self, **fields: object) -> SimpleNamespace:
        return SimpleNamespace(**fields)


class _Protos:
    """Every type of message by its name."""

    def __getattr__(self, name: str) -> _Message:
        return _Message()


class _Typed:
    """A TypedData, or a ParameterBinding: one value under the name of its kind."""

    def __init__(self, kind: str, value: object) -> None:
        self.name = ""
        self._kind = kind
        setattr(self, kind, value)

    def WhichOneof(self, _group: str) -> str:  # noqa: N802  protobuf's own name
        """The kind, as protobuf says it."""
        return self._kind


def _typed(data: dict[str, Any]) -> _Typed:
    """A call's argument: ``{"json": ...}``, ``{"http": {...}}``."""
    kind, value = next(iter(data.items()))
    if kind == "http":
        body = _Typed("bytes", value["body"].encode())
        empty: dict[str, str] = {}
        value = SimpleNamespace(
            method=value["method"],
            url=value["url"],
            headers=value["headers"],
            params=empty,
            query=empty,
            body=body,
        )
    return _Typed(kind, value)


async def _index(runtime: Any, protos: _Protos) -> list[Any]:  # noqa: ANN401
    init = SimpleNamespace(capabilities={}, function_app_directory=".")
    answer = await runtime.worker_init_request(
        SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init),
            properties={"host": "127.0.0.1", "protos": protos},
        )
    )
    _raise_for(answer)
    found = await runtime.functions_metadata_request(SimpleNamespace())
    return list(found.function_metadata_results or [])


async def _invoke(runtime: Any, call: dict[str, Any], found: list[Any]) -> Any:  # noqa: ANN401
    function = next(f for f in found if f.name == call["function"])
    binding = _Typed("data", _typed(call["data"]))
    binding.name = call["parameter"]
    context = SimpleNamespace(trace_parent="", trace_state="", attributes={})
    retry = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)
    answer = await runtime.invocation_request(
        SimpleNamespace(
            request=SimpleNamespace(
                invocation_request=SimpleNamespace(
                    invocation_id="0",
                    function_id=function.function_id,
                    input_data=[binding],
                    trigger_metadata={},
                    trace_context=context,
                    retry_context=retry,
                )
            )
        )
    )
    if answer.result.status != _Message.Success:
        return {"error": answer.result.exception.message}
    if answer.return_value is None:
        return {}
    response = answer.return_value.http
    body: bytes = getattr(response.body, "bytes", b"")
    return {
        "status": response.status_code,
        "headers": response.headers,
        "body": getattr(response.body, "string", "") or body.decode(),
    }


def _raise_for(answer: Any) -> None:  # noqa: ANN401
    if answer.result.status != _Message.Success:
        problem = answer.result.exception
        raise SystemExit(f"{problem.message}\n{problem.stack_trace}")


async def _main() -> None:
    calls = json.load(sys.stdin)
    # The worker puts the app's folder last on the path.
    sys.path.append(".")
    runtime = importlib.import_module("azure_functions_runtime")
    found = await _index(runtime, _Protos())
    answers = [await _invoke(runtime, call, found) for call in calls]
    functions = {
        each.name: [json.loads(binding) for binding in each.raw_bindings]
        for each in found
    }
    retries = {
        each.name: vars(each.retry_options or SimpleNamespace()) for each in found
    }
    json.dump(
        {
            "functions": functions,
            "retries": {
                name: {key: str(value) for key, value in retry.items()}
                for name, retry in retries.items()
            },
            "answers": answers,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    asyncio.run(_main())
