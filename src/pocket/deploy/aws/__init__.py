"""AWS: clients for a target, with botocore's errors translated into Pocket's, and invocations."""
