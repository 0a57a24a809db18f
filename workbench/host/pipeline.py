# SPDX-License-Identifier: GPL-2.0-only
"""Run pipelines of programs, and report the cause of a failure."""

import signal
import subprocess
import time
from pathlib import Path

from host.console import Progress, UserError
from host.environment import environment
from host.process import start, stop


def _cause(commands: list, statuses: list[int], log: Path) -> str:
    """Return why a pipeline failed: a killed program, printed messages or an exit status.

    SIGPIPE and its message are ignored: they are a consequence, since the reader ended before.
    """
    killed = [f'{command[0]} was killed by {signal.Signals(-status).name}'
              f' ({signal.strsignal(-status)})'
              for command, status in zip(commands, statuses)
              if status < 0 and -status != signal.SIGPIPE]
    printed = [line for line in log.read_text(errors='replace').splitlines()[1:]
               if 'Broken pipe' not in line]
    failed = [f'{command[0]} ended with {status}'
              for command, status in zip(commands, statuses) if status]
    return '; '.join(killed or printed[:2] or failed)


def run_pipeline(commands: list, log: Path, title: str) -> None:
    """Run programs, each of which reads the output of the one before.

    Write their messages to the log. Raise UserError with the cause unless every
    program succeeds.
    """
    progress = Progress(title)
    children: list[subprocess.Popen] = []
    with open(log, 'wb') as out:
        out.write((' | '.join(' '.join(map(str, command)) for command in commands) + '\n').encode())
        out.flush()
        try:
            for command in commands:
                last = command is commands[-1]
                children.append(start(
                    command, env=environment(), stderr=out,
                    stdin=children[-1].stdout if children else subprocess.DEVNULL,
                    stdout=out if last else subprocess.PIPE))
                read_end = children[-2].stdout if len(children) > 1 else None
                if read_end:
                    read_end.close()
            while any(child.poll() is None for child in children):
                time.sleep(0.05)
                progress.tick()
        except FileNotFoundError as error:
            progress.done('failed')
            raise UserError(f'{title} failed: {error.filename} is not installed') from None
        except BaseException:
            progress.done('stopped')
            raise
        finally:
            for child in children:
                if child.stdout:
                    child.stdout.close()
                stop(child)
    statuses = [child.returncode for child in children]
    if any(statuses):
        progress.done('failed')
        raise UserError(f'{title} failed: {_cause(commands, statuses, log)}; log: {log}')
    progress.done()
