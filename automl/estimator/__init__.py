"""The scikit-learn face: ``AutoML(seconds=600).fit(X, y)``."""

from automl.estimator.face import AutoML, AutoMLClassifier, AutoMLRegressor

__all__ = ["AutoML", "AutoMLClassifier", "AutoMLRegressor"]
