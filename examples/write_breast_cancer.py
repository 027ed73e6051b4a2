"""Write scikit-learn's breast cancer data as train.csv and test.csv: what `make demo` searches on."""

import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split


def main(folder: str) -> None:
    """Write a stratified split, one fifth for the test."""
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.data.assign(diagnosis=bunch.target_names[bunch.target])
    train, test = train_test_split(frame, test_size=0.2, stratify=frame["diagnosis"], random_state=0)
    Path(folder).mkdir(parents=True, exist_ok=True)
    train.to_csv(Path(folder, "train.csv"), index=False)
    test.to_csv(Path(folder, "test.csv"), index=False)


if __name__ == "__main__":
    main(sys.argv[1])
