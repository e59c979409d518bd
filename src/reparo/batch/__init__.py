"""Many photos: several at once, within a budget of memory; what fails does not stop the rest.

`run_all` goes through a folder of photos by an engine: `local`, processes on this machine, or
`ray`, a cluster. Importing this loads no model library: only the workers do.
"""

from reparo.batch.drive import How, run_all
from reparo.batch.photos import SUFFIXES

__all__ = ["SUFFIXES", "How", "run_all"]
