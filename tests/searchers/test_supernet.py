"""One search by shared weights among ordinary proposals: who asks for it, what is proposed afterwards, what fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from automl import options, portfolio, run_folder, search
from automl.assemble import SpaceConfig, task_space
from automl.errors import ConfigError
from automl.leaderboard.store import Store
from automl.progress import Progress
from automl.proposals import Proposals
from automl.search_config import SearchConfig, make_runner
from automl.searchers import supernet
from automl.space import Params, Space
from automl.task import Task
from automl.training import one_shot
from automl.types import ONE_SHOT, Candidate, Trial
from tests.tasks import defaults, make
from tests.trials import trial

FAMILY = "conv_stages"


@pytest.fixture(scope="module")
def task() -> Task:
    return make("image", "binary")


@pytest.fixture(scope="module")
def space(task: Task) -> Space:
    return task_space(task)


def near(task: Task, **changed: object) -> Params:
    params = defaults(task, FAMILY)
    assert params is not None
    return params | {f"family.{FAMILY}.{path}": value for path, value in changed.items()}


def test_the_search_is_around_the_best_network_and_what_it_found_comes_next(task: Task, space: Space) -> None:
    searcher = supernet.make(space, then="random", found=2)
    for number, (width, score) in enumerate([(8, 0.5), (16, 0.9), (24, 0.7)]):
        searcher.tell(trial(Candidate(str(number), near(task, width=width)), score))
    asked = searcher.ask(3)
    assert asked is not None
    assert asked[ONE_SHOT] == "evolution"
    assert asked[f"family.{FAMILY}.width"] == 16
    other = searcher.ask(4)
    assert other is not None
    assert ONE_SHOT not in other
    found = (near(task, width=40), near(task, width=48))
    searcher.tell(Trial(Candidate("3", asked), "stopped", found=found))
    assert (searcher.ask(5), searcher.ask(6)) == found
    assert ONE_SHOT not in (searcher.ask(7) or {})


def test_a_search_that_failed_is_not_asked_for_again(task: Task, space: Space) -> None:
    searcher = supernet.make(space, then="random")
    asked = searcher.ask(0)
    assert asked is not None
    searcher.tell(Trial(Candidate("0", asked), "failed", failure="out of memory"))
    assert all(ONE_SHOT not in (searcher.ask(number) or {}) for number in range(1, 5))


def test_a_resumed_run_proposes_what_was_found_but_not_tried(task: Task, space: Space) -> None:
    first = supernet.make(space, then="random")
    asked, found = first.ask(0), (near(task, width=40), near(task, width=48))
    assert asked is not None
    proposals = Proposals(lambda space, n: supernet.make(space, then="random"), space)
    proposals.tell(Trial(Candidate("0", asked), "stopped", found=found))
    proposals.tell(trial(Candidate("1", found[0]), 0.5))
    candidate = proposals.ask()
    assert candidate is not None
    assert (candidate.id, candidate.params) == ("2", found[1])


def test_a_space_without_networks_is_left_to_the_other_strategy() -> None:
    space = task_space(make("table", "binary"), SpaceConfig({"tables": ["linear", "decision_tree"]}))
    searcher = supernet.make(space)
    assert all(ONE_SHOT not in (searcher.ask(number) or {}) for number in range(4))


def test_strategies_are_those_of_others() -> None:
    with pytest.raises(ConfigError, match="names of other searchers"):
        supernet.make({}, by="supernet")
    with pytest.raises(ConfigError, match="evolution"):
        supernet.make({}, by="evoluton")
    with pytest.raises(ConfigError, match="share of supernet"):
        options.make("searchers", {"name": "supernet", "share": 0.9}, {})


def test_on_rungs_the_search_itself_climbs_none(task: Task) -> None:
    config = SearchConfig(seconds=600.0, searcher={"name": "supernet"})
    proposals = search.make_searcher(task_space(task), [], config, task)
    first, second = proposals.ask(), proposals.ask()
    assert first is not None
    assert second is not None
    assert ONE_SHOT in first.params
    assert "rung" not in first.params
    assert second.params["rung"] == 0
    proposals.tell(replace(Trial(first, "stopped"), found=(near(task, width=40),)))
    third = proposals.ask()
    assert third is not None
    assert (third.params["rung"], third.params[f"family.{FAMILY}.width"]) == (0, 40)


@pytest.mark.parametrize("options", [{}, {"by": "policy_gradient", "joint": True}])
def test_a_whole_search_tries_what_shared_weights_found(
    options: dict[str, object], task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_shot, "SCORED", 4)
    small = {"images": {FAMILY: {"epochs": 2, "width": 8, "first_size": 12}}}
    asked = {"name": "supernet", "found": 2, **options}
    named = {"searcher": asked, "scheduler": {"name": "none"}, "runner": {"name": "inline"}}
    n_starts = len(portfolio.starts(task_space(task, SpaceConfig(small)), task.kind))
    config = SearchConfig(None, n_starts + 3, space=SpaceConfig(small), export=False, **named)
    folder = run_folder.create(str(tmp_path / "run"), "auto")
    with Progress(quiet=True) as watched:
        result = search.Search(task, config, make_runner(config)).run(folder, watched)
    by_shared_weights, *tried = result.trials[n_starts:]
    assert by_shared_weights.status == "stopped"
    assert [trial.candidate.params for trial in tried] == list(by_shared_weights.found)
    assert all(trial.status == "finished" for trial in tried)
    with Store(folder.leaderboard_url, read_only=True) as store:
        assert store.trials(result.run_id)[n_starts].found == by_shared_weights.found
