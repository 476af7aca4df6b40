"""The namespace's second folder."""
