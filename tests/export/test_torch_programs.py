"""Networks as PyTorch programs: they answer as the trial does, for any number of rows, without any of our code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from automl.errors import ConfigError, ExportError
from automl.export import torch_programs
from automl.export.front import raw_inputs
from automl.export.member import members_of, predict
from automl.quiet import quiet
from tests.tasks import kept_trials, make


@pytest.mark.parametrize(
    ("kind", "target", "family"),
    [
        ("image", "multiclass", "conv_stages"),
        ("sequence", "quantiles", "recurrent"),
        ("text", "binary", "subword_conv"),
    ],
)
def test_a_program_answers_as_the_trial_does(kind: str, target: str, family: str, tmp_path: Path) -> None:
    task, out, notes = make(kind, target), tmp_path / "out", list[str]()
    out.mkdir()
    kept = kept_trials(task, tmp_path, family)
    programs = torch_programs.write(task, kept, torch_programs.best_network(kept, None), out, notes.append)
    assert [program.path.name for program in programs] == ["model.pt2", "model.ts"], notes
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "model.pt2", "model.ts", "schema.json"]
    assert json.loads((out / "schema.json").read_text())["kind"] == kind
    rows = task.data.x.take(np.arange(7))
    wanted = predict(task, members_of(task, kept, {"0": 1.0}), rows)
    given = [
        torch.from_numpy(raw_inputs(task.schema, rows)[name])
        for name in members_of(task, kept, {"0": 1.0})[0].model.model.fitted.inputs  # type: ignore[attr-defined]
    ]
    with quiet():  # TorchScript is deprecated
        programs_read = [torch.export.load(out / "model.pt2").module(), torch.jit.load(out / "model.ts")]
    for run in programs_read:
        np.testing.assert_allclose(run(*given).detach().numpy(), wanted, rtol=1e-4, atol=1e-4 * np.std(task.data.y))


def test_what_has_steps_before_it_is_refused_with_a_way_out(tmp_path: Path) -> None:
    task = make("table", "binary")
    kept = kept_trials(task, tmp_path, "linear")
    with pytest.raises(ConfigError, match=r"No kept trial is one; `automl export` ships every model as ONNX"):
        torch_programs.best_network(kept, None)
    with pytest.raises(ConfigError, match="Trial 0 is none"):
        torch_programs.best_network(kept, "0")
    with pytest.raises(ConfigError, match="The models of trial 7 were not kept; those of 0 were"):
        torch_programs.best_network(kept, "7")


def test_a_program_that_answers_otherwise_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, out, notes = make("image", "multiclass"), tmp_path / "out", list[str]()
    out.mkdir()
    kept = kept_trials(task, tmp_path, "conv_stages")
    forward = torch_programs.Answer.forward
    monkeypatch.setattr(torch_programs.Answer, "forward", lambda self, x: forward(self, x + 9 * x.flip(1)))
    with pytest.raises(ExportError, match="Trial 0 could not be written as a PyTorch program"):
        torch_programs.write(task, kept, "0", out, notes.append)
    assert any("differs from its source" in note for note in notes), notes
    assert list(out.iterdir()) == []
