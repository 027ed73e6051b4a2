"""Files -> ``Source``: CSV, TSV, Parquet, Feather, JSON lines, npz archives, and folders of images."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from automl import runtime
from automl.data import source
from automl.data.source import Source, data_errors
from automl.errors import DataError, nearest
from automl.task import Role

_IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
_SIDES = (32, 64)  # smallest and largest side that images of different sizes are resized to


def read(path: str | Path, kind: str = "auto") -> tuple[Source, Source | None]:
    """Read a file or a folder of images; the second part is the test data that an npz archive may hold.

    Raises ``DataError`` that says what to change.
    """
    path = there(path)
    if path.is_dir():
        return _image_folder(path), None
    ending = runtime.ending(path)
    if ending == ".npz":
        return _npz(path, kind)
    if ending not in _READERS:
        raise DataError(
            f"'{path}' must end with one of {', '.join(_READERS)} or .npz, "
            "or be a folder with one folder of images per class."
        )
    if not path.stat().st_size:
        raise DataError(f"'{path}' is empty.")
    return _READERS[ending](path), None


def there(path: str | Path) -> Path:
    """Return the path of a file or folder. Raises ``DataError`` with the nearest name where there is none."""
    path = Path(path).expanduser()
    if not path.exists():
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"There is no file or folder '{path}'.{nearest(path.name, names)}")
    return path


def read_features(path: str | Path, schema: Mapping[str, Any]) -> tuple[Any, np.ndarray | None]:
    """Return (x, lengths) to predict on: whatever file ``read`` takes, with or without a target.

    A folder of images may hold them directly or in folders; they are read in the order of their names.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        if schema["kind"] != "image":
            raise DataError(f"The model takes {runtime.takes(schema)}; given: the folder '{path}'.")
        files = sorted(f for f in path.rglob("*") if _is_image(f))
        if not files:
            raise DataError(f"'{path}' holds no images ({', '.join(sorted(_IMAGE_ENDINGS))}).")
        height, width, channels = schema["shape"]
        mode = "L" if channels == 1 else "RGB"
        images = np.stack([_open_image(f, lambda image: _pixels(image, mode, (width, height))) for f in files])
        return images if images.ndim == 4 else images[..., None], None
    if runtime.ending(path) in runtime.ENDINGS:
        with data_errors():
            return runtime.read_input(path)
    return read(path)[0].x, None


def _text_table(path: Path) -> Source:
    with data_errors():
        table = runtime.read_table(path)
    return replace(source.from_x(table.columns), untyped=True, separator=table.separator, notes=table.notes)


def _json_lines(path: Path) -> Source:
    with data_errors():
        text, notes = runtime.read_text(path)
    records = []
    try:
        for number, line in enumerate(io.StringIO(text), 1):
            if not line.strip():
                continue
            record = json.loads(line)
            if not isinstance(record, dict):
                raise DataError(f"'{path}', line {number}: every line must be a JSON object with the columns as keys.")
            records.append(record)
    except json.JSONDecodeError as error:
        raise DataError(
            f"'{path}', line {number}: this is not JSON ({error.msg}). Every line must be one object."
        ) from None
    names = dict.fromkeys(name for record in records for name in record)
    if not names:
        raise DataError(f"'{path}' has no rows.")
    found = source.from_x({name: [record.get(name) for record in records] for name in names})
    return replace(found, notes=notes)


def _parquet(path: Path) -> Source:
    from pyarrow import parquet

    return _arrow(path, lambda: parquet.ParquetFile(path).read())


def _feather(path: Path) -> Source:
    from pyarrow import feather

    return _arrow(path, lambda: feather.read_table(path))


def _arrow(path: Path, read_table: Callable[[], Any]) -> Source:
    import pyarrow as pa

    try:
        table = read_table()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {error}.") from None
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    with data_errors():
        runtime.refuse_repeats(names, f"'{path}': ")
    # Parquet forgets that numbers were categories; the note that pandas leaves in the file remembers.
    described = (table.schema.pandas_metadata or {}).get("columns", ())
    hints: dict[str, Role] = {c["name"]: "categorical" for c in described if c["pandas_type"] == "categorical"}
    columns: dict[str, Any] = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            hints[name] = "categorical"
            column = column.cast(column.type.value_type)
        columns[name] = column
    return replace(source.from_x(columns), hints=hints)


_READERS: dict[str, Callable[[Path], Source]] = {
    ".csv": _text_table,
    ".csv.gz": _text_table,
    ".tsv": _text_table,
    ".tsv.gz": _text_table,
    ".parquet": _parquet,
    ".feather": _feather,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}


