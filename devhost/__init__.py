"""
The product on one machine: the function app, and what Azure would put around it.

`python -m devhost` serves `function_app.py` from its real sources with the platform's
semantics; `devhost.storage` runs Azurite; `devhost.eventhub` stands in for a hub.
"""
