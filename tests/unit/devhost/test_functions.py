from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devhost.functions import AppImportError, Function, load_app
from devhost.invocation import Invoker
from devhost.retry import RetryPolicy
from devhost.settings import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import azure.functions as func

TOY_APP = Path(__file__).parents[2] / "fakes/toy_app"
HEAD = "import typing\nimport azure.functions as func\napp = func.FunctionApp()\n"
QUEUE = '@app.queue_trigger(arg_name="m", queue_name="q", connection="S")\n'
HUB = (
    '@app.event_hub_message_trigger(arg_name="events", event_hub_name="h", '
    'connection="H", cardinality=func.Cardinality.MANY)\n'
)


@pytest.fixture(autouse=True)
def _imports_undone() -> Iterator[None]:
    """Loading an app changes sys.path and sys.modules: put them back."""
    path, module = list(sys.path), sys.modules.get("function_app")
    yield
    sys.path[:] = path
    sys.modules.pop("function_app", None)
    if module:
        sys.modules["function_app"] = module


def _load(folder: Path, source: str) -> tuple[Function, ...]:
    (folder / "function_app.py").write_text(source)
    return load_app(folder)


def _function(
    call: Callable[..., object],
    *,
    retry: RetryPolicy | None = None,
    wants_context: bool = False,
) -> Function:
    trigger = {"type": "timerTrigger", "name": "timer"}
    return Function(
        name="f",
        call=call,
        trigger=trigger,
        retry=retry,
        wants_context=wants_context,
    )


