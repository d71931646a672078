"""
The Event Hub stand-in: AMQP 1.0 on loopback, for the unpatched azure-eventhub SDK.

`python -m devhost.eventhub` runs it; `devhost.eventhub.server.serve` starts it inside
a process. It keeps events in memory and has no TLS, no WebSocket and no token check.
"""
