"""Run as a script in a fresh process: answers rows with a PyTorch program that ``torch_programs`` wrote.

Only NumPy and PyTorch are imported here.
"""

import sys

import numpy as np
import torch


def main(program: str, inputs: str, answer: str) -> None:
    """Write what the program says of the rows in ``inputs`` (.npz, in its order) to ``answer`` (.npy).

    The first row is asked alone, all others together: a program must not know how many rows there are.
    """
    load = torch.jit.load if program.endswith(".ts") else lambda path: torch.export.load(path).module()
    run = load(program)
    with np.load(inputs, allow_pickle=False) as held:
        tensors = [torch.from_numpy(held[name]) for name in held.files]
    with torch.no_grad():
        parts = [run(*(tensor[rows] for tensor in tensors)) for rows in (slice(0, 1), slice(1, None))]
    np.save(answer, torch.cat(parts[: len(tensors[0])]).numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
