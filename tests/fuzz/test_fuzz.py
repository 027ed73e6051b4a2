"""A thousand seeded inputs: each one works, or is refused in words; none of them ends in a traceback or without end."""

import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from automl import blend_runs, cli, configuration, files, run_folder, settings, space_file
from automl.bench import page
from automl.bench.fits import Book
from automl.compete import RECORD
from automl.contest import seal
from automl.contest.book import Contest
from automl.contest.form import Form
from automl.data.files import read
from automl.errors import AutoMLError
from automl.export.graph import ML, Graph
from automl.hydra_app import composed
from automl.overrides import LISTS, ROLES, TEXTS, taken_out
from automl.runtime.errors import PredictionError
from automl.runtime.model import Model
from automl.runtime.read_input import read_input
from automl.runtime.session import open_session
from automl.search_config import make_runner
from tests.fuzz import damage
from tests.runtime.folders import schema, write_folder, write_manifest

REFUSALS = (AutoMLError, PredictionError)
# One input takes milliseconds; this is for a busy machine.
SECONDS = 20.0


def outcomes(n: int, attempt: Callable[[random.Random], Any]) -> Counter[str]:
    """Try ``n`` seeds; every one must work or be refused with a message, in time. Return how often which."""
    counts: Counter[str] = Counter()
    for seed in range(n):
        started = time.monotonic()
        try:
            attempt(random.Random(seed))
            counts["worked"] += 1
        except REFUSALS as error:
            counts["refused" if str(error) else "refused without a word"] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        assert time.monotonic() - started < SECONDS, f"seed {seed}"
    assert set(counts) <= {"worked", "refused"}
    return counts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    g = Graph()
    n, c = g.input("numeric", np.float32, [1]), g.input("categories", str, [1])
    hot = g.op("LabelEncoder", c, domain=ML, keys_strings=["hot"], values_floats=[10.0], default_float=0.0)
    yes = g.op("Sigmoid", g.op("Add", n, hot))
    scores = g.concat([g.op("Sub", g.constant(np.ones(1, np.float32)), yes), yes])
    columns: Any = {"n": "numeric", "c": {"role": "categorical", "levels": ["hot", "cold"]}, "z": "dropped"}
    folder = tmp_path_factory.mktemp("models") / "model"
    return write_folder(folder, schema(**columns, classes=["no", "yes"]), g.model({"prediction": scores}))


ROWS = {"n": [-3.0, 2.0, -3.0], "c": ["cold", None, "hot"]}


