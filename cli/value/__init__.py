"""`firewatch value`: what logs, queries and rules cost, and what they were good for."""
