"""Pictures of a search as plain Plotly figures: functions from values to ``{"data": [...], "layout": {...}}``.

Nothing here reads a database, a model or a file, and Plotly itself is not imported: the page, notebooks and
one-file exports draw the same figures. Whatever data holds is text in them, never markup.
"""
