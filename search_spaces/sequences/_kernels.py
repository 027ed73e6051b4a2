"""Random convolution kernels over sequences of any length, as one module with the linear layer behind them."""

from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.search_spaces.sequences._network import Standardise
from automl.training.steps import valid_steps

LENGTH = 9
KERNELS = np.array([[2.0 if i in at else -1.0 for i in range(LENGTH)] for at in combinations(range(LENGTH), 3)])
_MOST_DILATIONS = 32
_MOST_CHANNELS = 9  # that one kernel sees together
_RAMP = 0.02  # of a channel's deviation: "positive" is a slope so wide, as rounding must flip nothing
_GOLDEN = (5**0.5 + 1) / 2


class RandomKernels(nn.Module):
    """For each kernel, dilation and threshold: the share of a sequence's valid steps that are above the threshold.

    MiniRocket (Dempster, Schmidt and Webb 2021, arXiv:2012.08791): 84 kernels with weights -1 and 2, dilations up to
    the length of the sequences, thresholds that are quantiles of what training sequences give. With several channels
    each kernel sees a random sum of up to nine of them. Here each sequence is padded by zeros at both ends, and the
    step at the threshold is a narrow ramp, so that an exported graph agrees.

    Shape: sequence (b, steps, c), lengths (b,) -> (b, n_features).
    """

    inputs = ("sequence", "lengths")
    kernels: Tensor

    def __init__(self, sequences: np.ndarray, lengths: np.ndarray, n_features: int, differences: bool, seed: int):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.standardise, self.differences = Standardise(sequences, lengths), differences
        most = np.log2(max(int(lengths.max()) - 1, LENGTH - 1) / (LENGTH - 1))
        wanted = max(1, min(_MOST_DILATIONS, n_features // len(KERNELS)))
        self.dilations = np.unique(np.logspace(0, most, wanted, base=2).astype(int)).tolist()
        each = max(1, n_features // (len(KERNELS) * len(self.dilations)))
        self.n_features = each * len(KERNELS) * len(self.dilations)
        self.widens = -(-len(KERNELS) * each // sequences.shape[2])
        self.register_buffer("kernels", torch.tensor(KERNELS[:, None] / _RAMP, dtype=torch.float32))
        channels = sequences.shape[2] * (2 if differences else 1)
        some = rng.permutation(len(sequences))[: len(KERNELS)]
        example, own = torch.from_numpy(np.ascontiguousarray(sequences[some])), torch.from_numpy(lengths[some])
        for i, dilation in enumerate(self.dilations):
            self.register_buffer(f"mix_{i}", torch.from_numpy(_mix(channels, rng))[:, :, None])
            with torch.no_grad():
                x, _ = self._input(example, own)
                found = self._convolved(x, i, dilation).numpy()
            levels = (np.arange(1, each + 1) * _GOLDEN + rng.random()) % 1
            thresholds = [
                np.quantile(found[k % len(found), k, : own[k % len(found)]], levels) for k in range(len(KERNELS))
            ]
            middle = torch.tensor(np.array(thresholds) - 0.5, dtype=torch.float32)
            self.register_buffer(f"thresholds_{i}", middle[..., None])

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        x, mask = self._input(sequence, lengths)
        share = (mask / mask.sum(dim=2, keepdim=True)).transpose(1, 2)
        found = []
        for i, dilation in enumerate(self.dilations):
            above = self._convolved(x, i, dilation)[:, :, None] - self.get_buffer(f"thresholds_{i}")
            found.append((above.clamp(0, 1).flatten(1, 2) @ share).squeeze(2))
        return torch.cat(found, dim=1)

    def _input(self, sequence: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the channels (b, c, steps), also their differences, and the mask (b, 1, steps)."""
        mask = valid_steps(lengths.clamp(1, sequence.shape[1]), sequence.shape[1])
        x = self.standardise(sequence, mask)
        if self.differences:
            x = torch.cat([x, (x - functional.pad(x, (0, 0, 1, 0))[:, :-1]) * mask], dim=2)
        return x.transpose(1, 2), mask.transpose(1, 2)

    def _convolved(self, x: Tensor, i: int, dilation: int) -> Tensor:
        mixed = functional.conv1d(x, self.get_buffer(f"mix_{i}"))
        return functional.conv1d(
            mixed, self.kernels, padding=dilation * (LENGTH // 2), dilation=dilation, groups=len(KERNELS)
        )


def _mix(channels: int, rng: np.random.Generator) -> np.ndarray:
    """Return (kernels, channels) float32: which channels each kernel sees, with a sum of squares of 1."""
    mix = np.zeros((len(KERNELS), channels), np.float32)
    for row in mix:
        n = int(2 ** rng.uniform(0, np.log2(min(channels, _MOST_CHANNELS) + 1)))
        row[rng.choice(channels, n, replace=False)] = n**-0.5
    return mix


class KernelNet(nn.Module):
    """Random kernels and a linear layer on what they find. Shape: sequence, lengths -> (b, n_outputs) raw scores."""

    inputs = ("sequence", "lengths")

    def __init__(self, kernels: RandomKernels, n_outputs: int) -> None:
        super().__init__()
        self.kernels = kernels
        self.output = nn.Linear(kernels.n_features, n_outputs)

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        return self.output(self.kernels(sequence, lengths))
