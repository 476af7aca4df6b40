"""Reads a Django project that has no pocket.toml, and writes what it needs to run on Lambda.

`survey` finds the facts in the project's source, without running it; `configuration` and `settings` make the
new text of a file from these facts, and `changes` collects them. Only `changes.write` writes.
"""
