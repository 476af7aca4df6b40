"""The project's models in a process: read as plain data, on threads with connections, watched while they change."""
