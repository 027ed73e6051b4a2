"""Contests of the usual form: a table to learn from, one to answer, and a sample of what is to be handed in."""
