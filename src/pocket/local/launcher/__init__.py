"""The process that runs MiniStack, in MiniStack's own environment.

Only the standard library, MiniStack and what MiniStack brings may be imported here. Nothing of the rest of Pocket is
reachable: `__main__` makes this package importable under its own name without putting its parent's folder, and with
it the project's packages, on `sys.path`.
"""
