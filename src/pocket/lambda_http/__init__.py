"""Lambda's HTTP events and the answers to them: one module a wire format, standard library only, no I/O."""
