"""What networks over subwords are made of."""

import torch
from torch import Tensor, nn

from automl.training.steps import MaskedPool, valid_steps


class Bag(nn.Module):
    """Leaves the steps as they are: what is pooled afterwards does not know their order."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.width = inputs

    def forward(self, x: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        return x


class SubwordNet(nn.Module):
    """Embedded subwords, a body over them, pooling, dropout, linear output.

    ``body`` maps (b, steps, size), lengths (b,) and the mask (b, steps, 1) to (b, steps, ``body.width``). ``pool``:
    "mean", "max", or "both" side by side (Shen et al. 2018, arXiv:1805.09843). ``word_dropout``: the share of subwords
    that training does not see (Iyyer et al. 2015). ``most``: how many subwords of a text are read.

    Shape: subwords (b, steps) int64, 0 behind the end -> (b, n_outputs) raw scores.
    """

    inputs = ("subwords",)
    widens = 128  # inner layers have so many values for one of the input

    def __init__(
        self,
        n_ids: int,
        size: int,
        body: nn.Module,
        n_outputs: int,
        *,
        pool: str,
        dropout: float,
        word_dropout: float,
        most: int = 512,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_ids, size, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=size**-0.5)
        with torch.no_grad():
            self.embedding.weight[0] = 0  # an empty text says nothing
        self.body, self.word_dropout, self.most = body, word_dropout, most
        self.pools = nn.ModuleList(MaskedPool(kind) for kind in (("mean", "max") if pool == "both" else (pool,)))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(len(self.pools) * body.width, n_outputs)  # type: ignore[arg-type, operator]

    def forward(self, subwords: Tensor) -> Tensor:
        subwords = subwords[:, : self.most]
        lengths = (subwords > 0).sum(dim=1).clamp(min=1)  # an empty text is one step of padding
        mask = valid_steps(lengths, subwords.shape[1])
        x = self.embedding(subwords) * mask
        if self.training and self.word_dropout:
            kept = torch.rand_like(mask) >= self.word_dropout
            x = x * kept / (1 - self.word_dropout)
        x = self.body(x, lengths, mask)
        return self.output(self.dropout(torch.cat([pool(x, mask) for pool in self.pools], dim=1)))
