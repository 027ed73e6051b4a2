"""The section on what a network goes by in single rows: pixels, steps, columns or words, by integrated gradients."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl import alarm
from automl.assemble import is_network
from automl.clock import LOADING_SECONDS
from automl.explain.gradients import STEPS, Attribution, integrated_gradients
from automl.explain.sample import sampled
from automl.explain.sources import called, sources
from automl.explain.told import Told
from automl.export.member import Member, members_of
from automl.report import bars, cells, quality
from automl.report.about_reasons import MOST_BYTES, telling
from automl.report.document import Chart, Section, Table, Text
from automl.report.share import Share
from automl.report.subject import Finished
from automl.task import Rows, Schema, present
from automl.training.torch_model import TorchModel

# Rows whose mean says nothing in particular, those that some are shown of, the numbers along a side of a picture, bars.
MEAN_ROWS, LOOKED_AT, SIDE, SHOWN = 100, 256, 48, 12
# Of all that is added and taken away, what the steps on the way may leave out.
MISSED = 0.05
_FROM = {"image": "the mean image", "sequence": "the mean of each channel", "text": "a text that says nothing"}


def has_network(run: Finished) -> bool:
    """Return whether what counts most in what is shipped is a network."""
    heaviest = run.trial(_heaviest(run)) if run.weights else None
    return heaviest is not None and is_network(heaviest.candidate.family, run.task)


def looks(run: Finished, share: Share) -> Section | None:
    """Return what the heaviest network of what is shipped goes by in a few rows; None where there is none.

    Raises ``OutOfTime`` where there is no time to load PyTorch.
    """
    task = run.task
    if "torch" not in sys.modules and share.left < LOADING_SECONDS:
        raise alarm.OutOfTime
    if not has_network(run) or run.kept.n_bytes(_heaviest(run)) > MOST_BYTES:
        return None
    with alarm.whole():
        member = members_of(task, run.kept, {_heaviest(run): 1.0}, n_folds=1)[0]
    network = member.model.model
    if not isinstance(network, TorchModel):
        return None
    section, left_out = Section("What a network looks at"), 0
    some = sampled(np.arange(len(member.index)), LOOKED_AT, task.seed)
    index, answers = member.index[some], member.prediction[some]
    drawn = _Drawn.of(run, member, index)
    for n, at in enumerate(telling(run, task.data.y[index], answers).tolist()):
        if n and not share():
            break
        k = int(answers[at].argmax()) if run.names else run.middle
        (found,) = integrated_gradients(network, drawn.rows.take(np.array([at])), drawn.others, np.array([k]))
        strength = sum(float(np.abs(part).sum()) for part in found.parts.values()) + abs(found.change)
        if abs(found.total - found.change) > MISSED * strength:
            left_out += 1
            continue
        section.add(drawn.chart(at, found, _caption(run, int(index[at]), k, found)))
    if left_out:
        section.add(Text(f"Of {left_out} rows they do not add up in {STEPS} steps, and are left out."))
    section.add(
        Text(
            f"Integrated gradients of one fitted network, {member.family} #{_heaviest(run)}, in {STEPS} steps from "
            f"{_FROM.get(task.kind, 'the mean row')}: what each part of a row adds to the score of what that network "
            "says. They are about one network before compression, not about all that is shipped, and about rows of the "
            "fold that it did not learn from.",
            soft=True,
        )
    )
    return section


def _heaviest(run: Finished) -> str:
    return max(run.weights, key=lambda id: run.weights[id])


def _caption(run: Finished, row: int, k: int, found: Attribution) -> str:
    """Return what is drawn of a row of the task whose output ``k`` is explained."""
    y = run.task.data.y[row]
    true, what = (run.names[y], f"'{run.names[k]}'") if run.names else (f"{y:.5g}", "more")
    return (
        f"Row {row + 1:,} (true: {true}): blue speaks for {what}, red against; they add up to {found.total:.3g}, and "
        f"the score differs by {found.change:.3g} from that of {_FROM.get(run.task.kind, 'the mean row')}."
    )


@dataclass(frozen=True)
class _Drawn:
    """How rows are drawn. ``raw``: as they are in the task, ``rows``: as the network sees them, ``others``: random ones
    to compare them with. ``followed``: of tables, what each column of them follows.
    """

    schema: Schema
    raw: Rows
    rows: Rows
    others: Rows
    followed: dict[str, list[tuple[str, ...]]]

    @classmethod
    def of(cls, run: Finished, member: Member, index: np.ndarray) -> "_Drawn":
        task, transform = run.task, member.model.transform
        raw = task.data.x.take(index)
        some = task.data.x.take(task.sample_index[run.background(MEAN_ROWS)])
        followed = sources(task.schema, some, transform) if task.kind == "table" else {}
        return cls(task.schema, raw, transform(raw), transform(some), followed)

    def chart(self, at: int, found: Attribution, caption: str) -> Chart:
        """Return what the parts of a row add to a score, as a picture or as bars."""
        if "image" in found.parts:
            pixels = quality.grey(present(self.rows.image)[at], SIDE)
            return Chart(cells.picture(pixels, quality.coarse(found.parts["image"].sum(axis=-1), SIDE)), caption)
        if "sequence" in found.parts:
            return self._by_step_and_channel(at, found.parts["sequence"], caption)
        named = self._by_word(at, found) if "subwords" in found.parts else self._by_column(at, found)
        largest = sorted(range(len(named)), key=lambda i: -abs(named[i][2]))[:SHOWN]
        of = [named[i] for i in (sorted(largest) if "subwords" in found.parts else largest)]
        names, told, values = [name for name, _, _ in of], [cell for _, cell, _ in of], [value for _, _, value in of]
        whole = [f"{name} = {cell}" if cell else name for name, cell in zip(names, told, strict=True)]
        return Chart(bars.bars(names, values, cells=told), caption, _numbers("part", whole, values))

    def _by_step_and_channel(self, at: int, added: np.ndarray, caption: str) -> Chart:
        """Return a picture of a sequence, its channels downwards, each from its least value to its greatest."""
        n = len(added) if self.rows.lengths is None else max(1, int(self.rows.lengths[at]))
        values, added = present(self.rows.sequence)[at, :n].T.astype(float), added[:n].T
        low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
        shown = quality.grey((values - low) / np.where(high > low, high - low, 1.0), SIDE)
        names = [f"channel {c + 1}" for c in range(len(added))]
        order = np.argsort(-np.abs(added.sum(axis=1)), kind="stable")[:SHOWN]
        numbers = _numbers("channel", [names[c] for c in order], added.sum(axis=1)[order].tolist())
        picture = cells.picture(shown, quality.coarse(added, SIDE))
        return Chart(picture, f"{caption} Steps from left to right, channels downwards.", numbers)

    def _by_column(self, at: int, found: Attribution) -> list[tuple[str, str, float]]:
        """Return what columns add: each with its value, or several that the steps before have made one of."""
        told, sums = Told.of(self.schema, self.raw), defaultdict[tuple[str, str], float](float)
        values = dict(zip(told.names, told.lines([at])[0], strict=True)) if told else {}
        for field, part in found.parts.items():
            for features, added in zip(self.followed[field], part.tolist(), strict=True):
                name = called(features) or "what is the same in all rows"
                sums[name, values.get(name, "") if len(features) == 1 else ""] += added
        return [(name, value, added) for (name, value), added in sums.items()]

    def _by_word(self, at: int, found: Attribution) -> list[tuple[str, str, float]]:
        """Return what words add, in their order: the subwords from a space to the next one."""
        added = found.parts["subwords"].tolist()
        ids = present(self.rows.subwords)[[at]].toarray()[0, : len(added)].tolist()
        spelt = ["", "�", *(subword for column in self.schema.columns for subword in column.subwords)]
        return [(word, "", value) for word, value in _words([spelt[id] for id in ids], added)]


def _words(subwords: Sequence[str], added: Sequence[float]) -> list[tuple[str, float]]:
    words: list[tuple[str, float]] = []
    for subword, value in zip(subwords, added, strict=True):
        if words and not subword.startswith(" "):
            word, sum_ = words.pop()
            words.append((word + subword, sum_ + value))
        else:
            words.append((subword.strip(), value))
    return words


def _numbers(what: str, names: Sequence[str], values: Sequence[float]) -> Table:
    return Table((what, "adds"), [[name, f"{value:+.4g}"] for name, value in zip(names, values, strict=True)])
