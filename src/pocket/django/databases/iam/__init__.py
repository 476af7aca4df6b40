"""The ENGINE `pocket.django.databases.iam`: PostgreSQL on RDS with IAM instead of a password."""
