"""Who is on call at an instant: schedules of the policy, and feeds of other programs."""
