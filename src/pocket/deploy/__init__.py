"""Builds, plans and applies releases; the only room that speaks to AWS with boto3."""
