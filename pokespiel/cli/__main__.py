"""``python -m pokespiel.cli``."""

import sys

from pokespiel.cli import main

sys.exit(main())
