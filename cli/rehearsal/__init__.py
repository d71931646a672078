"""`firewatch rehearse`: what a policy would have done about alerts that came."""
