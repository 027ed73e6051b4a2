"""The systems that are compared: what each needs installed, and the script that runs it."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).with_name("scripts")


@dataclass(frozen=True)
class System:
    """One system with its settings.

    ``script``: the file in ``scripts/`` that fits and predicts; ``setting``: its argument. ``requires``: what pip
    installs into a virtual environment of its own; nothing for what runs in ours. ``timed``: whether it keeps to a
    budget; one that does not runs once.
    """

    name: str
    script: str
    setting: str = ""
    requires: tuple[str, ...] = ()
    timed: bool = True

    def python(self, environments: Path) -> str:
        """Return the interpreter that runs it; its environment is made where it is not there yet.

        Raises ``CalledProcessError`` where pip fails.
        """
        if not self.requires:
            return sys.executable
        folder = environments / self.script
        interpreter = folder / "bin" / "python"
        ready = folder / "ready"
        if not ready.exists():
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run([str(interpreter), "-m", "pip", "install", "-q", *self.requires], check=True)
            ready.touch()
        return str(interpreter)


_AUTOGLUON = ("autogluon.tabular[lightgbm,catboost,xgboost,fastai]>=1.6,<1.7",)
SYSTEMS = {
    system.name: system
    for system in (
        System("automl", "automl"),
        System("sklearn_default", "sklearn_default", timed=False),
        System("lightgbm_default", "lightgbm_default", timed=False),
        System("flaml", "flaml", requires=("flaml[automl]>=2.3,<3",)),
        System("h2o", "h2o", requires=("h2o>=3.46,<4", "pandas>=2,<4")),
        System("autogluon_medium", "autogluon", "medium_quality", _AUTOGLUON),
        System("autogluon_best", "autogluon", "best_quality", _AUTOGLUON),
        System("autogluon_best_v150", "autogluon", "best_v150", _AUTOGLUON),
    )
}
# Nothing is compared without them.
ALWAYS = ("automl", "sklearn_default", "lightgbm_default")
