"""The outside world on loopback: every remote side that a policy can be pointed at.

`python -m devhost.outside` serves it; tests start it in their own process. Each side
checks requests as the real one would and keeps what it took; `/control` shows that and
makes the sides fail on request.
"""

from devhost.outside.faults import Fault
from devhost.outside.server import Outside

__all__ = ["Fault", "Outside"]
