"""`firewatch retention`: how long tables of Log Analytics keep their rows."""
