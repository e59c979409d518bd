"""`python -m reparo.cli`."""

import sys

from reparo.cli import main

sys.exit(main())
