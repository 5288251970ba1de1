"""`python -m convnet demo`, `info` and `profile`."""

import sys

from convnet.cli import main

sys.exit(main())
