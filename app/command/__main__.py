"""`python -m anisoscope.app.command`, where the installed command is not on the path."""

import sys

from . import main

sys.exit(main())
