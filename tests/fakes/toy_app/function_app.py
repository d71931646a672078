"""A function of every trigger; each writes a line of JSON to stderr when it runs."""

import asyncio
import json
import os
import sys
from typing import List

import azure.functions as func

app = func.FunctionApp()


def _record(**what: object) -> None:
    print("toy", json.dumps(what), file=sys.stderr, flush=True)


@app.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="%ALERTS_HUB%",
    connection="AlertsHub",
    consumer_group="%ALERTS_GROUP%",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="00:00:01")
async def on_events(events: List[func.EventHubEvent], context: func.Context) -> None:
    """Record where each event of a batch came from; hang on one that says so."""
    _record(
        function="on_events",
        partition=(events[0].metadata or {})["PartitionContext"]["PartitionId"],
        numbers=[event.sequence_number for event in events],
        bodies=[event.get_body().decode() for event in events],
        retry=context.retry_context.retry_count,
    )
    if any(event.get_body() == b"block" for event in events):
        await asyncio.Event().wait()


@app.queue_trigger(
    arg_name="message", queue_name="toy-work", connection="AzureWebJobsStorage"
)
def on_message(message: func.QueueMessage) -> None:
    """Record a message, and fail for one that says so."""
    body = message.get_body().decode()
    _record(function="on_message", body=body, count=message.dequeue_count)
    if body == "fail":
        raise RuntimeError("told to fail")


@app.timer_trigger(arg_name="timer", schedule="0 17 * * * *")
async def on_tick(timer: func.TimerRequest) -> None:
    """Record that the timer ran."""
    _record(function="on_tick", past_due=timer.past_due)


@app.route(route="hello/{name?}", methods=["GET", "POST"])
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    """Greet, and say how long the body was."""
    name = req.route_params.get("name", "nobody")
    size = len(req.get_body())
    return func.HttpResponse(
        f"{os.environ.get('TOY_GREETING', 'hello')} {name} {size}",
        headers={"X-Toy": "yes"},
    )


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
def boom(req: func.HttpRequest) -> func.HttpResponse:
    """Fail."""
    raise RuntimeError(f"told to fail by {req.method}")
