"""Ridge regression whose penalty is chosen by leaving each row out, which has a closed form."""

from dataclasses import dataclass

import numpy as np

PENALTIES = np.logspace(-3, 3, 13)  # times the mean variance of the columns and the number of rows


@dataclass(frozen=True)
class Ridge:
    """``x @ coef + intercept``: coef (p, r), intercept (r,).

    ``left_out``: (n, r), what each row would be predicted as, had it been left out.
    """

    coef: np.ndarray
    intercept: np.ndarray
    left_out: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> "Ridge":
        """Fit (n, p) float32 to (n, r); of ``PENALTIES``, the one with the least squared error of rows left out.

        Takes the eigenvalues of the smaller of both Gram matrices. Reference: Golub, Heath and Wahba, "Generalized
        cross-validation as a method for choosing a good ridge parameter", 1979; Allen's PRESS, 1974.
        """
        from scipy.linalg import eigh

        share = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
        root = np.sqrt(share)[:, None].astype(np.float32)
        x_mean, y_mean = (share @ x).astype(np.float32), share @ y
        z, target = (x - x_mean) * root, (y - y_mean) * root
        wide = z.shape[1] > len(z)
        values, vectors = eigh(z @ z.T if wide else z.T @ z, driver="evd", overwrite_a=True)
        kept = values > max(values[-1], 0.0) * max(z.shape) * np.finfo(np.float32).eps
        values, vectors = values[kept].astype(np.float64), vectors[:, kept]
        left = vectors if wide else z @ (vectors / np.sqrt(values).astype(np.float32))  # (n, k), orthonormal columns
        along = left.T @ target  # (k, r)
        best: tuple[float, np.ndarray, np.ndarray] | None = None
        for penalty in PENALTIES * (values.sum() / max(z.shape[1], 1) if values.size else 1.0):
            shrunk = values / (values + penalty)
            # A row also pulls at the mean, by its own share.
            pull = np.minimum(np.square(left) @ shrunk + share, 1 - 1e-6)[:, None]
            error = (target - left @ (shrunk[:, None] * along)) / (1 - pull)
            loss = float(np.square(error).sum())
            if best is None or loss < best[0]:
                best = loss, shrunk, error
        assert best is not None
        _, shrunk, error = best
        slopes = (shrunk / np.sqrt(values))[:, None] * along
        coef = z.T @ (left @ (slopes / np.sqrt(values)[:, None])) if wide else vectors @ slopes
        residual = np.divide(error, root, out=np.zeros_like(error), where=root > 0)
        return cls(coef, y_mean - x_mean @ coef, y - residual)
