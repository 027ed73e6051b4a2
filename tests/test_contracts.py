"""What every option of every kind has to keep. A new file is tested unasked: the cases come from the registry."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from automl import options, registry
from automl.errors import ConfigError, NotApplicable
from automl.option import Compressor, Family, Loss, Step
from automl.space import Float
from automl.task import FAMILY_FOLDER
from automl.testing import check_option
from tests.tasks import TARGETS

FAMILIES = tuple(FAMILY_FOLDER.values())
# It takes Ray ten seconds to start, for each run; tests/runners/test_contract.py has it join a cluster.
SLOW = {("runners", "ray_tune")}
OTHERS = [(kind, name) for kind in registry.KINDS if kind not in FAMILIES for name in registry.names(kind)]
OTHERS = [option for option in OTHERS if option not in SLOW]


@pytest.mark.parametrize(("kind", "name"), OTHERS)
def test_an_option_keeps_its_contract(kind: str, name: str) -> None:
    check_option(kind, name)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in FAMILIES for name in registry.names(kind)])
def test_a_family_keeps_its_contract(kind: str, name: str, target: Any) -> None:
    try:
        check_option(kind, name, [target])
    except NotApplicable as reason:
        pytest.skip(str(reason))


def broken(**parts: Any) -> tuple[str, Any]:
    """A loss that is one but for ``parts``."""
    return "losses", Loss(**{"space": {}, "build": lambda params, problem: lambda scores, y: scores[:, 0] ** 2} | parts)


class Reverses:
    """A feature step whose graph does something else."""

    def fit_transform(self, x: Any, y: Any) -> Any:
        return x

    def transform(self, x: Any) -> Any:
        return replace(x, numeric=x.numeric[:, ::-1])

    def to_onnx(self, graph: Any, inputs: Any) -> dict[str, str]:
        return dict(inputs)


def unwritable(space: Any, seed: int = 0, *, kernel: Any = object) -> Any:
    """A searcher with a default that no configuration can hold."""


@pytest.mark.parametrize("kind", ["searchers", "schedulers", "runners"])
def test_an_unknown_option_of_an_option_names_the_nearest(kind: str) -> None:
    for name in registry.names(kind):
        with pytest.raises(ConfigError, match="no_such_option"):
            options.make(kind, {"name": name, "no_such_option": 1})


BROKEN: dict[str, Callable[[], tuple[str, Any]]] = {
    "a loss of all rows": lambda: broken(build=lambda params, problem: lambda scores, y: (scores**2).mean()),
    "a loss that is not finite": lambda: broken(build=lambda params, problem: lambda scores, y: scores[:, 0] / 0),
    "another graph": lambda: ("features", Step(space={}, build=lambda params, problem: Reverses())),
    "a compressor of anything": lambda: (
        "compressors",
        Compressor(
            space={}, build=lambda params, problem: type("All", (), {"compress": lambda self, model, train: model})()
        ),
    ),
    "a family for nobody": lambda: ("tables", Family(space={}, build=print, adapt=lambda space, task: None)),
    "a searcher that cannot be configured": lambda: ("searchers", type("Own", (), {"make": staticmethod(unwritable)})),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_contract_is_seen(case: str) -> None:
    kind, option = BROKEN[case]()
    with pytest.raises(AssertionError):
        check_option(kind, option)


def test_an_option_itself_may_be_checked() -> None:
    check_option(*broken(space={"power": Float(1, 2)}, targets=("regression",)))


@pytest.mark.parametrize("kind", registry.KINDS)
def test_what_is_no_option_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"An option of {kind} is"):
        check_option(kind, np.zeros(3))
