"""What every option of each kind has to keep, as checks for options of one's own too; they need no test framework.

from automl.testing import check_option

def test_my_loss():
    check_option("losses", "my_package.my_loss")
"""

from automl.option import TARGETS
from automl.testing.check import check_option
from automl.testing.tasks import QUANTILES, make_task

__all__ = ["QUANTILES", "TARGETS", "check_option", "make_task"]
