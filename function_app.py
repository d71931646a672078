"""The functions Azure runs: triggers and bindings, nothing else.

Imports with an empty environment. An exception while this module is imported makes
every function vanish, so what can fail is built at first use (shared.bootstrap).
"""

import json
from typing import List

import azure.functions as func

from shared.bootstrap import App
from shared.store import messages
from shared.triggers import answers, api, hub, queue
from shared.triggers import health as health_trigger
from shared.triggers.answer import Answer
from shared.triggers.webhook import Receiver

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

firewatch = App()
receiver = Receiver(firewatch)

# What people and programs ask by HTTP: a function for each operation (docs/api.md).
app.register_functions(api.blueprint(firewatch))
# What people answer from a message, by links (docs/answering.md).
app.register_functions(answers.blueprint(firewatch))


# The checkpoint advances even when a function throws, once its retries are over
# (platform.md 1). Only an unreachable store throws; the partition waits for it, and the
# hub keeps the events.
@app.function_name("ingest_alerts")
@app.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="%ALERTS_HUB%",
    connection="AlertsHub",
    consumer_group="%ALERTS_CONSUMER_GROUP%",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@app.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def ingest_alerts(events: List[func.EventHubEvent]) -> None:
    """Take a batch of one partition."""
    ingest = await firewatch.ingest()
    await ingest(hub.events(events, firewatch.clock()))


# Anonymous to the platform: the senders of the policy are asked instead, each by its
# own method (docs/webhooks.md).
@app.function_name("receive_alerts")
@app.route(
    route="alerts", methods=["POST", "OPTIONS"], auth_level=func.AuthLevel.ANONYMOUS
)
async def receive_alerts(req: func.HttpRequest) -> func.HttpResponse:
    """Take alerts of a sender, or tell it that they are welcome."""
    answer = await receiver(
        method=req.method,
        headers={name.lower(): value for name, value in req.headers.items()},
        query=req.params,
        body=req.get_body(),
    )
    return _response(answer)


@app.function_name("respond")
@app.queue_trigger(
    arg_name="msg", queue_name="respond", connection="AzureWebJobsStorage"
)
async def respond(msg: func.QueueMessage) -> None:
    """Look at the incidents a message names."""
    await (await firewatch.respond())(messages.decode(msg.get_body()))


@app.function_name("respond_poison")
@app.queue_trigger(
    arg_name="msg", queue_name="respond-poison", connection="AzureWebJobsStorage"
)
async def respond_poison(msg: func.QueueMessage) -> None:
    """Give up on a message, not on the incidents it names."""
    await queue.give_up(firewatch, msg.get_body())


@app.function_name("tick")
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
async def tick(timer: func.TimerRequest) -> None:  # noqa: ARG001  the binding's name
    """Have whatever is due looked at."""
    await (await firewatch.tick())()


# At a minute that is nobody's favourite: every app in the world asks at the full hour.
@app.function_name("reconcile_source")
@app.timer_trigger(arg_name="timer", schedule="0 17 * * * *", run_on_startup=False)
async def reconcile_source(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Ask Defender itself what its export left out."""
    await (await firewatch.reconcile_source())()


# Between two full minutes, when tick is over.
@app.function_name("sync_tickets")
@app.timer_trigger(arg_name="timer", schedule="30 */5 * * * *", run_on_startup=False)
async def sync_tickets(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Read what people did to the tickets of open incidents."""
    await (await firewatch.ticketing())()


# When a day is over, and before what ended long ago moves.
@app.function_name("export_audit")
@app.timer_trigger(arg_name="timer", schedule="0 13 1 * * *", run_on_startup=False)
async def export_audit(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Keep what was done on the days before where nobody changes it."""
    await (await firewatch.audit())()


# While most people sleep, and at a minute of its own.
@app.function_name("retire_incidents")
@app.timer_trigger(arg_name="timer", schedule="0 43 3 * * *", run_on_startup=False)
async def retire_incidents(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Move what ended long ago out of the way."""
    await (await firewatch.retention())()


# After what ended has moved out of the way, and before people come to work.
@app.function_name("audit_posture")
@app.timer_trigger(arg_name="timer", schedule="0 13 5 * * *", run_on_startup=False)
async def audit_posture(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Look at what there is of logs and detection."""
    await (await firewatch.audit_posture())()


@app.function_name("health")
@app.route(route="health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Say whether the app can do its work."""
    return _response(await health_trigger.report(firewatch))


def _response(answer: Answer) -> func.HttpResponse:
    body = "" if answer.content is None else json.dumps(answer.content)
    return func.HttpResponse(
        body,
        status_code=answer.status,
        headers={"cache-control": "no-store", **answer.headers},
        mimetype="application/json" if body else "text/plain",
    )
