"""Moves a problem, whole, to where it is to be computed."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

Record = TypeVar("Record")


def moved_to(record: Record, device: torch.device | str) -> Record:
    """The same record with every tensor in it, at any depth, on the device."""
    if isinstance(record, Tensor):
        return record.to(device)  # type: ignore[return-value]
    if isinstance(record, tuple):
        return tuple(moved_to(item, device) for item in record)  # type: ignore[return-value]
    if is_dataclass(record) and not isinstance(record, type):
        parts = {one.name: moved_to(getattr(record, one.name), device) for one in fields(record)}
        return replace(record, **parts)
    return record
