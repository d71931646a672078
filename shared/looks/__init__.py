"""A look at an incident: what it is, what there is to do, doing it, what came of it."""
