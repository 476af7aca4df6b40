"""Pocket's system checks of a project's settings and source: a module for each subject."""
