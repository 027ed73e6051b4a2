"""What a model offers to be understood by: ``explain``, ``importance`` and ``dependence``, for every face of one."""

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import DataError
from automl.explain.explanation import PAIRS, Explanation, explain
from automl.explain.importance import POINTS, of_rows, partial_dependence
from automl.explain.mixed import Subject
from automl.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

NO_ROWS = (
    "and this model folder holds none. Load it from the folder of its run (runs/NAME/model), where the rows of the run "
    "are found, or give rows:"
)


class Explained:
    """Adds the explanations to a model that says what it is (``_subject``)."""

    def explain(
        self,
        x: Any,
        background: Any = None,
        *,
        lengths: Any = None,
        background_lengths: Any = None,
        scale: str = "answer",
        pairs: int = PAIRS,
        seed: int = 0,
    ) -> Explanation:
        """Return the Shapley values of the features of each row of ``x``; see ``automl.explain.explanation.explain``.

        ``background``: rows to compare with, such as some of the training data; default: those that the model or its
        run has kept, or ``x`` itself where there are none and ``x`` has two rows or more. Raises ``DataError``,
        ``ConfigError``.
        """
        subject, x = self._subject(), self._given(x)
        if background is None and subject.schema["kind"] != "text":
            background, background_lengths = self._kept_rows() or (x, lengths)
            if background is x and sum(subject.pool((x, lengths)).sizes) < 2:
                raise DataError(f"A row is explained against others, {NO_ROWS} explain(x, background=rows).")
        elif background is not None:
            background = self._given(background)
        return explain(
            subject,
            x,
            background,
            lengths=lengths,
            background_lengths=background_lengths,
            scale=scale,
            pairs=pairs,
            seed=seed,
        )

    def importance(
        self, x: Any, y: Any, *, lengths: Any = None, metric: Any = None, repeats: int = 5, seed: int = 0
    ) -> "pd.DataFrame":
        """Return the permutation importance of each feature on rows ``x`` with target ``y``, greatest first.

        Columns: feature; importance, by how much the score, greater is better, falls when the rows of the feature are
        in random order; spread, the standard deviation over ``repeats`` orders. ``metric``: by name, default: the
        model's own. Use rows that the model was not trained on. Raises ``DataError``, ``ConfigError``.
        """
        subject = self._subject()
        pool = subject.pool((self._given(x), lengths))
        judged = self._metric(metric)
        return of_rows(subject, pool, self._codes(y), judged, repeats, seed).frame()

    def dependence(self, column: str, x: Any = None, *, points: int = POINTS) -> "pd.DataFrame":
        """Return the mean answer to the rows of ``x`` where all have one value of ``column``: its partial dependence.

        Columns: up to ``points`` of the column's values, then one for each class or quantile, or "prediction".
        ``x``: default: the rows that the model has kept. Raises ``UnknownNameError``, ``DataError``.
        """
        import pandas as pd

        subject = self._subject()
        rows = self._kept_rows() if x is None else (self._given(x), None)
        if rows is None:
            raise DataError(f"Partial dependence is a mean over rows, {NO_ROWS} dependence(column, x).")
        found = partial_dependence(subject, subject.pool(rows), column, points)
        names = [str(c) for c in subject.classes] or [f"q{q:g}" for q in subject.quantiles] or ["prediction"]
        answers = {name: found.answers[:, k] for k, name in enumerate(names)}
        return pd.concat([pd.Series(found.values, name=column), pd.DataFrame(answers)], axis=1)

    def _codes(self, y: Any) -> np.ndarray:
        """Return the target as it is scored: (n,) codes of classes or float values."""
        from automl.data.classes import class_codes
        from automl.runtime.arrays import as_array
        from automl.runtime.numbers import numbers

        values, classes = as_array(np.ravel(y)), self._subject().classes
        if not classes:
            found, bad = numbers(values)
            if bad >= 0:
                raise DataError(f"The target must be a number in each row; row {bad + 1} has '{values[bad]}'.")
            return found
        codes = class_codes(classes, values)
        if (codes < 0).any():
            unknown = values[codes < 0][0]
            raise DataError(f"The target must be one of the classes of the model; got '{unknown}'.")
        return codes

    def _subject(self) -> Subject:
        """Return the model as what is explained."""
        raise NotImplementedError

    def _given(self, x: Any) -> Any:
        """Return rows as the model takes them."""
        return x

    def _kept_rows(self) -> tuple[Any, Any] | None:
        """Return (x, lengths) of rows to compare with, where the model has kept some."""
        return None

    def _metric(self, name: Any) -> Metric:
        """Return a metric by name; None: the model's own."""
        raise NotImplementedError
