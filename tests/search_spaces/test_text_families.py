"""Networks over subwords: every option exports, padding changes no prediction, and memory follows the text."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from automl.assemble import task_space
from automl.data import from_arrays
from automl.explain.task_rows import TaskRows
from automl.export.member import Member
from automl.export.package import check
from automl.search_spaces.text import subword_bag, subword_conv, subword_transformer
from automl.space import Choice, Defaults, Params, draw
from automl.task import Schema, Task
from automl.testing import make_task
from automl.training.feed import Feed, place
from tests.search_spaces.networks import fitted

FAMILIES = [subword_bag, subword_conv, subword_transformer]
SMALL = {"size": 8, "batch_size": 16}


def name_of(family: ModuleType) -> str:
    return family.__name__.rpartition(".")[2]


def params(family: ModuleType, task: Task, **changes: object) -> Params:
    return draw(task_space(task)["family"].options[name_of(family)], Defaults({**SMALL, **changes}))


def module_of(family: ModuleType, task: Task) -> torch.nn.Module:
    network = family.build(params(family, task), task.problem)
    return network.make_module(task.data.x, task.target.width)


EVERY_OPTION = [
    pytest.param(family, name, option, id=f"{name_of(family)}-{name}-{option}")
    for family in FAMILIES
    for name, domain in family.OPTION.space.items()
    if isinstance(domain, Choice)
    for option in domain.options
]


@pytest.mark.parametrize(("family", "name", "option"), EVERY_OPTION)
def test_every_option_exports(family: ModuleType, name: str, option: object) -> None:
    task = make_task("text", "binary")
    model = fitted(family, params(family, task, **{name: option}), task, rows=slice(0, 40))
    valid = task.splits[0][1]
    check(task, [Member("0", name_of(family), 0, 1.0, model, valid, model.predict(task.data.x.take(valid)))])


@pytest.mark.parametrize("family", FAMILIES, ids=name_of)
def test_padding_changes_no_prediction(family: ModuleType) -> None:
    task = make_task("text", "multiclass")
    torch.manual_seed(0)
    module = module_of(family, task).eval().to(place())
    (ids,) = Feed(module, task.data.x)[torch.arange(9)]
    wider = torch.nn.functional.pad(ids, (0, 20))
    torch.testing.assert_close(module(ids), module(wider), atol=1e-5, rtol=1e-5)
    assert module(torch.zeros(2, 1, dtype=torch.int64, device=place())).isfinite().all(), "a text may be empty"


def two_columns() -> Task:
    rng = np.random.default_rng(0)
    words = np.array(["red", "green", "blue", "round", "square", "flat"], object)
    texts = [np.array([" ".join(rng.choice(words, n)) for n in rng.integers(1, 9, 80)], object) for _ in range(2)]
    return from_arrays({"a": texts[0], "b": texts[1]}, np.arange(80) % 2, kind="text", folds=2, seed=0)


def test_a_batch_is_as_long_as_its_longest_text() -> None:
    task = two_columns()
    subwords = task.data.x.subwords
    assert subwords is not None
    module = module_of(subword_bag, task)
    counts = np.diff(subwords.indptr)
    shortest = int(counts.argmin())
    assert Feed(module, task.data.x)[np.array([shortest])][0].shape == (1, counts.min())
    assert subwords.data.nbytes == 4 * counts.sum()


def test_columns_of_text_are_mixed_one_by_one() -> None:
    task = two_columns()
    rows = TaskRows.of(task.schema, task.data.x)
    own = np.arange(80)
    same = rows.mixed(np.column_stack([own, own])).subwords
    assert (same != task.data.x.subwords).nnz == 0
    other = own[::-1].copy()
    mixed = rows.mixed(np.column_stack([own, other])).subwords
    start = 2 + len(task.schema.columns[0].subwords)
    for i in range(80):
        first, second = (task.data.x.subwords[j].data for j in (i, other[i]))
        assert mixed[i].data.tolist() == [*first[first < start], *second[second >= start]]


def test_a_family_is_left_out_where_there_are_no_subwords() -> None:
    task = make_task("text", "binary")
    bare = tuple(replace(column, subwords=()) for column in task.schema.columns)
    schema: Schema = replace(task.schema, columns=bare)
    found = task_space(replace(task, problem=replace(task.problem, schema=schema)))["family"].options
    assert not {name_of(family) for family in FAMILIES} & set(found)


def test_batches_of_texts_hold_every_row_once_and_little_padding() -> None:
    task = two_columns()
    module = module_of(subword_bag, task)
    feed, counts = Feed(module, task.data.x), np.diff(task.data.x.subwords.indptr)
    batches = feed.batches(16, np.random.default_rng(0))
    assert sorted(torch.cat(list(batches)).tolist()) == list(range(80))
    assert {len(batch) for batch in batches} == {5}
    padded = sum(len(batch) * counts[batch.cpu().numpy()].max() for batch in batches)
    assert padded < 1.2 * counts.sum()
    again = feed.batches(16, np.random.default_rng(0))
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))


@pytest.mark.parametrize("family", FAMILIES, ids=name_of)
def test_an_empty_text_says_nothing(family: ModuleType) -> None:
    task = make_task("text", "binary")
    module = module_of(family, task)
    assert (module.get_parameter("embedding.weight")[0] == 0).all()
