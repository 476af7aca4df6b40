"""Django on AWS Lambda from one file; see the rooms of this package for what each part knows."""
