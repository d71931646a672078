"""Why: which incident an alert is on, who was told of it, and what would be otherwise.

Everything is worked out from the rows and the policy as they are; nothing is recorded
for it but ``AlertRow.joined``.
"""
