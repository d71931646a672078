"""What several responders know of one remote side."""
