"""A trial's networks as PyTorch programs that need none of this code: ``torch.export``'s (.pt2) and TorchScript (.ts).

A program takes raw rows, as the graph that is shipped does, and gives predictions. What was written counts once it was
loaded in a fresh process and has answered real rows as the trial does.
"""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from automl import files, pooling, temperature
from automl.errors import ConfigError, ExportError, in_one_line
from automl.export import torch_replay
from automl.export.front import raw_inputs
from automl.export.member import Member, members_of, predict
from automl.export.package import REPLAY_SECONDS, parity
from automl.kept import KeptTrials
from automl.quiet import quiet
from automl.task import Task
from automl.training.feed import inputs_of
from automl.training.pipeline import Pipeline
from automl.training.torch_model import TorchModel
from automl.training.torch_onnx import open_axes

Note = Callable[[str], None]

README = """# Trial {trial} ({family}) as PyTorch programs

Predicts `{target}`. Takes {inputs}; gives {outputs}. What rows are, and the order of the classes, stands in
`schema.json`.

```python
import torch

answer = torch.export.load("model.pt2").module()  # or torch.jit.load("model.ts"), which PyTorch gives up
answer({names})
```
"""


@dataclass(frozen=True)
class Program:
    """One program that was written. ``difference``: from the trial's own predictions, at most."""

    path: Path
    n_bytes: int
    difference: float


class Answer(nn.Module):
    """What the fold models of one candidate say together.

    ``inputs`` names the tensors that it takes, as the raw inputs of a graph are (``front.declare_inputs``); gives
    predictions (b, width).
    """

    def __init__(self, task: Task, members: Sequence[Member]) -> None:
        super().__init__()
        self.target, self.pipelines = task.target, [member.model for member in members]
        self.networks = nn.ModuleList(copy.deepcopy(_network(pipeline).settled) for pipeline in self.pipelines)
        self.heads = [_network(pipeline).head for pipeline in self.pipelines]
        self.inputs = inputs_of(self.networks[0])

    def forward(self, *tensors: Tensor) -> Tensor:
        answers = [
            temperature.of_tensors(head.of_tensors(network(*tensors)), pipeline.temperature)
            for network, head, pipeline in zip(self.networks, self.heads, self.pipelines, strict=True)
        ]
        return pooling.of_tensors(self.target, answers)


def best_network(kept: KeptTrials, id: str | None) -> str:
    """Return the best kept trial that is a network with nothing before it; ``id``: that one. Raises ``ConfigError``."""
    if id is not None and id not in kept.ids():
        raise ConfigError(f"The models of trial {id} were not kept; those of {', '.join(kept.ids())} were.")
    for one in kept.ids() if id is None else [id]:
        if _is_alone(kept.model(one, kept.trial(one).folds[0].fold)):
            return one
    raise ConfigError(
        "A PyTorch program takes a network that sees the rows as they are: of images, sequences or text. "
        + ("No kept trial is one" if id is None else f"Trial {id} is none")
        + "; `automl export` ships every model as ONNX."
    )


def write(task: Task, kept: KeptTrials, id: str, folder: Path, note: Note) -> list[Program]:
    """Write the trial into the empty ``folder`` and return the programs that answer as it does.

    One that cannot be written, or answers otherwise, is left out with a note; raises ``ExportError`` where all are.
    """
    members = members_of(task, kept, {id: 1.0})
    answer = Answer(task, members).eval()
    rows = task.data.x.take(task.sample_index)
    inputs = {name: np.asarray(raw_inputs(task.schema, rows)[name]) for name in answer.inputs}
    with files.scratch(folder, ".programs-") as scratch:
        written = [path for way in (_exported, _scripted) if (path := _attempt(way, answer, inputs, scratch, note))]
        answered = _replay(written, inputs, scratch, note)
        source, programs = predict(task, members, rows), []
        for path in written:
            try:
                found = parity(task, source, answered[path.name], None) if path.name in answered else None
            except ExportError as error:
                note(f"{path.name}: {error}")
                continue
            if found is not None:
                path = path.replace(folder / path.name)
                programs.append(Program(path, path.stat().st_size, found["largest_difference"]))
    if not programs:
        raise ExportError(f"Trial {id} could not be written as a PyTorch program; the notes above say why.")
    _describe(task, members[0], inputs, folder)
    return programs


def _network(pipeline: Pipeline) -> TorchModel:
    assert isinstance(pipeline.model, TorchModel)
    return pipeline.model


def _is_alone(pipeline: Pipeline) -> bool:
    return isinstance(pipeline.model, TorchModel) and not pipeline.steps


def _attempt(
    way: Callable[[Answer, tuple[Tensor, ...], Path], Path],
    answer: Answer,
    inputs: dict[str, np.ndarray],
    folder: Path,
    note: Note,
) -> Path | None:
    try:
        with quiet(), torch.no_grad():
            return way(answer, tuple(torch.from_numpy(value[:4]) for value in inputs.values()), folder)
    except OSError:  # no fault of the network
        raise
    except Exception as error:  # PyTorch raises anything at all for what it cannot express
        note(f"{way.__name__.strip('_')}: {in_one_line(error)}")
        return None


def _exported(answer: Answer, example: tuple[Tensor, ...], folder: Path) -> Path:
    shapes = tuple(dict.fromkeys(open_axes(name), torch.export.Dim.DYNAMIC) for name in answer.inputs)
    program = torch.export.export(answer, example, dynamic_shapes=(shapes,))
    torch.export.save(program, folder / "model.pt2")
    return folder / "model.pt2"


def _scripted(answer: Answer, example: tuple[Tensor, ...], folder: Path) -> Path:
    traced: Any = torch.jit.trace(answer, example, check_trace=False)
    torch.jit.save(traced, str(folder / "model.ts"))
    return folder / "model.ts"


def _replay(paths: Sequence[Path], inputs: dict[str, np.ndarray], folder: Path, note: Note) -> dict[str, np.ndarray]:
    """Return what the programs answer in a fresh process, by the names of their files."""
    np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
    found = {}
    for path in paths:
        command = [sys.executable, "-I", "-B", torch_replay.__file__, str(path), str(folder / "inputs.npz")]
        command.append(str(folder / "answer.npy"))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=REPLAY_SECONDS)
        except subprocess.TimeoutExpired:
            note(f"{path.name}: takes more than {REPLAY_SECONDS} s to answer a few rows")
            continue
        if done.returncode:
            note(f"{path.name}: does not run in a fresh process: {done.stderr.strip()[-300:]}")
        else:
            found[path.name] = np.load(folder / "answer.npy", allow_pickle=False)
    return found


def _describe(task: Task, member: Member, inputs: dict[str, np.ndarray], folder: Path) -> None:
    taken = [
        f"`{name}`, {value.dtype} (rows{''.join(f', {n}' for n in _shape(name, value))})"
        for name, value in inputs.items()
    ]
    width = task.target.width
    outputs = f"(rows, {width}) " + ("probabilities" if task.target.is_classification else "values")
    text = README.format(
        trial=member.candidate_id,
        family=member.family,
        target=task.schema.target_name,
        inputs=" and ".join(taken),
        outputs=outputs,
        names=", ".join(inputs),
    )
    files.write(folder / "README.md", text, files.PUBLIC)
    files.write(folder / "schema.json", json.dumps(task.schema.to_dict(), indent=1) + "\n", files.PUBLIC)


def _shape(name: str, value: np.ndarray) -> list[str]:
    opened = open_axes(name)
    return ["any" if axis in opened else str(value.shape[axis]) for axis in range(1, value.ndim)]
