"""The record of jobs: put `pocket.jobs` into INSTALLED_APPS, and migrate.

A job is a task or a management command from a queue. Each has a row, which also sees to it that a job that is done is
not run again when SQS delivers its message twice.
"""
