"""The thin clients of what is not ours: everything that leaves over the network."""
