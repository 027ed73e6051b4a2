"""Lines of JSON as records, and these as a table."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from automl.data import source
from automl.data.source import Source
from automl.errors import DataError


def of_records(path: Path, lines: Sequence[tuple[int, str]]) -> Source:
    """Return the table of some lines of JSON, each with its number."""
    records = list(objects(path, lines))
    names = dict.fromkeys(name for record in records for name in record)
    if not names:
        raise DataError(f"'{path}' has no rows.")
    return source.from_x({name: [record.get(name) for record in records] for name in names})


def objects(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    """Yield what each line of JSON holds. Raises ``DataError`` for one that is no object."""
    for number, line in lines:
        where = f"'{path}', line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: this is not JSON ({error.msg}). Every line must be one object.") from None
        except RecursionError:
            raise DataError(
                f"{where}: its brackets are nested too deeply. Every line must be one object with plain values."
            ) from None
        except ValueError:  # Python reads whole numbers of up to 4,300 digits
            raise DataError(
                f"{where}: a whole number in it has too many digits. Write it as text, in quotes."
            ) from None
        if not isinstance(record, dict):
            raise DataError(f"{where}: every line must be a JSON object with the columns as keys.")
        yield record
