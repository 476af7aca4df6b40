"""The report of a start, its costs and issues: its model, its history, and its output as text and as a page."""
