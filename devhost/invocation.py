"""Calling functions: on the loop or in a thread, counted, their errors contained."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import azure.functions as func

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devhost.functions import Function

_log = logging.getLogger("devhost")
_local = threading.local()


@dataclass(slots=True)
class Tally:
    """How a function's invocations went since the host started."""

    succeeded: int = 0
    failed: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an invocation returned, or the exception that came out of it."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class RetryContext:
    """`context.retry_context`: which repetition this is, of how many."""

    retry_count: int
    max_retry_count: int
    exception: Exception | None = None


@dataclass(frozen=True, slots=True)
class TraceContext:
    """`context.trace_context`; nothing traces here, so it is empty."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


class InvocationContext(func.Context):
    """What a function gets when it declares a parameter named `context`."""

    def __init__(
        self, function: Function, *, retry_context: RetryContext | None
    ) -> None:
        self._function = function
        self._retry_context = retry_context
        self._invocation_id = str(uuid.uuid4())

    @property
    def invocation_id(self) -> str:
        """An id of this run alone."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:  # noqa: ANN401 - the library's word is a wrong one
        """Where a function's own threads may put the invocation id for their logs."""
        return _local

    @property
    def function_name(self) -> str:
        """The name the app gave the function."""
        return self._function.name

    @property
    def function_directory(self) -> str:
        """The folder of the app."""
        return str(Path(inspect.getfile(self._function.call)).parent)

    @property
    def trace_context(self) -> Any:  # noqa: ANN401 - as above
        """An empty trace context."""
        return TraceContext()

    @property
    def retry_context(self) -> Any:  # noqa: ANN401 - as above
        """The retry so far; None for a function without a retry policy."""
        return self._retry_context


class Invoker:
    """
    Runs the functions of one app.

    Async functions run on the loop, others in threads as many as the worker has:
    PYTHON_THREADPOOL_THREAD_COUNT, else processors + 4 up to 32.
    """

    def __init__(self, functions: Iterable[Function]) -> None:
        self._tallies = {function.name: Tally() for function in functions}
        count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._threads = ThreadPoolExecutor(
            max_workers=int(count) if count else None, thread_name_prefix="function"
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """How the invocations of each function went, for the host's status."""
        return {name: asdict(tally) for name, tally in self._tallies.items()}

    async def call(
        self,
        function: Function,
        bind: Callable[[], object],
        *,
        retry_context: RetryContext | None = None,
        finish: Callable[[Any], object] | None = None,
    ) -> Answer:
        """
        Run a function once and say how it went; it raises nothing but cancellation.

        `bind` builds the argument and `finish` reads what came back: both belong to
        the invocation, as in the worker, where a value that cannot be converted fails
        the run. A failed run is logged with its traceback and counted.
        """
        tally = self._tallies[function.name]
        context = InvocationContext(function, retry_context=retry_context)
        tally.running += 1
        try:
            value = await self._run(function, bind, context)
            answer = Answer(value=finish(value) if finish else value)
        except Exception as error:  # noqa: BLE001 - what comes out of a function is
            # the platform's business, whatever it is.
            tally.failed += 1
            _log.exception(
                "function.failed name=%s invocation=%s",
                function.name,
                context.invocation_id,
            )
            return Answer(error=error)
        finally:
            tally.running -= 1
        tally.succeeded += 1
        return answer

    async def call_until_done(
        self,
        function: Function,
        bind: Callable[[], object],
        *,
        stopping: asyncio.Event,
    ) -> bool:
        """
        Run a function as its retry policy says; False when the host stopped first.

        True means that the platform is done with it, in success or after the last
        retry: the two are one to an Event Hub's checkpoint.
        """
        policy = function.retry
        retries = 0
        error: Exception | None = None
        while True:
            context = (
                RetryContext(retries, policy.max_retry_count, error) if policy else None
            )
            answer = await self.call(function, bind, retry_context=context)
            error = answer.error
            if error is None or policy is None or not policy.allows(retries):
                return True
            if await happens(stopping, within_s=policy.delay_s(retries)):
                return False
            retries += 1

    def close(self) -> None:
        """Give the threads up; those still in a function end with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self,
        function: Function,
        bind: Callable[[], object],
        context: InvocationContext,
    ) -> object:
        arguments: dict[str, object] = {function.parameter: bind()}
        if function.wants_context:
            arguments["context"] = context
        if function.is_async:
            value: object = await function.call(**arguments)
            return value
        carried = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: carried.run(function.call, **arguments)
        )


async def happens(event: asyncio.Event, *, within_s: float) -> bool:
    """Wait for an event, but no longer than `within_s`; say whether it happened."""
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True
