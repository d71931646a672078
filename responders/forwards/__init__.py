"""What forwarders share: the records of a dossier, their syntaxes, and sending many at once."""
