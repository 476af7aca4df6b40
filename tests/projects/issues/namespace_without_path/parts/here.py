"""One folder of the namespace."""
