"""Azure's own side of things: resources, accounts and machines that can be changed.

Everything is as remote-apis-azure.md says; where that is not verified, the code says so.
"""
