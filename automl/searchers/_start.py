"""What searchers share: candidates are numbered and not repeated; some can be put in front of any searcher."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from automl.space import Params, Space
from automl.types import Candidate, Searcher, Trial


class Numbered:
    """Numbers candidates from "0", also after a replay, and knows which were seen."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._next = 0

    def new(self, params: Params) -> Candidate | None:
        """Return ``params`` as a candidate, or None when they were seen before."""
        if key(params) in self._known:
            return None
        self._known.add(key(params))
        self._next += 1
        return Candidate(str(self._next - 1), params)

    def seen(self, trial: Trial) -> None:
        """Remember a trial, whoever asked for it."""
        self._known.add(key(trial.candidate.params))
        if trial.candidate.id.isdigit():
            self._next = max(self._next, int(trial.candidate.id) + 1)


class StartWith:
    """Proposes ``starts`` first, then what ``searcher`` asks; learns from all of them.

    Ids count up from "0" over both, and go on after the replayed trials of a resumed run. What was
    replayed is not proposed again.
    """

    def __init__(self, searcher: Searcher, starts: Sequence[Params], space: Space) -> None:
        self.searcher = searcher
        self.space = space
        self._starts = deque(starts)
        self._numbers = Numbered()
        self._inner_ids: dict[str, str] = {}

    def ask(self) -> Candidate | None:
        """Return the next start that was not seen yet, else the searcher's next candidate."""
        while self._starts:
            candidate = self._numbers.new(self._starts.popleft())
            if candidate is not None:
                return candidate
        while (inner := self.searcher.ask()) is not None:
            candidate = self._numbers.new(inner.params)
            if candidate is not None:
                self._inner_ids[candidate.id] = inner.id
                return candidate
            # One of the starts again: say that it was seen, and ask for another.
            self.searcher.tell(Trial(inner, "failed", failure="proposed before"))
        return None

    def tell(self, trial: Trial) -> None:
        """Pass an ended trial on under the id that the searcher gave it, if it did."""
        own = trial.candidate
        self._numbers.seen(trial)
        inner = self._inner_ids.pop(own.id, f"told-{own.id}")
        self.searcher.tell(replace(trial, candidate=Candidate(inner, own.params)))


def key(params: Params) -> str:
    """Return what tells two candidates apart."""
    return json.dumps(params, sort_keys=True)
