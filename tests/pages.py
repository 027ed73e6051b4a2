"""What the pages for people say to do: their fenced blocks and the commands in them."""

import re
import shlex
from collections.abc import Collection, Iterable
from pathlib import Path

from automl.hydra_app import composed

ROOT = Path(__file__).parent.parent


def blocks(path: str, kind: str) -> list[str]:
    """The fenced blocks of ``kind`` ("bash", "python", ...) of the page at ``path``, in their order."""
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)


def commands(path: str) -> list[str]:
    """The lines of the page's bash blocks, without their comments."""
    lines = [line.split("#")[0].strip() for block in blocks(path, "bash") for line in block.splitlines()]
    return [line for line in lines if line]


def compositions(searches: Iterable[str]) -> list[list[str]]:
    """The overrides of ``automl search`` commands (of several seeds, the first), in few lists: composing takes time.

    Commands share a list where neither has a group (``searcher``, ``data``, ...) that the other sets otherwise.
    """
    packed: list[list[str]] = []
    for command in searches:
        words = [word for word in shlex.split(command)[2:] if "=" in word]
        own = [word.split(",")[0] if word.startswith("seed=") else word for word in words]
        room = next((given for given in packed if not _groups(own, given) & _groups(given, own)), None)
        if room is None:
            packed.append(own)
        else:
            room += [word for word in own if word not in room]
    return packed


def _groups(overrides: Iterable[str], others: Collection[str]) -> set[str]:
    return {re.split(r"[.=]", word)[0] for word in overrides if word not in others}


def compose(overrides: list[str]) -> None:
    """Compose a configuration; where no data is named, of any."""
    train = [] if any(word.startswith("data.train") for word in overrides) else ["data.train=x"]
    assert composed([*train, *overrides])["data"]["train"]


def check_exists(command: str) -> None:
    """Check that ``automl`` has the command, or the Makefile the target."""
    from automl.usage import COMMANDS

    program, name = command.split()[:2]
    if program == "automl":
        assert f"automl {name}" in COMMANDS
    if program == "make":
        assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
