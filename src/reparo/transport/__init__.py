"""Points onto points: entropic optimal transport, pure mathematics that knows no scenes."""

from reparo.transport.solver import (
    Divergence,
    Potentials,
    Solver,
    Transport,
    divergence,
    transport,
)

__all__ = ["Divergence", "Potentials", "Solver", "Transport", "divergence", "transport"]