def _npz(path: Path, kind: str) -> tuple[Source, Source | None]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read: {error}.") from None
    if {"x_train", "y_train"} - arrays.keys():
        if {"x_test", "y_test"} <= arrays.keys():
            return _npz_part(path, arrays, "test", kind), None
        found = ", ".join(arrays) or "none"
        raise DataError(
            f"'{path}' must hold the arrays x_train and y_train (and may hold x_test, y_test, len_train, len_test); "
            f"it has: {found}."
        )
    has_test = {"x_test", "y_test"} <= arrays.keys()
    return _npz_part(path, arrays, "train", kind), _npz_part(path, arrays, "test", kind) if has_test else None


def _npz_part(path: Path, arrays: dict[str, np.ndarray], part: str, kind: str) -> Source:
    x, y, lengths = (arrays.get(f"{name}_{part}") for name in ("x", "y", "len"))
    assert x is not None
    assert y is not None
    for name, array in (("y", y), ("len", lengths)):
        if array is not None and (array.shape[:1] != x.shape[:1] or array.size != len(array)):
            raise DataError(
                f"'{path}': {name}_{part} must have one value for each of the {x.shape[0] if x.ndim else 0} rows of "
                f"x_{part}; its shape is {array.shape}."
            )
    return replace(source.from_x(x, kind, lengths), y=y.reshape(-1))


def _image_folder(folder: Path) -> Source:
    """Read one folder per class. Images of one size up to 64 keep it; others get the median size, within 32 to 64."""
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    inside = [(f, c.name) for c in classes for f in sorted(c.iterdir())]
    files = [(f, name) for f, name in inside if _is_image(f) and f.stat().st_size]
    if not files:
        raise DataError(
            f"'{folder}' must hold one folder per class with images ({', '.join(sorted(_IMAGE_ENDINGS))}); "
            f"none found in {len(classes)} folders."
        )
    properties = [_open_image(path, lambda image: (_upright(image).size, image.mode)) for path, _ in files]
    sizes = {size for size, _ in properties}
    size = next(iter(sizes))
    if len(sizes) > 1 or max(size) > _SIDES[1]:
        side = int(np.clip(np.median([found for found, _ in properties]), *_SIDES))
        size = (side, side)
    mode = "L" if all(m in ("1", "L", "LA") or _is_deep(m) for _, m in properties) else "RGB"
    images = [_open_image(path, lambda image: _pixels(image, mode, size)) for path, _ in files]
    note = (
        f"{len(files):,} images of {len(classes)} classes were read as {size[0]} x {size[1]} "
        f"{'gray' if mode == 'L' else 'colour'} pixels."
    )
    array = np.stack(images)
    found = source.from_x(array if array.ndim == 4 else array[..., None], "image")
    notes = (note, *_left_out(folder, [path for path, _ in inside], [path for path, _ in files]))
    return replace(found, y=np.array([name for _, name in files], dtype=object), target_name="class", notes=notes)


def _is_image(path: Path) -> bool:
    """Whether a name is that of an image; hidden files are what systems leave beside them."""
    return path.suffix.lower() in _IMAGE_ENDINGS and not path.name.startswith(".") and path.is_file()


def _left_out(folder: Path, inside: Sequence[Path], read: Sequence[Path]) -> list[str]:
    """Say what else a folder of images holds."""
    rest = [*sorted(set(inside) - set(read)), *(p for p in sorted(folder.iterdir()) if not p.is_dir())]
    kinds: dict[str, list[Path]] = {
        "folders inside the folders of the classes": [p for p in rest if p.is_dir()],
        "hidden files": [p for p in rest if p.name.startswith(".") and not p.is_dir()],
        "empty images": [p for p in rest if _is_image(p) and not p.stat().st_size],
        "images that lie in no folder of a class": [p for p in rest if p.parent == folder and _is_image(p)],
    }
    kinds["files that are no images"] = [p for p in rest if not any(p in of_kind for of_kind in kinds.values())]
    return [
        f"Not read, {what}: {len(paths):,}, such as '{runtime.shown(paths[0].relative_to(folder))}'."
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


def _pixels(image: Any, mode: str, size: tuple[int, int]) -> np.ndarray:
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


def _open_image(path: Path, use: Callable[[Any], Any]) -> Any:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return use(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The image '{path}' cannot be read ({error}). Remove or replace it.") from None
