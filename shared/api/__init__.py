"""The HTTP API for people and programs: operations on incidents, alerts and silences.

Its triggers are made of the table in ``routes``, and the OpenAPI document of the one in
``operations``. Nothing here knows Azure Functions.
"""
