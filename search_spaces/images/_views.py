"""What images go through before a network: standardised, and in training moved, changed, erased and mixed."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

_VALUES_AT_ONCE = 2**21

# Views of an image: how many pixels down and right it is moved, and whether it is mirrored. What answers may be
# averaged over, the image itself first: a pixel's move in each direction, the mirror image, and both.
_ITSELF, _MIRRORED = (0, 0, False), (0, 0, True)
_MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
_AROUND = (_ITSELF, *((*move, False) for move in _MOVES))
SETS = ((_ITSELF, _MIRRORED), _AROUND, (*_AROUND, _MIRRORED, *((*move, True) for move in _MOVES)))


def moved(image: Tensor, down: int, right: int, mirrored: bool) -> Tensor:
    """Return images (b, h, w, c) moved by so many pixels; what comes in repeats the border."""
    for axis, by in ((1, down), (2, right)):
        if by:
            size = image.shape[axis]
            image = image.index_select(axis, (torch.arange(size, device=image.device) - by).clamp(0, size - 1))
    return image.flip(2) if mirrored else image


class Standardise(nn.Module):
    """Raw images to channels of mean 0 and deviation 1 over the training images.

    Shape: (b, h, w, c) in the raw value range -> (b, c, h, w), in channels-last memory order.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        mean = _pixel_mean(lambda part: part, images)
        std = np.sqrt(_pixel_mean(lambda part: np.square(part - mean.astype(np.float32)), images))
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(1 / np.maximum(std, 1e-6), dtype=torch.float32))

    def forward(self, image: Tensor) -> Tensor:
        return ((image - self.mean) * self.scale).permute(0, 3, 1, 2)


def _pixel_mean(change: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """Return the mean of each channel of ``change(images)``, (c,) float64, without a changed copy of them all."""
    size = max(1, _VALUES_AT_ONCE // images[0].size)
    parts = (images[i : i + size] for i in range(0, len(images), size))
    sums = [change(part).sum(axis=(0, 1, 2), dtype=np.float64) for part in parts]
    return np.sum(sums, axis=0) / np.prod(images.shape[:3])


class RandomMoves(nn.Module):
    """Raw images moved by whole pixels and mirrored, while training only: one gather, so it costs next to nothing.

    ``shift``: largest move, a share of the size; what comes in is reflected. ``flip``: mirror left and right half of
    the time.

    Shape: (b, h, w, c) -> (b, h, w, c).
    """

    def __init__(self, shift: float = 0.0, flip: bool = False) -> None:
        super().__init__()
        self.shift, self.flip = shift, flip

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not (self.shift or self.flip):
            return x
        n, height, width, channels = x.shape
        rows, columns = self._places(n, height, x), self._places(n, width, x)
        if self.flip:
            mirrored = torch.rand(n, 1, device=x.device) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        index = (rows[:, :, None] * width + columns[:, None, :]).reshape(n, -1, 1)
        return x.reshape(n, -1, channels).gather(1, index.expand(-1, -1, channels)).reshape(x.shape)

    def _places(self, n: int, size: int, x: Tensor) -> Tensor:
        """Return where each of ``size`` pixels comes from, (n, size), reflected at the ends."""
        most = min(round(self.shift * size), size - 1)
        moves = torch.randint(-most, most + 1, (n, 1), device=x.device)
        places = (torch.arange(size, device=x.device) + moves).abs()
        return (size - 1) - ((size - 1) - places).abs()


class RandomViews(nn.Module):
    """Random views of standardised images, while training only; every number 0 means "leave as it is".

    ``zoom``: largest relative change of size. ``rotate_degrees``: largest turn. ``brightness``: deviation of a random
    contrast and level, in deviations of the pixels. ``cutout``: side of an erased square, a share of the size (DeVries
    and Taylor 2017).

    Shape: (b, c, h, w) -> (b, c, h, w).
    """

    def __init__(
        self, zoom: float = 0.0, rotate_degrees: float = 0.0, brightness: float = 0.0, cutout: float = 0.0
    ) -> None:
        super().__init__()
        self.zoom, self.rotate_degrees, self.brightness, self.cutout = zoom, rotate_degrees, brightness, cutout

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        if self.zoom or self.rotate_degrees:
            x = self._turn(x)
        if self.brightness:
            contrast, level = (torch.randn(2, len(x), 1, 1, 1, device=x.device) * self.brightness).unbind()
            x = x * torch.exp(0.5 * contrast) + level
        return self._erase(x) if self.cutout else x

    def _turn(self, x: Tensor) -> Tensor:
        """Turn and zoom each image by one affine map; what comes in repeats the border."""
        n, _, height, width = x.shape

        def spread(limit: float) -> Tensor:
            return (torch.rand(n, device=x.device) * 2 - 1) * limit

        angle, size = spread(self.rotate_degrees * torch.pi / 180), torch.exp(spread(self.zoom))
        # Coordinates run over [-1, 1] on both axes, so a turn of an oblong image needs its aspect.
        cos, sin, aspect = torch.cos(angle) * size, torch.sin(angle) * size, height / width
        still = torch.zeros_like(cos)
        rows = ([cos, -sin * aspect, still], [sin / aspect, cos, still])
        theta = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    def _erase(self, x: Tensor) -> Tensor:
        """Set a square at a random place, partly outside perhaps, to the mean."""
        n, _, height, width = x.shape

        def outside(size: int) -> Tensor:
            centre = torch.rand(n, 1, device=x.device) * size
            return (torch.arange(size, device=x.device) + 0.5 - centre).abs() > self.cutout * size / 2

        return x * (outside(height)[:, None, :, None] | outside(width)[:, None, None, :])


class CutMix:
    """Puts a box of another image into each (Yun et al. 2019, arXiv:1905.04899), in a ``share`` of the batches.

    Shape: images (b, h, w, c), others (b,) -> images, and the share of pixels that each keeps.
    """

    def __init__(self, alpha: float, share: float) -> None:
        self.alpha, self.share = alpha, share

    def __call__(self, other: Tensor, x: Tensor) -> tuple[Tensor, float]:
        if torch.rand(()) >= self.share:
            return x, 1.0
        height, width = x.shape[1:3]
        side = float(torch.distributions.Beta(self.alpha, self.alpha).sample()) ** 0.5
        rows, columns = (self._span(size, side) for size in (height, width))
        x = x.clone()
        x[:, rows, columns] = x[other][:, rows, columns]
        return x, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)

    @staticmethod
    def _span(size: int, side: float) -> slice:
        """Return a random span of ``side`` of ``size`` pixels; what is outside is cut off."""
        centre, half = float(torch.rand(())) * size, side * size / 2
        return slice(max(0, round(centre - half)), min(size, round(centre + half)))
