"""Does a messy table cost anything? The test AUC on one as people write it, and on the same table cleaned by hand.

    python benchmarks/messy.py [--rows 1200] [--seconds 20 | --trials 8] [--seed 0]

The messy one holds currency, percent, decimal commas, three forms of dates, marks of missing values, spaces and an id.
The aim: within 0.01 of the clean one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import AUTOML, run, table

_DATE_FORMS = ("%Y-%m-%d", "%d/%m/%Y", "%b %d, %Y")
_MARKS = ("", "-", "TBD", "n.a.", "unknown")


def clean(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table as it would be after a careful morning: numbers, ISO dates, empty fields."""
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(n) + 100_000,
            "income": np.exp(rng.normal(10.5, 0.7, n)).round(2),
            "rate": rng.uniform(0, 60, n).round(1),
            "weight": rng.normal(75, 15, n).round(1),
            "since": pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 3_650, n), unit="D"),
            "balance": rng.normal(0, 5_000, n).round(2),
            "region": rng.choice(["EU", "NA", "AS", "SA"], n),
        }
    )
    signal = (
        np.log(frame["income"]) - 10.5
        + (frame["rate"] - 30) / 25
        + (frame["weight"] - 75) / 25
        + (frame["since"].dt.year - 2017) / 4
        + frame["balance"] / 8_000
        + (frame["region"] == "NA")
    )  # fmt: skip
    frame["target"] = np.where(signal + rng.logistic(0, 0.7, n) > signal.median(), "yes", "no")
    for name in ("income", "rate", "weight", "since", "balance"):
        frame.loc[rng.random(n) < 0.05, name] = None
    return frame


def messy(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the same table as people hand it over."""

    def written(name: str, write: Any) -> list[str]:
        return [rng.choice(_MARKS) if pd.isna(value) else write(value) for value in frame[name]]

    def accounting(value: float) -> str:
        return f"({-value:,.2f})" if value < 0 else f"{value:,.2f}"

    return frame.assign(
        customer_id=[f"C-{value:07d}" for value in frame["customer_id"]],
        income=written("income", lambda v: f"${v:,.2f}"),
        rate=written("rate", lambda v: f"{v}%"),
        weight=written("weight", lambda v: f"{v} kg".replace(".", ",")),
        since=written("since", lambda v: v.strftime(rng.choice(_DATE_FORMS))),
        balance=written("balance", accounting),
        region=[f"{' ' * int(rng.integers(0, 3))}{value} " for value in frame["region"]],
    )


def score(frame: pd.DataFrame, folder: Path, budget: list[str], seed: int) -> dict[str, Any]:
    """Search on three quarters of the rows; return the AUC of the shipped model on the others."""
    folder.mkdir(parents=True, exist_ok=True)
    n_train = len(frame) * 3 // 4
    frame[:n_train].to_csv(folder / "train.csv", index=False)
    frame[n_train:].to_csv(folder / "test.csv", index=False)
    given = [f"data.train={folder / 'train.csv'}", "data.target=target", f"data.test={folder / 'test.csv'}"]
    given += [
        "metric=roc_auc",
        *budget,
        f"seed={seed}",
        "runner=inline",
        f"run.dir={folder / 'run'}",
    ]
    done = run([*AUTOML, "search", *given], folder / "log.txt")
    if done.returncode:
        raise SystemExit(done.output)
    manifest = json.loads((folder / "run" / "model" / "manifest.json").read_text())
    return {"test AUC": manifest["scores"]["test roc_auc"], "seconds": round(done.seconds, 1)}


def main() -> None:
    """Score both tables and print the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--trials", type=int, help="instead of seconds: the same work on a busy machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/messy"))
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    frame = clean(given.rows, rng)
    tables = {"cleaned by hand": frame, "messy": messy(frame, rng)}
    budget = [f"budget.seconds={given.seconds:g}"]
    if given.trials:
        budget = ["budget.seconds=null", f"budget.trials={given.trials}"]
    found = [
        {"table": name, **score(t, given.out / str(given.seed) / name.replace(" ", "_"), budget, given.seed)}
        for name, t in tables.items()
    ]
    print(table(found))
    print(f"difference: {found[0]['test AUC'] - found[1]['test AUC']:.4f} (the aim: at most 0.01)")


if __name__ == "__main__":
    main()
