"""Translates a pocket.toml of magic-pocket, in its form of early 2026 or any since, to one of Pocket.

`reading` notes what of the file was taken, `translation` and `container` translate one stage, `advice` has what to do
about the rest, and `former` the places of the stage's existing secrets. Nothing here calls AWS.
"""
