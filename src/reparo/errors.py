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
    """A network's weights have not been pulled yet."""
