"""Code that runs inside Lambda beside Django. It imports the standard library only, to keep cold starts short."""
