"""The numbers that a date becomes."""

import numpy as np

DATE_PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second", "days")


def date_parts(when: np.ndarray, center: float) -> np.ndarray:
    """Return (n, len(DATE_PARTS)) float32; weekday 0 is Monday, ``days`` counts from ``center`` days after 1970."""
    year, month, day = (when.astype(f"datetime64[{unit}]") for unit in "YMD")
    seconds = (when - day).astype("timedelta64[s]").astype(np.int64)
    parts = [
        year.astype(np.int64) + 1970,
        month.astype(np.int64) % 12 + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        (day.astype(np.int64) + 3) % 7,
        (day - year.astype("datetime64[D]")).astype(np.int64) + 1,
        seconds // 3_600,
        seconds // 60 % 60,
        seconds % 60,
        when.astype(np.int64) / 86_400e6 - center,
    ]
    result = np.column_stack(parts).astype(np.float32)
    result[np.isnat(when)] = np.nan
    return result