def test_the_toy_app_is_described() -> None:
    """Every trigger kind is found with its binding, retry policy and context."""
    functions = {function.name: function for function in load_app(TOY_APP)}

    assert {name: each.kind for name, each in functions.items()} == {
        "on_events": "eventHubTrigger",
        "on_message": "queueTrigger",
        "on_tick": "timerTrigger",
        "hello": "httpTrigger",
        "boom": "httpTrigger",
    }
    hub = functions["on_events"]
    assert hub.parameter == "events"
    assert hub.wants_context
    assert hub.is_async
    assert hub.retry == RetryPolicy(max_retry_count=1, shortest_s=1, longest_s=1)
    assert hub.text("cardinality") == "MANY"
    assert hub.text("dataType") == "BINARY"
    assert not functions["on_message"].is_async
    assert functions["boom"].text("route") == "boom"
    assert functions["boom"].text("authLevel") == "ANONYMOUS"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (HEAD + QUEUE + "def f(x): ...", "binds m"),
        (HEAD + QUEUE + "def f(m, other): ...", "nothing binds other"),
        (HEAD + QUEUE + "def f(m): ...\n" + QUEUE + "def f(m): ...", "unique function"),
        (HEAD + HUB + "def f(events: list[func.EventHubEvent]): ...", "vanish"),
        (HEAD + HUB + "def f(events: list): ...", "vanish"),
        (HEAD + HUB + "def f(events: 'typing.Nope'): ...", "Nope|no attribute"),
        (HEAD + "other = func.FunctionApp()", "not 2"),
        ("x = 1", "not 0"),
        (
            HEAD + '@app.blob_trigger(arg_name="b", path="p", connection="S")\n'
            "def f(b): ...",
            "function f: devhost has no blobTrigger",
        ),
        (
            HEAD + '@app.queue_output(arg_name="o", queue_name="o", connection="S")\n'
            + QUEUE + "def f(m, o): ...",
            "devhost has no queue binding",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(
    tmp_path: Path, source: str, says: str
) -> None:
    """An app that Azure would not index, or devhost cannot serve, says why."""
    with pytest.raises(SetupError, match=says):
        _load(tmp_path, source)


def test_a_missing_app_is_refused(tmp_path: Path) -> None:
    """A folder without function_app.py is no app."""
    with pytest.raises(SetupError, match="function_app"):
        load_app(tmp_path)


def test_an_import_error_is_its_own_kind(tmp_path: Path) -> None:
    """Any exception at import is reported with its cause."""
    with pytest.raises(AppImportError) as raised:
        _load(tmp_path, "import os\nos.environ['NOT_SET_ANYWHERE']")

    assert isinstance(raised.value.__cause__, KeyError)


async def test_async_functions_run_on_the_loop() -> None:
    """An async function shares the loop's thread; its value comes back."""

    async def call(timer: object) -> tuple[object, int]:
        await asyncio.sleep(0)
        return timer, threading.get_ident()

    function = _function(call)
    invoker = Invoker([function])

    answer = await invoker.call(function, lambda: "due")

    assert answer.value == ("due", threading.get_ident())
    assert invoker.counts() == {"f": {"succeeded": 1, "failed": 0, "running": 0}}
    invoker.close()


async def test_other_functions_run_in_a_thread() -> None:
    """A plain function may block: it does not have the loop's thread."""
    function = _function(lambda timer: (timer, threading.get_ident()))
    invoker = Invoker([function])

    answer = await invoker.call(function, lambda: "due")

    assert answer.value[0] == "due"
    assert answer.value[1] != threading.get_ident()
    invoker.close()


async def test_an_exception_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What a function raises stays inside, with its traceback in the log."""

    def call(timer: object) -> None:
        raise LookupError(timer)

    function = _function(call)
    invoker = Invoker([function])

    answer = await invoker.call(function, lambda: "due")

    assert isinstance(answer.error, LookupError)
    assert invoker.counts()["f"]["failed"] == 1
    assert invoker.counts()["f"]["running"] == 0
    assert caplog.records[0].exc_info is not None
    invoker.close()


async def test_an_argument_that_cannot_be_built_fails_the_run() -> None:
    """A value that cannot be converted counts as a failure of the function."""

    def bind() -> object:
        raise ValueError("offset")

    function = _function(lambda _timer: None)
    invoker = Invoker([function])

    answer = await invoker.call(function, bind)

    assert isinstance(answer.error, ValueError)
    invoker.close()


async def test_context_tells_who_runs() -> None:
    """A parameter named context gets the function's name, run and folder."""
    seen: list[tuple[object, func.Context]] = []

    async def call(timer: object, context: func.Context) -> None:
        seen.append((timer, context))

    function = _function(call, wants_context=True)
    invoker = Invoker([function])

    await invoker.call(function, lambda: "due")
    await invoker.call(function, lambda: "due")

    first, second = (context for _, context in seen)
    assert first.function_name == "f"
    assert first.invocation_id != second.invocation_id
    assert first.function_directory == str(Path(__file__).parent)
    assert [each.retry_context for each in (first, second)] == [None, None]
    assert first.trace_context.trace_parent == ""
    assert first.thread_local_storage is second.thread_local_storage
    invoker.close()


async def test_retries_end_with_success() -> None:
    """A failed run is repeated, and knows which repetition it is."""
    counts: list[int] = []

    async def call(timer: object, context: func.Context) -> None:  # noqa: ARG001
        counts.append(context.retry_context.retry_count)
        if len(counts) < 3:
            raise OSError

    policy = RetryPolicy(max_retry_count=-1, shortest_s=0.001, longest_s=0.001)
    function = _function(call, wants_context=True, retry=policy)
    invoker = Invoker([function])

    is_done = await invoker.call_until_done(
        function, lambda: "due", stopping=asyncio.Event()
    )

    assert is_done
    assert counts == [0, 1, 2]
    invoker.close()


async def test_retries_end_after_the_last() -> None:
    """After the last retry the platform is done with it, failed or not."""

    async def call(timer: object) -> None:
        raise OSError(timer)

    policy = RetryPolicy(max_retry_count=2, shortest_s=0.001, longest_s=0.001)
    function = _function(call, retry=policy)
    invoker = Invoker([function])

    is_done = await invoker.call_until_done(
        function, lambda: "due", stopping=asyncio.Event()
    )

    assert is_done
    assert invoker.counts()["f"]["failed"] == 3
    invoker.close()


async def test_stopping_ends_the_wait_for_a_retry() -> None:
    """A host that stops does not wait for the next retry, and is not done."""
    stopping = asyncio.Event()

    async def call(timer: object) -> None:
        stopping.set()
        raise OSError(timer)

    policy = RetryPolicy(max_retry_count=-1, shortest_s=3600, longest_s=3600)
    function = _function(call, retry=policy)
    invoker = Invoker([function])

    is_done = await invoker.call_until_done(function, lambda: "due", stopping=stopping)

    assert not is_done
    invoker.close()
