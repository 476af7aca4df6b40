"""The PostgreSQL server of a rehearsal: its programs, its cluster, and its process."""
