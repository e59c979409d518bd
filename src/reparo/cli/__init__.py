"""The command line: one dataclass a command is its settings, its help and its checks.

Exit codes: 0 done, 1 a fault of ours, 2 something the user can mend, 130 Ctrl-C.
"""

import io
import os
import sys

from reparo.cli import interrupts
from reparo.errors import ReparoError

DONE, OURS, YOURS, STOPPED = 0, 1, 2, 130
REPORT = "this should not have happened, please report it with the output of --log-level debug"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    with interrupts.watched(last=arguments is None):
        return _ended(sys.argv[1:] if arguments is None else arguments)


def _ended(arguments: list[str]) -> int:
    """How the command ended, said in a sentence where it did not end well."""
    # Threads that wait sleep: where other programs are busy too, spinning ones slow torch down by
    # more than ten times. OpenMP reads this once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path comes out as it is, text or not
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        from reparo.cli.commands import execute

        execute(arguments)
    except ReparoError as error:
        return _say(str(error), YOURS)
    except KeyboardInterrupt:
        return _say("stopped", STOPPED)
    except BrokenPipeError:  # whoever read our output has closed it
        sys.stdout = None
    except Exception as error:
        if interrupts.came():  # a library was just loading and made an error of its own of it
            return _say("stopped", STOPPED)
        if "debug" in arguments:
            import traceback

            traceback.print_exc()
        return _say(f"{type(error).__name__}: {error}; {REPORT}", OURS)
    return DONE


def _say(sentence: str, code: int) -> int:
    print(f"reparo: {' '.join(sentence.split())}", file=sys.stderr)
    return code
