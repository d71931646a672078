"""The HTTP API for people and programs: operations on incidents, alerts and silences.

What it may do is the table in ``operations``; the triggers and the OpenAPI document are
made of that table. Nothing here knows Azure Functions.
"""
