# SPDX-License-Identifier: GPL-2.0-only
"""Run the workbench: python3 workbench COMMAND [NAME=value ...]."""

import sys

from cli.main import main

sys.exit(main())
