"""Options in a package outside the tree: installed with pip, found by entry points, searched, exported, checked."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from sklearn.datasets import load_iris

from automl import registry
from automl.assemble import whole_space
from automl.configuration import GROUPS
from automl.errors import ConfigError
from automl.hydra_app import composed
from automl.settings import search_of

FILES = {
    "own_options/__init__.py": "",
    "own_options/net.py": '''
        """One linear layer."""
        from automl.option import Family

        FILLED = {"method": {"none": "off"}}
        STEPS = {"dates": {}, "text": {}, "impute": FILLED, "encode": {"method": "onehot"}, "scale": {}}

        def build(params, problem):
            from automl.training.network import Network
            from own_options.layer import make
            return Network(make, params, problem)

        OPTION = Family(space={}, build=build, steps=STEPS, network={"epochs": {"low": 3, "default": 3}}, order=1)
    ''',
    "own_options/layer.py": """
        from torch import nn

        class Layer(nn.Module):
            inputs = ("numeric",)

            def __init__(self, n_inputs, n_outputs):
                super().__init__()
                self.linear = nn.Linear(n_inputs, n_outputs)

            def forward(self, numeric):
                return self.linear(numeric)

        def make(x, n_outputs):
            return Layer(x.numeric.shape[1], n_outputs)
    """,
    "own_options/loss.py": '''
        """The cross-entropy to a power."""
        from automl.option import Loss
        from automl.space import Float

        def build(params, problem):
            from torch.nn.functional import cross_entropy
            return lambda scores, y: cross_entropy(scores, y, reduction="none") ** params["power"]

        OPTION = Loss(space={"power": Float(1.0, 2.0)}, build=build, targets=("binary", "multiclass"))
    ''',
    "own_options/rounding.py": '''
        """Weights with half the digits."""
        import copy
        from automl.option import Compressor

        class Rounding:
            def compress(self, model, train):
                from automl.training.network import Network
                if not isinstance(model, Network):
                    return None
                module = copy.deepcopy(model.fitted)
                return model.with_module(module.half().float())

        OPTION = Compressor(space={}, build=lambda params, problem: Rounding(), order=0)
    ''',
    "own_options/search.py": '''
        """Random search, of which one may wish for luck."""
        from automl.searchers.random import RandomSearch

        def make(space, seed=0, *, luck: int = 7):
            return RandomSearch(space, seed + luck)
    ''',
}
# What builds of a project with [project.entry-points."automl.tables"] and so on leave.
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: own-options\nVersion: 1.0",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any",
    "RECORD": "",
    "entry_points.txt": """
        [automl.tables]
        own_net = own_options.net
        [automl.losses]
        own_loss = own_options.loss:OPTION
        [automl.compressors]
        own_rounding = own_options.rounding
        [automl.searchers]
        own_search = own_options.search
    """,
}
OPTIONS = {"tables": "own_net", "losses": "own_loss", "compressors": "own_rounding", "searchers": "own_search"}
CHECKS = f"""
from automl import registry
from automl.hydra_app import composed
from automl.testing import check_option
for kind, name in {OPTIONS}.items():
    assert name in registry.names(kind)
    check_option(kind, name)
assert composed(["data.train=x", "searcher=own_search"])["searcher"] == {{"name": "own_search", "luck": 7}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the package."""
    wheel = tmp_path_factory.mktemp("wheel") / "own_options-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**FILES, **{f"own_options-1.0.dist-info/{n}": t for n, t in METADATA.items()}}.items():
            archive.writestr(name, dedent(text).lstrip())
    site = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return site


def python(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-W", "ignore", *arguments]
    env = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_they_are_found_and_keep_their_contracts(site: Path, tmp_path: Path) -> None:
    done = python(site, "-c", CHECKS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_they_are_searched_and_exported(site: Path, tmp_path: Path) -> None:
    load_iris(as_frame=True).frame.to_csv(tmp_path / "iris.csv", index=False)
    others = [
        f"space.tables.{name}=off" for name in registry.names("tables") if not registry.load("tables", name).absent
    ]
    done = python(
        site,
        *("-m", "automl.cli", "search", "data.train=iris.csv", "data.target=target", "runner=inline", "run.dir=run"),
        *("budget.trials=2", "budget.seconds=null", "searcher=own_search", "searcher.luck=3", "scheduler=none"),
        *("space.tables.own_net.loss.default=own_loss", "space.tables.own_net.loss.own_loss.power.low=1.5"),
        *("compress.max_loss=0.5", *others),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    members = json.loads((tmp_path / "run/model/manifest.json").read_text())["members"]
    assert {member["family"] for member in members} == {"own_net"}
    assert all(member["compression"][0].startswith("own_rounding") for member in members)
    shown = python(site, "-m", "automl.cli", "leaderboard", "run", "--json", cwd=tmp_path)
    trials = json.loads(shown.stdout)["trials"]
    assert len(trials) == 2
    assert "own_loss" in json.dumps(trials)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that makes an entry point of a package that is there for one test."""

    def install(group: str, line: str) -> None:
        folder = tmp_path / "other_options-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other-options\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[{group}]\n{line}\n")
        monkeypatch.syspath_prepend(tmp_path)
        forget()

    def forget() -> None:
        for kept in (registry.names, registry.loadable, registry._entry_points, registry._installed, registry.load):
            kept.cache_clear()

    yield install
    monkeypatch.undo()
    forget()


def test_an_entry_point_must_not_have_the_name_of_a_file(installed: Any) -> None:
    installed("automl.losses", "focal = other_options.focal")
    assert any(point.name == "focal" for point in metadata.entry_points(group="automl.losses"))
    with pytest.raises(
        ConfigError, match=r"search_spaces/losses/focal\.py.*'other_options\.focal' of .* 'other-options'"
    ):
        registry.names("losses")


def test_an_entry_point_that_cannot_be_imported_is_named(installed: Any) -> None:
    installed("automl.losses", "lost = other_options.lost")
    with pytest.raises(ConfigError, match=r"'lost' of losses cannot be imported.*other_options"):
        registry.load("losses", "lost")


@pytest.mark.parametrize(
    ("kind", "group"),
    [("losses", None), ("tables", None), ("features", None), *((kind, group) for group, kind in GROUPS.items())],
)
def test_what_an_installed_package_breaks_stops_nobody_who_has_not_asked_for_it(
    kind: str, group: str | None, installed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    installed(f"automl.{kind}", "lost = other_options.lost")
    overrides = [] if group is None else [f"{group}=lost"]
    assert search_of(composed(["data.train=x"]), 0.0)
    assert not {"lost"} & set(whole_space()["tables"].options)
    assert [r.message for r in caplog.records if "'lost'" in r.message and "It is left out." in r.message]
    if overrides:
        with pytest.raises(ConfigError, match="Unknown option 'lost'"):
            composed(["data.train=x", *overrides])


def test_a_step_that_runs_after_nobody_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "early_step.py").write_text(
        "from automl.option import Step\n"
        "OPTION = Step(space={}, build=lambda params, problem: None, after=('impoote',), everywhere=True)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"'after' of 'early_step'.*Did you mean 'impute'"):
        composed(["data.train=x", "plugins.features=[early_step]"])