def test_damaged_model_folders(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are refused before onnxruntime opens anything, or predict exactly the same."""
    expected = Model(whole, threads=1).predict_proba(ROWS)
    opened: list[bytes] = []
    really = open_session

    def watched(model: bytes, threads: int) -> Any:
        opened.append(model)
        return really(model, threads)

    monkeypatch.setattr("automl.runtime.model.open_session", watched)
    folder = tmp_path / "model"

    def attempt(rng: random.Random) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        opened.clear()
        path = folder / rng.choice(("manifest.json", "manifest.json", "model.onnx", "predict.py"))
        change = rng.random()
        if change < 0.6:
            path.write_bytes(damage.of_bytes(rng, path.read_bytes()))
        elif change < 0.7:
            path.write_bytes((folder / rng.choice(("manifest.json", "model.onnx"))).read_bytes())
        elif change < 0.75:
            path.unlink()
        else:
            manifest = json.loads((folder / "manifest.json").read_text())
            (folder / "manifest.json").write_text(json.dumps(damage.of_tree(rng, manifest)))
        try:
            model = Model(folder, threads=1)
        except PredictionError:
            assert opened == [], "onnxruntime had opened it"
            raise
        assert model.classes == ["no", "yes"]
        np.testing.assert_array_equal(model.predict_proba(ROWS), expected)

    assert outcomes(500, attempt)["refused"] > 450


def test_manifests_that_somebody_edited_and_signed(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    manifest = json.loads((folder / "manifest.json").read_text())

    def attempt(rng: random.Random) -> None:
        changed = manifest | {"schema": damage.of_tree(rng, manifest["schema"])} if rng.random() < 0.8 else None
        changed = damage.of_tree(rng, manifest) if changed is None else changed
        if isinstance(changed, dict):
            write_manifest(folder, changed)
        else:
            (folder / "manifest.json").write_text(json.dumps(changed))
        model = Model(folder, threads=1)
        model.predict(ROWS)
        model.labels()

    assert outcomes(150, attempt)["refused"] > 50


CSV = "n,c,when,text\n" + "".join(
    f"{i},{'hot' if i % 2 else 'cold'},2024-01-{i + 1:02},some words {i}\n" for i in range(20)
)


def test_damaged_data_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "whole.npz", x_train=np.zeros((9, 4, 4), np.uint8), y_train=np.arange(9) % 2)
    lines = "".join(json.dumps({"n": i, "c": "x"}) + "\n" for i in range(20))
    contents = {"csv": CSV.encode(), "tsv": CSV.replace(",", "\t").encode(), "jsonl": lines.encode()}
    contents["npz"] = (tmp_path / "whole.npz").read_bytes()

    def attempt(rng: random.Random) -> None:
        ending = rng.choice(list(contents))
        path = tmp_path / f"data.{ending}"
        path.write_bytes(damage.of_bytes(rng, contents[ending]))
        if rng.random() < 0.5:
            read(path)
        else:
            read_input(path, {})

    outcomes(150, attempt)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return composed(["data.train=x", "data.target=y"])


def test_damaged_run_folders(config: dict[str, Any], tmp_path: Path) -> None:
    config = config | {"space": {"tables": {"svm": "off"}}}
    record = {"run_id": 1, "leaderboard": str(tmp_path / "leaderboard.db")}
    texts = {"run.json": json.dumps(record), "config.yaml": yaml.safe_dump(config)}
    trees = {"run.json": record, "config.yaml": config}

    def attempt(rng: random.Random) -> None:
        name = rng.choice(list(texts))
        for other, text in texts.items():
            (tmp_path / other).write_text(text)
        if rng.random() < 0.5:
            (tmp_path / name).write_bytes(damage.of_bytes(rng, texts[name].encode()))
        else:
            changed = damage.of_tree(rng, trees[name])
            (tmp_path / name).write_text(json.dumps(changed) if name == "run.json" else yaml.safe_dump(changed))
        run_folder.find(tmp_path)
        try:
            configuration.check(files.read_yaml(tmp_path / "config.yaml"))
        except ValueError as error:  # what `commands` tells with the path
            raise AutoMLError(str(error)) from None

    assert outcomes(150, attempt)["refused"] > 50


def _written(rng: random.Random, tree: Any, dumps: Callable[[Any], str]) -> bytes:
    """A file as somebody may have left it: damaged as bytes, or as values."""
    if rng.random() < 0.5:
        return damage.of_bytes(rng, dumps(tree).encode())
    return dumps(damage.of_tree(rng, tree)).encode("utf-8", "surrogatepass")


def test_damaged_space_files(tmp_path: Path) -> None:
    tree = yaml.safe_load((Path(__file__).parents[2] / "examples" / "own_space.yaml").read_text())
    file = tmp_path / "space.yaml"

    def attempt(rng: random.Random) -> None:
        file.write_bytes(_written(rng, tree, yaml.safe_dump))
        assert isinstance(space_file.read(file), dict)

    assert outcomes(150, attempt)["refused"] > 50


def test_damaged_rows_of_a_benchmark(tmp_path: Path) -> None:
    """They are left out with a note; a page is made of the others, whatever their values are."""
    fixed = {"seed": 0, "budget": 60, "metric": "rmse", "greater": False, "model": "model", "seconds": 1.0}
    costs = {"peak_mb": 100, "row_ms": 1.0, "rows_1000_ms": 1.0, "bytes": 1000}
    trees = [
        [{"set": name, "system": system, "score": 0.5, **fixed, **costs}] for name in "ab" for system in ("one", "two")
    ]
    trees[0][0] = {k: v for k, v in trees[0][0].items() if k not in ("score", *costs)} | {"failure": "?", "peak_mb": 1}
    book = Book(tmp_path, tmp_path)
    (tmp_path / "rows").mkdir()
    left_out: list[str] = []

    def attempt(rng: random.Random) -> None:
        left_out.clear()
        for i, tree in enumerate(trees):
            (tmp_path / "rows" / f"{i}.json").write_text(json.dumps(tree))
        which = rng.randrange(len(trees))
        (tmp_path / "rows" / f"{which}.json").write_bytes(_written(rng, trees[which], json.dumps))
        page.write(book.rows(left_out.append), tmp_path)
        if left_out:
            raise AutoMLError(left_out[0])

    assert outcomes(150, attempt)["refused"] > 50


FORM = {"id": "id", "target": "y", "columns": ["y"], "answers": "values", "classes": []}


def test_damaged_notes_of_targets_and_contests(tmp_path: Path) -> None:
    """Of several targets, of a contest that is taken part in, and of one that is hosted, with what was handed in."""
    run, contest = tmp_path / "run", tmp_path / "contest"
    for folder in (run, contest):
        folder.mkdir()
    (contest / seal.SOLUTION).touch(files.PRIVATE)
    entry = {"time": "2026-03-01T12:00:00+00:00", "team": "a", "file": "a.csv", "sha256": "0", "public": 0.5, "why": ""}
    host = {"form": FORM, "metric": "rmse", "kind": "regression", "classes": [], "quota": 2, "closed": False}
    notes: dict[Path, tuple[Any, Callable[[], object]]] = {
        run / run_folder.TARGETS: ({"targets": {"a": "a", "b": "b"}}, lambda: run_folder.runs_in(run)),
        run / RECORD: (
            {"train": "a.csv", "test": "b.csv", "sample": "c.csv", "forms": [FORM]},
            lambda: [Form.from_dict(one) for one in blend_runs._record(run)["forms"]],
        ),
        contest / seal.RECORD: (host, lambda: Contest(contest).entries()),
        contest / seal.LOG: (entry | {"private": 0.5}, lambda: Contest(contest).left("a")),
    }

    def attempt(rng: random.Random) -> None:
        for path, (tree, _) in notes.items():
            path.write_text(json.dumps(tree))
        path, (tree, opened) = rng.choice(list(notes.items()))
        path.write_bytes(_written(rng, tree, json.dumps))
        opened()

    assert outcomes(400, attempt)["refused"] > 150


def paths(tree: Any, path: str = "") -> list[str]:
    own = [path] if path else []
    inner = tree.items() if isinstance(tree, dict) else ()
    return own + [one for name, part in inner for one in paths(part, f"{path}.{name}" if path else str(name))]


SOUND: tuple[str, ...] = (
    "null",
    "-1",
    "0",
    "1e-3",
    "1e400",
    "nan",
    "true",
    "off",
    "abc",
    "ünï",
    "9" * 400,
    "a" * 3000,
    "[]",
    "[1,a,null]",
)
SOUND += (
    "{}",
    "{a:1}",
    "{low:3,high:1}",
    "[[1],{}]",
    "[" * 300 + "]" * 300,
    "{a:" * 60 + "1" + "}" * 60,
    "''",
    "x:y",
    "../x",
)
TORN: tuple[str, ...] = (
    "",
    "???",
    "\x1b[2J",
    "\x00",
    "\udc80",
    "[1",
    "{a: {b: [}",
    "[" * 300,
    "${y}",
    "${oc.env:HOME}",
    "${seed}",
    "${",
)
TORN += ("'", '"a', "\\", "a,b", "range(1,3)", "choice(a,b)", "int(a)", "@", "=", "a=b", " ", "\n", "(1)", "x.y")


def test_composed_overrides(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra's composition, and every check that a search makes before it reads data."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a,y\n1,2\n")
    space, others = paths({"space": config["space"]}), paths({k: v for k, v in config.items() if k != "space"})
    monkeypatch.setattr("sys.path", [*sys.path])

    def override(rng: random.Random) -> str:
        key = rng.choice(rng.choice((space, others, others, ("", "a", "a.b", "hydra.run.dir", "space_file", "@", "ü"))))
        key = rng.choice(("", "", "", "", "", "+", "++", "~")) + key
        value = rng.choice(rng.choice((SOUND, SOUND, SOUND, TORN)))
        return rng.choice((*[f"{key}={value}"] * 8, key, value))

    def attempt(rng: random.Random) -> None:
        given = [override(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        try:
            made = composed(["data.train=x.csv", "data.target=y", *given])
            configuration.check(made)
            settings.locate_files(made)
            checked = settings.search_of(made, time.time())
            settings.check_data(made)
            make_runner(checked).close()
        except OSError as error:  # which `faults` tells by its file
            raise AutoMLError(str(error) if error.filename else "") from None

    assert outcomes(70, attempt)["refused"] > 20


def test_overrides_of_names() -> None:
    keys = (*TEXTS, *LISTS, ROLES, f"{ROLES}.")

    def attempt(rng: random.Random) -> None:
        characters = "ab1,:={}[]()'\"\\$ \n\tü\x00\u202e*&!#~+-"
        text = "".join(rng.choices(characters, k=rng.randrange(30)))
        taken_out([f"{rng.choice(keys)}={text}"], several=rng.random() < 0.1)

    outcomes(200, attempt)


WORDS: tuple[str, ...] = (
    "x",
    "\x00",
    "-o",
    "--top",
    "--csv",
    "--json",
    "--url",
    "sqlite://",
    "nosuch://x",
    "9" * 30,
    "a" * 300,
    "..",
)
WORDS += ("", "/", "/dev/null", "model", "data.csv", "--runs", "-1", "\udc80", "--trust", "é", "--members", "nan")


def test_commands(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("n,c\n1,hot\n")
    shutil.copytree(whole, tmp_path / "model")

    def attempt(rng: random.Random) -> None:
        command = rng.choice(("predict", "leaderboard", "export", "resume", "bogus"))
        try:
            cli.main([command, *rng.choices(WORDS, k=rng.randrange(5))])
        except SystemExit as left:
            if left.code not in (0, 2):
                raise AssertionError(f"exit code {left.code}") from left

    outcomes(150, attempt)
