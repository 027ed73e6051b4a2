"""Search for a model, or any function, of one's own: in the manner of Keras Tuner and of Optuna, over our spaces.

``search_function`` trains modules that ``build_model`` builds, ``maximize`` calls a function that does everything
itself. Both return what was ``Found``.
"""

from automl.tuner.function import maximize
from automl.tuner.module import search_function
from automl.tuner.run import Found

__all__ = ["Found", "maximize", "search_function"]
