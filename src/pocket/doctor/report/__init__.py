"""What a start cost and which troubles it committed: the report, its history, and the forms it is shown in."""
