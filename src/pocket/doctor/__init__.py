"""The start-up diagnosis: measures a start in a new process, phase by phase, and finds its issues."""
