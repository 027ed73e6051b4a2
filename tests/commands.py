"""Commands of the command line, in processes of their own or, which spares the start of a process, in this one."""

import contextlib
import io
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from automl import cli

# -P: like the installed command, which does not look for modules in the current folder.
AUTOML = [sys.executable, "-P", "-W", "ignore", "-m", "automl.cli"]


def automl_process(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``automl arguments`` as a person does."""
    return subprocess.run(
        [*AUTOML, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


def automl(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``automl arguments`` here; what it changes of the process is undone."""
    given = [*map(str, arguments)]
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(cwd)
        patch.setattr(sys, "path", [*sys.path])
        patch.setattr(cli, "STARTED", time.time())
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(errors))
        try:
            cli.main(given)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(given, code, output.getvalue(), errors.getvalue())
