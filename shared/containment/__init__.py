"""What is done to contain an incident: planned, judged, one step at a time, by people too."""
