# SPDX-License-Identifier: GPL-2.0-only
"""Run the workbench: python3 workbench COMMAND [NAME=value ...]."""

import sys

from host.paths import CACHE


def _main() -> int:
    # The start takes half the time with compiled modules, which are stored outside of the clone.
    sys.pycache_prefix = str(CACHE / 'python')
    sys.dont_write_bytecode = False
    from cli.main import main
    return main()


sys.exit(_main())
