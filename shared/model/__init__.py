"""The values everything else speaks in: frozen, typed, no I/O."""
