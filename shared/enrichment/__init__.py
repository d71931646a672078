"""What logs say about an incident: the pack of queries, and asking them."""
