"""Optuna's grouped TPE, where a group is only sampled when one of its parameters is asked for.

Optuna has no public way to its groups: the private ones were read in Optuna 5.0.
"""

from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class LazyTPESampler(TPESampler):
    """``TPESampler(group=True)`` for spaces of many branches, of which a trial enters few.

    The groups are modelled apart anyway. Optuna samples each of them for every trial, also those of
    the families that were not chosen: with ten families that is nearly all of its time. Trials in
    work count with the parameters they have (all of them, once they are asked).
    """

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return parameters that are sampled group by group, on the first look at one."""
        assert self._search_space_group is not None
        groups = []
        for group in self._search_space_group.search_spaces:
            groups.append({name: group[name] for name in sorted(group) if name in search_space})
        return _Lazy(groups, lambda group: self._sample_relative(study, trial, group))


class _Lazy(dict):
    """Fills in a group of keys when one of them is looked for."""

    def __init__(self, groups: list[dict[str, BaseDistribution]], sample: Any) -> None:
        super().__init__()
        self._group_of = {name: group for group in groups for name in group}
        self._sample = sample

    def __contains__(self, name: object) -> bool:
        group = self._group_of.get(name)  # type: ignore[call-overload]
        if group is not None:
            self.update(self._sample(group))
            for member in group:
                del self._group_of[member]
        return super().__contains__(name)
