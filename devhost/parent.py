"""A child that must not outlive the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

# <linux/prctl.h>: the signal this process gets when its parent dies.
PR_SET_PDEATHSIG = 1

# By which a starter tells a child its own process id: it may die before the child asks.
STARTED_BY = "DEVHOST_STARTED_BY"


def exit_with_parent(*, poll_s: float = 1.0) -> None:
    """
    Have this process get SIGTERM when its parent dies, so that it stops in order.

    On Linux the kernel sends it, when the parent's THREAD that started us ends: start
    children from a thread that lives as long as they shall. Elsewhere a thread of ours
    looks every `poll_s` seconds. A parent that died before the call is noticed where it
    named itself in `STARTED_BY`.
    """
    parent = int(os.environ.get(STARTED_BY, os.getppid()))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) == 0:
            # It may have died just before prctl: then nobody sends the signal.
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
            return
    threading.Thread(target=_watch, args=(parent, poll_s), daemon=True).start()


def _watch(parent: int, poll_s: float) -> None:
    while os.getppid() == parent:
        time.sleep(poll_s)
    os.kill(os.getpid(), signal.SIGTERM)
