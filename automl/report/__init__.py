"""The report of a run: one HTML file that needs nothing but itself, and the same as Markdown."""
