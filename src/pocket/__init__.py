"""Django on AWS Lambda from one file; docs/contributing/architecture.md describes its parts."""
