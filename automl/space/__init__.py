"""Search spaces: five domains, and ``draw``, the one walker over a conditional space.

A space is a mapping from names to domains. A condition is a choice whose options carry spaces of
their own::

    SPACE = {"depth": Int(1, 6), "norm": Choice({"none": {}, "batch": {"momentum": Float(0.01, 0.3)}})}

Drawn parameters are one flat dict whose paths carry their branch, so two branches may use one
name: ``{"depth": 3, "norm": "batch", "norm.batch.momentum": 0.1}``. They are JSON in and out. A plain
mapping in the place of a domain is a group: ``{"scale": {"method": Choice(...)}}`` draws ``scale.method``.
A ``Repeat`` is a group that is drawn several times: ``blocks.n``, ``blocks.0.kernel``, ``blocks.1.kernel``.
"""

from automl.space.domains import Choice, Constant, Domain, Float, Int, Params, Repeat, Scalar, Space, fault
from automl.space.near import Cross, Inherit, Mutate, mutate, step
from automl.space.overrides import OFF, begin_at, configure, configure_choice, describe
from automl.space.walk import Ask, Defaults, Question, Random, Replay, draw, questions, scope, validate

__all__ = [
    "OFF",
    "Ask",
    "Choice",
    "Constant",
    "Cross",
    "Defaults",
    "Domain",
    "Float",
    "Inherit",
    "Int",
    "Mutate",
    "Params",
    "Question",
    "Random",
    "Repeat",
    "Replay",
    "Scalar",
    "Space",
    "begin_at",
    "configure",
    "configure_choice",
    "describe",
    "draw",
    "fault",
    "mutate",
    "questions",
    "scope",
    "step",
    "validate",
]
