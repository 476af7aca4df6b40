"""The start-up diagnosis: a start in a fresh process, driven through the registry's phases, measured and judged."""
