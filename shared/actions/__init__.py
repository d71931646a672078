"""From an incident to what is done about it: route, reconcile, schedule, record."""
