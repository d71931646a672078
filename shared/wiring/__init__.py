"""The parts of the app, each built at its first use; ``shared.bootstrap`` has the verbs."""
