"""The command line: one dataclass a command is its settings, its help and its checks.

Exit codes: 0 done, 1 a fault of ours, 2 something the user can mend, 130 Ctrl-C.
"""

import signal
import sys
from types import FrameType

from reparo.errors import ReparoError

DONE, OURS, YOURS, STOPPED = 0, 1, 2, 130
REPORT = "this should not have happened, please report it with the output of --log-level debug"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    interrupted = _watch_interrupts()
    try:
        from reparo.cli.commands import execute

        execute(arguments)
    except ReparoError as error:
        return _say(str(error), YOURS)
    except KeyboardInterrupt:
        return _say("stopped", STOPPED)
    except BrokenPipeError:  # whoever read our output has closed it
        sys.stdout = None
        return DONE
    except Exception as error:
        if interrupted:  # a library was just loading and turned Ctrl-C into an error of its own
            return _say("stopped", STOPPED)
        if "debug" in arguments:
            import traceback

            traceback.print_exc()
        return _say(f"{type(error).__name__}: {error}; {REPORT}", OURS)
    return DONE


def _say(sentence: str, code: int) -> int:
    print(f"reparo: {' '.join(sentence.split())}", file=sys.stderr)
    return code


def _watch_interrupts() -> list[int]:
    """Fills the list that it returns when Ctrl-C comes, and raises KeyboardInterrupt as ever."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:  # not in the main thread: nothing to watch
        pass
    return seen
