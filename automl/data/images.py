"""Images of a folder -> ``Source``: one folder per class; upright, on white where they are transparent."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.data import source
from automl.data.sampling import Keys, Sampling
from automl.data.source import Source
from automl.errors import DataError
from automl.runtime.printable import shown
from automl.runtime.text_file import refuse_absent

_TABLES = {".csv", ".tsv", ".gz", ".parquet", ".feather", ".jsonl", ".ndjson"}
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
_SIDES = (32, 64)  # smallest and largest side that images of different sizes are resized to


def image_folder(folder: Path, sampling: Sampling) -> Source:
    """Read one folder per class. Images of one size up to 64 keep it; others get the median size, within 32 to 64."""
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    inside = [(f, c.name) for c in classes for f in sorted(c.iterdir())]
    files = [(f, name) for f, name in inside if is_image(f) and f.stat().st_size]
    if not files:
        raise DataError(
            f"'{folder}' must hold one folder per class with images ({', '.join(sorted(IMAGE_ENDINGS))}); "
            f"none found in {len(classes)} folders.{_of_tables(folder)}"
        )
    n_bytes = sum(path.stat().st_size for path, _ in files)
    keys = Keys(np.array([name for _, name in files], dtype=object))
    some = lambda index: _images([files[i] for i in index.tolist()])  # noqa: E731
    index, said = sampling.choose(len(files), n_bytes, some, keys.take, f"'{folder}'")
    found = _images(files if index is None else [files[i] for i in index.tolist()])
    left_out = _left_out(folder, [path for path, _ in inside], [path for path, _ in files])
    return replace(found, notes=(*found.notes, *said, *left_out))


def _images(files: Sequence[tuple[Path, str]]) -> Source:
    """Read images, each with its class."""
    properties = [open_image(path, lambda image: (_upright(image).size, image.mode)) for path, _ in files]
    sizes = {size for size, _ in properties}
    size = next(iter(sizes))
    if len(sizes) > 1 or max(size) > _SIDES[1]:
        side = int(np.clip(np.median([found for found, _ in properties]), *_SIDES))
        size = (side, side)
    mode = "L" if all(m in ("1", "L", "LA") or _is_deep(m) for _, m in properties) else "RGB"
    images = [open_image(path, lambda image: pixels(image, mode, size)) for path, _ in files]
    note = (
        f"{len(files):,} images of {len({name for _, name in files})} classes were read as {size[0]} x {size[1]} "
        f"{'gray' if mode == 'L' else 'colour'} pixels."
    )
    array = np.stack(images)
    found = source.from_x(array if array.ndim == 4 else array[..., None], "image")
    y = np.array([name for _, name in files], dtype=object)
    return replace(found, y=y, target_name="class", notes=(note,))


def _of_tables(folder: Path) -> str:
    """Say so where a folder holds a table."""
    table = next((p for p in sorted(folder.iterdir()) if p.suffix.lower() in _TABLES), None)
    return "" if table is None else f" For a table, give its file, such as '{shown(table.name)}' in it."


def is_image(path: Path) -> bool:
    """Whether a name is that of an image; hidden files are what systems leave beside them."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".") and path.is_file()


def _left_out(folder: Path, inside: Sequence[Path], read: Sequence[Path]) -> list[str]:
    """Say what else a folder of images holds."""
    rest = [*sorted(set(inside) - set(read)), *(p for p in sorted(folder.iterdir()) if not p.is_dir())]
    kinds: dict[str, list[Path]] = {
        "folders inside the folders of the classes": [p for p in rest if p.is_dir()],
        "hidden files": [p for p in rest if p.name.startswith(".") and not p.is_dir()],
        "empty images": [p for p in rest if is_image(p) and not p.stat().st_size],
        "images that lie in no folder of a class": [p for p in rest if p.parent == folder and is_image(p)],
    }
    known = {p for of_kind in kinds.values() for p in of_kind}
    kinds["files that are no images"] = [p for p in rest if p not in known]
    return [
        f"Not read, {what}: {len(paths):,}, such as '{shown(paths[0].relative_to(folder))}'."
        for what, paths in kinds.items()
        if paths
    ]


def _upright(image: Any) -> Any:
    """Return an image as it is to be seen: cameras note how they were held."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _on_white(image: Any) -> Any:
    """Return an image with white behind what is transparent."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)


def pixels(image: Any, mode: str, size: tuple[int, int]) -> np.ndarray:
    """Return an image of Pillow as (height, width[, 3]) uint8; ``mode``: "L" or "RGB", ``size``: (width, height)."""
    image = _upright(image)
    converted = (_in_8_bits(image) if _is_deep(image.mode) else _on_white(image)).convert(mode)
    return np.asarray(converted if converted.size == size else converted.resize(size), dtype=np.uint8)


def _is_deep(mode: str) -> bool:
    """Whether a mode of Pillow is grey in more than 8 bits, which its ``convert`` would cut off at white."""
    return mode.startswith("I") or mode == "F"


def _in_8_bits(image: Any) -> Any:
    """Return a deep grey image scaled to 8 bits. White is 65,535; in floats that stay below it, 1 or 255."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    whites = (1, 255) if image.mode == "F" else ()
    white = next((w for w in whites if values.max() <= w), 65_535)
    return Image.fromarray(np.clip(np.round(values * 255 / white), 0, 255).astype(np.uint8))


def open_image(path: Path, use: Callable[[Any], Any]) -> Any:
    """Return what ``use`` makes of an image. Raises ``DataError`` for a file that cannot be read."""
    from PIL import Image

    with source.data_errors():
        refuse_absent(path)
    try:
        with Image.open(path) as image:
            return use(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The image '{path}' cannot be read ({error}). Remove or replace it.") from None
