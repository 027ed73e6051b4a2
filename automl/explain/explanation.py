"""Why a model answers a row as it does: Shapley values of the row's features, on the model that is shipped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from automl.errors import ConfigError, DataError, unknown_name
from automl.explain import additive, shapley
from automl.explain.mixed import RowPool, Subject, plain
from automl.explain.sample import sampled
from automl.options import number
from automl.runtime.columns import to_columns

if TYPE_CHECKING:
    import pandas as pd

Scale = Literal["answer", "margin"]
SCALES = ("answer", "margin")
# Of the rows that stand for "not this feature", so many are used; of the pairs of random orders, so many are tried.
BACKGROUND, PAIRS = 64, 64
# All coalitions are asked about where that takes no more answers for a row than this.
MOST_ANSWERS = 1 << 15
# A text is explained by up to so many of its words, one after the other; what follows is one feature.
WORDS = 60
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class RowExplanation:
    """One row's explanation: ``base + contributions.sum(axis=0)`` is ``answer``, each (width,).

    ``features``: p names. ``values``: what the row has there, where that is one value. ``contributions``: (p, width)
    Shapley values. ``errors``: (p, width) their standard errors, 0 where they are exact. ``base``: the mean answer
    to the background rows; of a text, the answer to an empty one.
    """

    features: tuple[str, ...]
    values: tuple[Any, ...]
    contributions: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    answer: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """Explanations of n rows, and how they were found.

    ``scale``: "answer": probabilities or values. "margin": log-odds of each of two classes; of more, scores before the
    softmax less their mean; of values, what the answer is the exponential of. ``method``: "trees" and
    "coalitions" are exact, "permutations" is sampled, with the errors said. ``classes``: the labels in the order
    of the last axis, none for values; ``quantiles``: likewise, of a model of them.
    """

    rows: tuple[RowExplanation, ...]
    scale: Scale
    method: Literal["trees", "coalitions", "permutations"]
    classes: tuple[Any, ...] = ()
    quantiles: tuple[float, ...] = ()

    @property
    def contributions(self) -> np.ndarray:
        """The Shapley values, (n, p, width). Raises ``DataError`` for texts, whose rows have words of their own."""
        if len({row.features for row in self.rows}) > 1:
            raise DataError(
                "These rows have features of their own, their words: look at each of `rows`, or at frame()."
            )
        return np.stack([row.contributions for row in self.rows])

    def frame(self) -> "pd.DataFrame":
        """Return a line per row, feature and class or quantile (if any), with its value, contribution and error."""
        import pandas as pd

        lines = [
            {
                "row": i,
                "feature": name,
                "value": row.values[j],
                **({"class": self.classes[k]} if self.classes else {}),
                **({"quantile": self.quantiles[k]} if self.quantiles else {}),
                "contribution": row.contributions[j, k],
                "error": row.errors[j, k],
            }
            for i, row in enumerate(self.rows)
            for j, name in enumerate(row.features)
            for k in range(row.contributions.shape[1])
        ]
        return pd.DataFrame(lines)


def explain(
    subject: Subject,
    x: Any,
    background: Any,
    *,
    lengths: Any = None,
    background_lengths: Any = None,
    scale: str = "answer",
    pairs: int = PAIRS,
    seed: int = 0,
    most_answers: int | None = None,
) -> Explanation:
    """Explain the answers to ``x``, raw rows as for predict, against the rows of ``background``.

    A feature is a column of a table, a patch of an image, a stretch of a sequence, a word of a text. Its Shapley
    value is the part of the answer that it adds, averaged over all orders in which features may become known; what
    is not known is taken from ``background`` (interventional values: Janzing et al., AISTATS 2020), of which up to
    ``BACKGROUND`` rows are used. Exact where the model is a sum of trees on this scale, or has few features; else from
    ``pairs`` random orders and their reverses. ``most_answers``: for which all coalitions of few features
    may be asked about, of each row; default: ``MOST_ANSWERS``. Raises ``DataError``, ``ConfigError``.
    """
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    number("parameter pairs", pairs, 2, whole=True)
    if subject.schema["kind"] == "text":
        return _explain_texts(subject, x, scale, int(pairs), seed)
    pool = subject.pool((x, lengths), (background, background_lengths))
    rows = np.arange(pool.sizes[0])
    if not pool.sizes[1]:
        raise DataError("The background must have one row or more.")
    others = sampled(np.arange(pool.sizes[0], sum(pool.sizes)), BACKGROUND, seed)
    found = _by_trees(subject, pool, rows, others, scale)
    if found is not None:
        return _put_together(subject, pool, rows, others, *found, scale, "trees")  # type: ignore[arg-type]
    if scale == "margin":
        raise ConfigError(
            "The scale 'margin' is for models whose answers are one link of a sum of trees; this one's are not. "
            "Leave scale out: the answers themselves are explained."
        )
    p, answers = len(pool.features), subject.answers(pool, plain(len(pool.features), np.concatenate([rows, others])))
    is_small = p < 32 and 2**p * len(others) <= (MOST_ANSWERS if most_answers is None else most_answers)
    values, errors = [], []
    for row in rows.tolist():

        def value(masks: np.ndarray, against: np.ndarray, row: int = row) -> np.ndarray:
            return subject.answers(pool, np.where(masks, row, others[against][:, None]))

        if is_small:
            values.append(shapley.by_all_coalitions(value, p, len(others)))
            errors.append(np.zeros_like(values[-1]))
        else:
            rounds = -(-int(pairs) // len(others)) * len(others)  # so that the values add up
            ends = answers[row], answers[len(rows) :]
            one, error = shapley.by_permutations(value, p, len(others), *ends, rounds, seed + row)
            values.append(one)
            errors.append(error)
    how: Any = "coalitions" if is_small else "permutations"
    return _put_together(subject, pool, rows, others, np.stack(values), np.stack(errors), answers, "answer", how)


def _by_trees(
    subject: Subject, pool: RowPool, rows: np.ndarray, others: np.ndarray, scale: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return values, errors (n, p, width) and scores of rows and background, where trees give them exactly."""
    import onnx

    if subject.schema["kind"] != "table":
        return None
    model = additive.read(onnx.load_from_string(subject.graph()))
    if model is None or (model.link != "none" and scale == "answer"):
        return None
    if model.n_nodes * len(others) > additive.MOST_WORK:
        return None
    values = additive.shapley_values(subject, model, pool, rows, others)
    if values is None:
        return None
    answers = subject.answers(pool, plain(len(pool.features), np.concatenate([rows, others])))
    if model.link != "none" and scale == "margin":
        values, answers = _margins(values, answers, model.link)
    # What does not add up to the shipped answers is no explanation of them.
    gap = values.sum(axis=1) - (answers[: len(rows)] - answers[len(rows) :].mean(axis=0))
    if np.abs(gap).max(initial=0) > 1e-4 * max(1.0, float(np.abs(answers).max())):
        return None
    return values, np.zeros_like(values), answers


