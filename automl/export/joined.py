"""Models of several targets in one folder: each in a folder of its own, and one ``predict.py`` that answers all."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from automl import files
from automl.export.one_file import predict_py
from automl.export.package import put
from automl.runtime.manifest import FORMAT, checksum
from automl.runtime.models import Several

README = """# Models for {targets}

One model for each target, in a folder of its own that can be used alone; see its `README.md`. `predict.py` here answers
all targets at once, in columns of their names. It needs Python 3.11, numpy and onnxruntime 1.21, or newer:

    python predict.py data.csv -o predictions.csv

From Python, with a mapping of column names to values:

    from predict import open_model
    open_model(".").predict(x)

`manifest.json` names the folders, and the SHA-256 of their manifests, which name those of every other file.
"""


def join(models: Mapping[str, Path], folder: Path) -> None:
    """Write the shipped ``models``, folders by the names of their targets, into ``folder`` as one, whole or not at all.

    They are copied, each into a folder that is called as the one its model lies in. Every byte is checked before
    anything is put there. Raises ``AutoMLError`` when the disk is full.
    """
    with files.room(folder.parent), files.scratch(folder.parent, f".{folder.name}-") as scratch:
        draft = scratch / folder.name
        draft.mkdir()
        listed = []
        for target, model in models.items():
            name = model.parent.name
            shutil.copytree(model, draft / name)
            digest = hashlib.sha256((draft / name / "manifest.json").read_bytes()).hexdigest()
            listed.append({"target": target, "folder": name, "manifest": digest})
        manifest = {"format": FORMAT, "models": listed}
        manifest["checksum"] = checksum(manifest)
        written = {
            "manifest.json": json.dumps(manifest, indent=1, ensure_ascii=False) + "\n",
            "predict.py": predict_py(),
            "README.md": README.format(targets=", ".join(f"`{target}`" for target in models)),
        }
        for name, content in written.items():
            files.write(draft / name, content, files.PUBLIC)
        Several(draft, threads=1)
        put(draft, folder, scratch / "earlier")
