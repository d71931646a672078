"""`firewatch posture`: what is not as it should be with logs and detection."""
