"""Seeded damage: to bytes, to texts, and to trees of JSON or YAML values."""

import random
from typing import Any

_NASTY_TEXTS = (
    "",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "null",
    "NaN",
    "-",
    "../x",
    "/dev/null",
    "${y}",
    "%s",
    "é" * 300,
    "=1+1",
)
_NASTY: tuple[Any, ...] = (
    *_NASTY_TEXTS,
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    2**63,
    float("inf"),
    float("nan"),
    [],
    {},
    [[]],
)


def value(rng: random.Random) -> Any:
    """A value that somebody might have put there."""
    nasty = rng.choice(_NASTY)
    for _ in range(rng.choice((0, 0, 0, 1, 3, 40))):
        nasty = [nasty] if rng.random() < 0.5 else {rng.choice(_NASTY_TEXTS): nasty}
    return nasty


def of_bytes(rng: random.Random, content: bytes) -> bytes:
    """Cut, flip, insert, repeat or swap a part of ``content``."""
    at, to = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
    noise = rng.randbytes(rng.randrange(1, 20))
    flipped = bytearray(content or b"x")
    flipped[at % len(flipped)] ^= 1 << rng.randrange(8)
    return rng.choice(
        (
            content[:at],
            bytes(flipped),
            bytes(flipped),
            content[:at] + noise + content[at:],
            content[:at] + content[to:],
            content[:to] + content[at:],
            content[to:] + content[:at],
            content[:at] + rng.choice((b"[", b"{", b"- ", b"\x00", b"\xff", b"a: &a *a\n")) * 5000 + content[at:],
        )
    )


def of_tree(rng: random.Random, tree: Any) -> Any:
    """Replace, remove, add or swap something somewhere in a tree; the tree itself stays as it is."""
    if isinstance(tree, dict) and tree and rng.random() < 0.85:
        name = rng.choice(list(tree))
        change = rng.random()
        if change < 0.1:
            return {k: v for k, v in tree.items() if k != name}
        if change < 0.15:
            return tree | {rng.choice(_NASTY_TEXTS): value(rng)}
        if change < 0.25:
            other = rng.choice(list(tree))
            return tree | {name: tree[other], other: tree[name]}
        return tree | {name: of_tree(rng, tree[name])}
    if isinstance(tree, list) and tree and rng.random() < 0.8:
        i = rng.randrange(len(tree))
        return rng.choice((tree[::-1], tree + tree, tree[:i], [*tree[:i], of_tree(rng, tree[i]), *tree[i + 1 :]]))
    return value(rng)