def _margins(values: np.ndarray, answers: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray]:
    tiny = np.finfo(np.float32).tiny
    scores = np.log(np.maximum(answers, tiny))
    if link == "exp":
        return values, scores
    times = 2.0 if answers.shape[1] == 2 else 1.0  # of two classes, the difference to the mean is half the log-odds
    return (values - values.mean(axis=2, keepdims=True)) * times, (scores - scores.mean(axis=1, keepdims=True)) * times


def _put_together(
    subject: Subject,
    pool: RowPool,
    rows: np.ndarray,
    others: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray,
    answers: np.ndarray,
    scale: Scale,
    method: Literal["trees", "coalitions", "permutations"],
) -> Explanation:
    base = answers[len(rows) :].mean(axis=0)
    given = pool.mixed(plain(len(pool.features), rows))[0]
    p = len(pool.features)
    found = []
    for i in rows:
        shown = tuple(given[name][i] for name in pool.features) if isinstance(given, Mapping) else (None,) * p
        found.append(RowExplanation(pool.features, shown, values[i], errors[i], base, answers[i]))
    return Explanation(tuple(found), scale, method, tuple(subject.classes), tuple(subject.quantiles))


def _explain_texts(subject: Subject, x: Any, scale: str, pairs: int, seed: int) -> Explanation:
    """Explain texts by their words, against a text without them."""
    if scale != "answer":
        raise ConfigError("The scale of a text's explanation is 'answer'. Leave scale out.")
    columns = {name: np.asarray(values, object) for name, values in to_columns(subject.schema, x).items()}
    names = [column["name"] for column in subject.schema["columns"] if column["role"] != "dropped"]
    texts = [tuple(str(columns[name][i]) for name in names) for i in range(len(columns[names[0]]))]
    found = [_explain_text(subject, names, text, pairs, seed + i) for i, text in enumerate(texts)]
    exact = all(not row.errors.any() for row in found)
    how: Any = "coalitions" if exact else "permutations"
    return Explanation(tuple(found), "answer", how, tuple(subject.classes), tuple(subject.quantiles))


def _explain_text(
    subject: Subject, names: Sequence[str], text: tuple[str, ...], pairs: int, seed: int
) -> RowExplanation:
    words = [(column, word) for column, whole in enumerate(text) for word in _WORD.findall(whole)]
    player = np.minimum(np.arange(len(words)), WORDS - 1)
    n_players = int(player.max(initial=-1)) + 1

    def value(masks: np.ndarray, against: np.ndarray) -> np.ndarray:
        kept = [[word for word, own in zip(words, player, strict=True) if mask[own]] for mask in masks]
        texts = {
            name: np.array([" ".join(w for c, w in some if c == column) for some in kept], object)
            for column, name in enumerate(names)
        }
        return subject.answer(texts, None).astype(np.float64)

    answer = subject.answer({name: np.array([t], object) for name, t in zip(names, text, strict=True)}, None)[0]
    none = np.zeros(1, np.int64)
    base = value(np.zeros((1, n_players), bool), none)[0]
    whole = value(np.ones((1, n_players), bool), none)[0]
    if n_players == 0:
        values = errors = np.zeros((0, len(answer)))
    elif 2**n_players <= MOST_ANSWERS // 8:
        values = shapley.by_all_coalitions(value, n_players, 1)
        errors = np.zeros_like(values)
    else:
        values, errors = shapley.by_permutations(value, n_players, 1, whole, base[None], pairs, seed)
    shown = [" ".join(word for (_, word), own in zip(words, player, strict=True) if own == i) for i in range(n_players)]
    return RowExplanation(tuple(shown), (None,) * n_players, values, errors, base, whole)
