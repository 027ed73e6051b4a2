"""A bag of embedded subwords and a linear layer (fastText; Joulin et al. 2017, arXiv:1607.01759).

The subwords are learned from the training rows by byte-pair encoding; see ``automl.runtime.subwords.Subwords``.
"""

from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.text.blocks import AROUND, TRAINING, needs_subwords, network
from automl.space import Params

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem
    from automl.types import Model


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    return network(params, problem, body)


def body(params: Params) -> "nn.Module":
    """Return what stands between the embedding and the pooling: nothing."""
    from automl.search_spaces.text._network import Bag

    return Bag(params["size"])


OPTION = Family(space=AROUND, build=build, targets=TARGETS, network=TRAINING, adapt=needs_subwords, order=20)
