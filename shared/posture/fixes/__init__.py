"""What mends a finding, written out: Bicep, and lines of a shell."""
