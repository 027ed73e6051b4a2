"""Columns of durations: whether a column is one, and how its clocks are read."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from automl.data.strays import STRAY_SHARE, parses, sampled
from automl.runtime.durations import DURATION, MINUTES_FIRST, duration, has_two_parts
from automl.runtime.missing import is_missing, says_nothing
from automl.runtime.printable import shown


def are_spans(values: np.ndarray) -> bool:
    """Whether values are durations by their type: of NumPy, pandas or Python."""
    if values.dtype != object:
        return values.dtype.kind == "m"
    present = [value for value in values.tolist() if not is_missing(value)]
    return bool(present) and all(isinstance(value, (timedelta, np.timedelta64)) for value in present)


def are_durations(counts: Mapping[str, int]) -> bool:
    """Whether nearly all texts are durations such as 26:03:04, 1 days 02:00:00 or PT1H30M."""
    distinct = [text for text in counts if text and not says_nothing(text)]
    sample = sampled(distinct)
    failures = sum(not parses(text, duration) for text in sample)
    return bool(sample) and failures <= len(sample) * STRAY_SHARE


def form_of_durations(counts: Mapping[str, int]) -> str:
    """Return how texts are written that are durations: beside 1:02:30 or 4:13.5, 4:13 is in minutes and seconds."""
    clocks = [text.count(":") for text in counts if ":" in text]
    has_fraction = any("." in text and has_two_parts(text) for text in counts)
    return MINUTES_FIRST if has_fraction or {1, 2} <= set(clocks) else DURATION


def note_on_durations(name: str, counts: Mapping[str, int]) -> str:
    """Say how durations are read, with the longest text as the example, and one of two parts beside it."""
    form, texts = form_of_durations(counts), [text for text in counts if not says_nothing(text)]
    examples = [max(texts, key=len)]
    examples += [text for text in texts if form == MINUTES_FIRST and has_two_parts(text)][:1]
    read = ", ".join(f"'{shown(text)}' is {duration(text, form):.15g} seconds" for text in examples)
    return f"Column '{shown(name)}' is read as durations: {read}."
