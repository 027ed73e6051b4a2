"""A space of a person's own in a YAML file: in the form that ``automl space`` prints, as much of it as is changed."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from automl import files
from automl.errors import ConfigError, in_one_line


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what the file at ``path`` says about the space: ``{"images": {"conv_stages": ...}, ...}``.

    Its paths and values are checked where the space is configured (``automl.space.overrides``). Raises ``ConfigError``
    for a file that cannot be read, is beyond the limits of ``files.yaml_text``, is no YAML, or holds no mapping.
    """
    try:
        found = _parsed(files.yaml_text(Path(path)))
    except OSError as error:
        raise ConfigError(f"The space_file '{path}' cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"The space_file '{path}' is no YAML that can be used: {in_one_line(error)}.") from None
    if not isinstance(found, Mapping) or not all(isinstance(part, Mapping | list) for part in found.values()):
        raise ConfigError(
            f"The space_file '{path}' holds parts of the space, as in 'images: {{conv_stages: {{dropout: 0.1}}}}'; "
            "`automl space` prints all there are."
        )
    return {str(name): part for name, part in found.items()}


def _parsed(text: str) -> Any:
    """Read YAML as Hydra reads it: there, 1e-3 is a number."""
    try:
        return OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=False)
    except OSError:  # OmegaConf's, where all that there is is a number
        return None
