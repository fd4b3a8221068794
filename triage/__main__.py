"""The way in: runs the command line, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Final

import click

from triage.cli import cli
from triage.errors import TriageError
from triage.vocabulary import printable

_COLLECT_AFTER: Final = (50_000, 10, 10)
"""Objects made, and rounds gone by, before Python looks for circles of objects to free.

A run makes few circles and many lasting objects (modules, rules, flags): by the usual limits, of
hundreds, looking through them took a tenth of a council's year.
"""


def main() -> None:
    """Run the command line and leave with the exit code of the contract.

    0 ran to the end, 1 ``--fail-on`` met, 2 call, configuration or rule wrong, 3 input unusable,
    4 store busy, damaged or out of reach.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")
    gc.set_threshold(*_COLLECT_AFTER)
    code = run()
    # The system takes back the memory at once; going through it all first takes a fifth of a
    # council's year.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line with ``arguments`` and return its exit code; no traceback is shown.

    With TRIAGE_DEBUG set, an error that the product did not foresee is raised as it is.
    """
    try:
        code = cli.main(arguments, prog_name="triage", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except SystemExit:
        # click leaves so, and only so, when the reader of a pipe has gone.
        _forget_output()
        return 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except TriageError as error:
        _say(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("triage: stopped; nothing was stored.", err=True)
        return 130
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as error:
        _say(f"the result could not be written ({error}).")
        _forget_output()
        return 2
    except Exception as error:
        if os.environ.get("TRIAGE_DEBUG"):
            raise
        _say(
            f"something went wrong that should not have ({type(error).__name__}: {error}). "
            "Please report it; TRIAGE_DEBUG=1 shows where."
        )
        return 2


def _say(message: str) -> None:
    """Print a message; what a file is called may be a command to the terminal, and is not sent."""
    click.echo("triage: " + "\n".join(map(printable, message.split("\n"))), err=True)


def _forget_output() -> None:
    """Send what is left of the output nowhere: the one who read it is gone, or cannot take it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
