"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A deadline in milliseconds says how busy the machine is, not what the code does.
settings.register_profile("firewatch", deadline=None)
settings.load_profile("firewatch")
