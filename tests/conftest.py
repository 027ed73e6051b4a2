"""What holds for all tests: a library uses one thread where the product does not say how many.

Matrices this small are slower on several threads, by far where other processes use the cores.
"""

import os

# Libraries read them when they are imported, which is later; processes that tests start have them too.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
