"""Lambda's HTTP events and responses: one module for each format, standard library only, no I/O."""
