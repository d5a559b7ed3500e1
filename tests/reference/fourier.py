"""Slow twins of the pictures made of waves and of the moves: sums over every wave and every pixel, in float64."""

import cmath
import math

import torch
from torch import Tensor


def falloff(height: int, width: int) -> Tensor:
    """1 / frequency, one wave after the other."""
    found = torch.zeros(height, width // 2 + 1, dtype=torch.float64)
    for row in range(height):
        for column in range(width // 2 + 1):
            down = (row if row < (height + 1) // 2 else row - height) / height
            frequency = math.sqrt(down**2 + (column / width) ** 2)
            found[row, column] = 1 / max(frequency, 1 / max(height, width))
    return found


def picture_of(waves: Tensor, width: int) -> Tensor:
    """Sum the real waves that half of a spectrum stands for, pixel by pixel; a quarter of the unitary sum."""
    height, half = waves.shape[:2]
    strength = falloff(height, width)
    picture = torch.zeros(height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            total = 0.0
            for row in range(height):
                for column in range(half):
                    wave = complex(*waves[row, column].tolist()) * float(strength[row, column])
                    turned = wave * cmath.exp(2j * math.pi * (row * y / height + column * x / width))
                    # All but the first column, and the last of an even width, stand for their mirror image as well.
                    alone = column == 0 or (width % 2 == 0 and column == width // 2)
                    total += turned.real * (1 if alone else 2)
            picture[y, x] = total / math.sqrt(height * width) / 4
    return picture


def moved(picture: Tensor, down: float, across: float, factor: float, degrees: float) -> Tensor:
    """Read each pixel of one channel where it comes from: shifts in pixels, grey outside, bilinear between."""
    height, width = picture.shape
    angle = math.radians(degrees)
    found = torch.zeros_like(picture)
    for row in range(height):
        for column in range(width):
            y, x = row - (height - 1) / 2, column - (width - 1) / 2
            from_x = (math.cos(angle) * x - math.sin(angle) * y) / factor + across + (width - 1) / 2
            from_y = (math.sin(angle) * x + math.cos(angle) * y) / factor + down + (height - 1) / 2
            found[row, column] = _between(picture, from_y, from_x)
    return found


def _between(picture: Tensor, y: float, x: float) -> float:
    top, left = math.floor(y), math.floor(x)
    total = 0.0
    for row, by_row in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, by_column in ((left, 1 - (x - left)), (left + 1, x - left)):
            inside = 0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]
            total += by_row * by_column * (float(picture[row, column]) if inside else 0.5)
    return total
