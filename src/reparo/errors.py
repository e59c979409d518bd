"""What a user can mend: each message says what was wanted, what came, what to do."""


class ReparoError(Exception):
    """Anything a user can mend; the command line shows the sentence and exits 2."""


class InputError(ReparoError):
    """A file, a setting or an argument is not what it should be."""


class UnknownBackend(ReparoError):
    """No installed backend has that name."""


class MissingExtra(ReparoError):
    """A backend is there, but not the packages it needs."""


class MissingWeights(ReparoError):
    """A network's weights have not been pulled yet; `names` are those that a pull would bring."""

    def __init__(self, sentence: str, *names: str) -> None:
        super().__init__(sentence)
        self.names = names


class LicenceNotAccepted(ReparoError):
    """A network's licence restricts its use, and nobody said that this is accepted."""


class BackendFailed(ReparoError):
    """A program, a service or a network did not do its part; one object is lost, not the scene."""


class OutOfMemory(BackendFailed):
    """As above, for want of memory: with less detail it may work."""
