"""What every option of every kind has to keep. A new file is tested unasked: the cases come from the registry."""

from typing import Any

import numpy as np
import pytest

from automl import options, registry
from automl.errors import ConfigError, NotApplicable
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


@pytest.mark.parametrize("kind", ["searchers", "schedulers", "runners"])
def test_an_unknown_option_of_an_option_names_the_nearest(kind: str) -> None:
    for name in registry.names(kind):
        with pytest.raises(ConfigError, match="no_such_option"):
            options.make(kind, {"name": name, "no_such_option": 1})


@pytest.mark.parametrize("kind", registry.KINDS)
def test_what_is_no_option_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"An option of {kind} is"):
        check_option(kind, np.zeros(3))
