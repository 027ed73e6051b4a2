"""The page: ``automl board``. Reads leaderboards, changes nothing in them; needs the extra ``board``."""
