"""AWS as the deploy sees it: clients for a target, and botocore's errors turned into Pocket's."""
