"""The other folder."""
