"""`python -m convnet demo` and `python -m convnet info`."""

import sys

from convnet.cli import main

sys.exit(main())
