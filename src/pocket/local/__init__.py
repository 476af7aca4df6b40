"""Starts, finds and stops the local AWS: MiniStack in an environment and a process of its own."""

from pocket.local.aws import LocalAWS, attach, clean, start

__all__ = ["LocalAWS", "attach", "clean", "start"]
