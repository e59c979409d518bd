"""Times debiased transport and both its gradients against geomloss's tensorised SamplesLoss.

    python benchmarks/transport.py [--rounds 15] [--dtype float32] [--move 0.01]

Blur 0.05 in 6 dimensions; each round times all three one after another, the table has medians.
"cold" knows nothing, "warm" starts from the potentials of the clouds before every point of both
moved in a random direction by 1 % of the diagonal. "columns" is the sum of |column - 1/m| of the
plan whose rows are made to sum to 1/n, for us cold, us warm and geomloss (from its potentials).
"""

import argparse
import statistics
import time

import torch
from geomloss import SamplesLoss
from torch import Tensor

from reparo.transport import Potentials, Solver, Transport

BLUR = 0.05
DIMENSIONS = 6


def uniform(n: int) -> tuple[Tensor, Tensor]:
    """Two samples of the unit cube."""
    return torch.rand(n, DIMENSIONS), torch.rand(n, DIMENSIONS)


def normal(n: int) -> tuple[Tensor, Tensor]:
    """Two samples of the normal distribution: the blur is 1/200 of the diagonal, the hardest."""
    return torch.randn(n, DIMENSIONS), torch.randn(n, DIMENSIONS)


def blobs(n: int) -> tuple[Tensor, Tensor]:
    """Two blobs of different place and size."""
    return 0.2 * torch.randn(n, DIMENSIONS), 0.1 * torch.randn(n, DIMENSIONS) + 0.4


def surfaces(n: int) -> tuple[Tensor, Tensor]:
    """Place, depth and colour of a curved surface, seen twice by different pixels."""
    return surface(n, 1.1) + 0.1, surface(n, 1.0)


def surface(n: int, scale: float) -> Tensor:
    """Points [n, 6] of a coloured surface."""
    u, v = torch.rand(2, n)
    depth = 0.3 * torch.sin(3 * u) * torch.cos(2 * v)
    colour = 0.5 + 0.3 * torch.cos(torch.stack([5 * u, 4 * v, 3 * (u + v)], 1))
    return torch.cat([scale * torch.stack([u, v, depth], 1), colour + 0.02 * torch.randn(n, 3)], 1)


def moved(n: int) -> tuple[Tensor, Tensor]:
    """A cloud and its own moved, shaken copy."""
    x = torch.rand(n, DIMENSIONS)
    return x, x + 0.1 + 0.02 * torch.randn(n, DIMENSIONS)


def shaken(points: Tensor, share: float) -> Tensor:
    """Every point moved by a share of the cloud's diagonal, each its own way."""
    length = share * (points.amax(0) - points.amin(0)).norm()
    return points + length * torch.nn.functional.normalize(torch.randn_like(points), dim=1)


def geomloss(x: Tensor, y: Tensor) -> None:
    """Value and gradients by geomloss."""
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    loss = SamplesLoss("sinkhorn", p=2, blur=BLUR, backend="tensorized")
    torch.autograd.grad(loss(x, y), (x, y))


def ours(x: Tensor, y: Tensor, start: Potentials | None = None) -> Potentials:
    """Value and gradients by ours; returns where to start next."""
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    answer = Solver(BLUR).divergence(x, y, start=start)
    torch.autograd.grad(answer.value, (x, y))
    return answer.potentials


def column_error(plan: Tensor) -> float:
    """Sum of |column - 1/m| of a plan whose rows are made to sum to 1/n."""
    rows = plan / plan.sum(1, keepdim=True)
    return float((rows.mean(0) - 1 / plan.shape[1]).abs().sum())


def geomloss_error(x: Tensor, y: Tensor) -> float:
    """The same of the plan behind geomloss's potentials."""
    loss = SamplesLoss(
        "sinkhorn", p=2, blur=BLUR, backend="tensorized", potentials=True, debias=False
    )
    _, g = loss(x, y)
    return column_error(((g - torch.cdist(x, y).square() / 2) / BLUR**2).softmax(1))


def seconds(call, *arguments) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begin


def row(make, n: int, rounds: int, move: float) -> str:
    """One line of the table."""
    before = make(n)
    x, y = (shaken(points, move) for points in before)
    start = ours(*before)
    calls: list[tuple] = [(geomloss, x, y), (ours, x, y), (ours, x, y, start)]
    times = [[seconds(*call) for call in calls] for _ in range(rounds + 1)][1:]
    theirs, cold, warm = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
    plans: list[Transport] = [Solver(BLUR).transport(x, y, start=s) for s in (None, start)]
    errors = [column_error(plan.plan) for plan in plans] + [geomloss_error(x, y)]
    return (
        f"{make.__name__:9}{n:5} {theirs:9.1f} {cold:7.1f} {warm:7.1f} {theirs / cold:7.1f}x"
        f" {theirs / warm:7.1f}x   " + " ".join(f"{error:.3f}" for error in errors)
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--move", type=float, default=0.01, help="share of the diagonal")
    parser.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    torch.set_default_dtype(getattr(torch, settings.dtype))
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    print("clouds       n  geomloss    cold    warm    cold    warm    columns: cold warm geomloss")
    print("                      ms      ms      ms")
    for make in (uniform, normal, blobs, surfaces, moved):
        for n in (512, 1024):
            print(row(make, n, settings.rounds, settings.move), flush=True)


if __name__ == "__main__":
    main()
