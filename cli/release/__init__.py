"""From the tree to a running app: the package, putting it there, and trying it."""
