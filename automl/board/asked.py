"""What a person asks a leaderboard for: filter, order, columns, page. All of it is in the address, to be shared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from automl.board.index import STATUSES

COLUMNS = ("tier", "score", "folds", "seconds", "status", "weight", "bytes", "row_ms")
SORTS = ("rank", "id", "family", "score", "seconds", "status", "ended_at")
PAGE = 50
# A value of a trial, by its name.
VALUE = "value:"


@dataclass(frozen=True)
class Asked:
    """``sort``: one of ``SORTS``, or ``VALUE`` and a name. ``hidden``: the columns that are not shown, or values."""

    sort: str = "rank"
    descending: bool = False
    families: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    find: str = ""
    hidden: tuple[str, ...] = ()
    page: int = 1

    @classmethod
    def read(cls, query: Iterable[tuple[str, str]]) -> "Asked":
        """Return what the pairs of a query string say; what makes no sense in it is left out."""
        given: dict[str, list[str]] = {}
        for name, value in query:
            given.setdefault(name, []).append(value)
        sort = given.get("sort", ["rank"])[-1]
        known = sort in SORTS or sort.startswith(VALUE)
        return cls(
            sort=sort if known else "rank",
            descending=given.get("order", [""])[-1] == "down",
            families=tuple(given.get("family", ())),
            statuses=tuple(status for status in given.get("status", ()) if status in STATUSES),
            find=given.get("find", [""])[-1].strip(),
            hidden=_hidden(given),
            page=_page(given.get("page", ["1"])[-1]),
        )

    def query(self, **changes: Any) -> str:
        """Return this choice, with changes, as a query string; a change of anything but the page begins at page 1."""
        new = replace(self, **{"page": 1, **changes})
        pairs: list[tuple[str, str]] = []
        if new.sort != "rank" or new.descending:
            pairs += [("sort", new.sort), ("order", "down" if new.descending else "up")]
        pairs += [("family", family) for family in new.families]
        pairs += [("status", status) for status in new.statuses]
        pairs += [("find", new.find)] if new.find else []
        pairs += [("hide", name) for name in new.hidden]
        pairs += [("page", str(new.page))] if new.page > 1 else []
        return "?" + urlencode(pairs)

    def sorted_by(self, sort: str) -> str:
        """Return the query string that sorts by ``sort``; by what it is sorted by already, the other way round."""
        other_way = sort == self.sort and not self.descending
        return self.query(sort=sort, descending=other_way)

    @property
    def filters(self) -> tuple[Any, ...]:
        """What decides which trials are shown, and in which order."""
        return self.sort, self.descending, self.families, self.statuses, self.find

    def shows(self, column: str) -> bool:
        """Return whether a column is shown."""
        return column not in self.hidden


def _hidden(given: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the columns to hide: those that are named, and what a form offers beside what it shows."""
    hidden = [name for name in given.get("hide", ()) if name in COLUMNS or name.startswith(VALUE)]
    if "show" in given:
        offered = given.get("offer") or COLUMNS
        hidden += [name for name in offered if name not in given["show"]]
    return tuple(dict.fromkeys(hidden))


def _page(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 8 else 1


def pages(current: int, last: int) -> list[int | None]:
    """Return the pages to offer, None where some are left out."""
    near: Mapping[int, None] = dict.fromkeys(
        page for page in (1, current - 1, current, current + 1, last) if 1 <= page <= last
    )
    found: list[int | None] = []
    for page in sorted(near):
        if found and page - (found[-1] or 0) > 1:
            found.append(None)
        found.append(page)
    return found
