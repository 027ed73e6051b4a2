"""Puts some candidates in front of any searcher, and numbers all candidates of a run."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from automl.space import Params, Space
from automl.types import Candidate, Searcher, Trial


class StartWith:
    """Proposes ``starts`` first, then what ``searcher`` asks; learns from all of them.

    Ids count up from "0" over both, and go on after the replayed trials of a resumed run. What was
    replayed is not proposed again.
    """

    def __init__(self, searcher: Searcher, starts: Sequence[Params], space: Space) -> None:
        self.searcher = searcher
        self.space = space
        self._starts = deque(starts)
        self._known: set[str] = set()
        self._inner_ids: dict[str, str] = {}
        self._next = 0

    def ask(self) -> Candidate | None:
        """Return the next start that is not known yet, else the searcher's next candidate."""
        while self._starts:
            params = self._starts.popleft()
            if key(params) not in self._known:
                return self._numbered(params, None)
        candidate = self.searcher.ask()
        return None if candidate is None else self._numbered(candidate.params, candidate.id)

    def tell(self, trial: Trial) -> None:
        """Pass an ended trial on under the id that the searcher gave it, if it did."""
        own = trial.candidate
        self._known.add(key(own.params))
        if own.id.isdigit():
            self._next = max(self._next, int(own.id) + 1)
        inner = self._inner_ids.pop(own.id, f"told-{own.id}")
        self.searcher.tell(replace(trial, candidate=Candidate(inner, own.params), outcome=None))

    def _numbered(self, params: Params, inner: str | None) -> Candidate:
        self._known.add(key(params))
        candidate = Candidate(str(self._next), params)
        self._next += 1
        if inner is not None:
            self._inner_ids[candidate.id] = inner
        return candidate


def key(params: Params) -> str:
    """Return what tells two candidates apart."""
    return json.dumps(params, sort_keys=True)
