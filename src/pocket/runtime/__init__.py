"""What runs inside Lambda beside Django: the standard library only, so that a cold start pays for nothing else."""
