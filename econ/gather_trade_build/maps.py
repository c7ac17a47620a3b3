"""Random maps of gather-trade-build, as ai-economist 1.7.1 draws them: sources in clumps, where chance favours them.

Where it favours them is the kind of map. "uniform": wood towards the bottom, stone towards the top. "quadrant": wood at
the top, stone on the left, most of both in their corner, and a cross of water with four gaps. "multi_zone": squares of
the map, dealt out anew for each, of which some have wood, some stone and some both.

With `compat` a generator in the same state gives the same map as there; what it did by mistake is marked below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from games.names import unknown_name

EMPTY, STONE_SOURCE, WOOD_SOURCE, WATER = range(4)
KINDS = ("uniform", "quadrant", "multi_zone")
ZONES = 8  # along each side
WOOD_ZONES, STONE_ZONES, MIXED_ZONES = 6, 6, 4
MAX_TRIES, MAX_SHRINKS = 100, 201
TOLERANCE = 1.4  # a map is kept if each coverage is off by at most this factor
KERNEL = 7  # tiles along the side of what a clump grows by
GAPS = ((0.2, 0.35), (0.65, 0.8))  # of the cross of water, shares of the side


@dataclass(frozen=True)
class RandomMaps:
    """Maps that are drawn before the batch begins; each episode is on one of them.

    Attributes:
        kind: One of KINDS.
        count: How many.
        seed: Of their generator.
        height: Rows, 8 to 64.
        width: Columns, 8 to 64.
        wood_coverage: Share of tiles that are sources of wood, in (0, 0.25].
        stone_coverage: The same of stone.
        wood_clumpiness: In [0, 1]: how much of the coverage grows from what is there, rather than anywhere.
        stone_clumpiness: The same of stone.
        steepness: How steeply chances fall off, at least 1; no matter to "multi_zone".
        is_checkered: Whether sources leave every other tile free.
        compat: Whether mistakes of the package are made again.
    """

    kind: str = "uniform"
    count: int = 64
    seed: int = 0
    height: int = 25
    width: int = 25
    wood_coverage: float = 0.025
    stone_coverage: float = 0.025
    wood_clumpiness: float = 0.35
    stone_clumpiness: float = 0.5
    steepness: float = 8.0
    is_checkered: bool = False
    compat: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind of random maps", self.kind, KINDS)
        bounds: dict[str, tuple[float, float]] = {
            **{"count": (1, 4096), "seed": (0, 2**32 - 1), "height": (8, 64), "width": (8, 64), "steepness": (1, 64)},
            **{"wood_clumpiness": (0, 1), "stone_clumpiness": (0, 1)},
            **{"wood_coverage": (0.001, 0.25), "stone_coverage": (0.001, 0.25)},
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"RandomMaps: {name} must be in [{low}, {high}], got {getattr(self, name)}")

    def draw_all(self) -> np.ndarray:
        """Returns all maps, [count, H, W] uint8 tiles."""
        generator = np.random.RandomState(self.seed)
        return np.stack([draw_map(self, generator) for _ in range(self.count)])


def draw_map(settings: RandomMaps, generator: np.random.RandomState) -> np.ndarray:
    """Draws one map, [H, W] uint8 tiles."""
    factor = 2 if settings.is_checkered else 1
    coverages = factor * np.array([settings.wood_coverage, settings.stone_coverage])
    clumpiness = (settings.wood_clumpiness, settings.stone_clumpiness)
    chances = _chances(settings, coverages, generator)
    for _ in range(MAX_TRIES):
        wood = _grow(chances[0], coverages[0], clumpiness[0], np.ones_like(chances[0], bool), generator)
        stone = _grow(chances[1], coverages[1], clumpiness[1], ~wood, generator)
        shares = np.array([wood.mean(), stone.mean()]) / coverages
        if (shares >= 1 / TOLERANCE).all() and (shares <= TOLERANCE).all():
            break
    tiles = np.where(wood, WOOD_SOURCE, np.where(stone, STONE_SOURCE, EMPTY)).astype(np.uint8)
    if settings.is_checkered:
        tiles[np.indices(tiles.shape).sum(axis=0) % 2 == 0] = EMPTY
    if settings.kind == "quadrant":
        row, column = _cross(settings)
        tiles[row] = tiles[:, column] = EMPTY
        tiles[_water(settings)] = WATER
    return tiles


def _chances(settings: RandomMaps, coverages: np.ndarray, generator: np.random.RandomState) -> list[np.ndarray]:
    """Where sources of wood and of stone are likely, [H, W] each."""
    shape = (settings.height, settings.width)
    if settings.kind == "quadrant":
        return _quadrant_chances(settings)
    wood_coverage, stone_coverage = coverages
    if settings.compat:
        stone_coverage = wood_coverage  # by mistake
    if settings.kind == "multi_zone":
        zones = np.repeat([0, 1, 2, -1], [WOOD_ZONES, STONE_ZONES, MIXED_ZONES, ZONES**2 - 16])
        generator.shuffle(zones)
        tiles = np.kron(zones.reshape(ZONES, ZONES), np.ones([-(-side // ZONES) for side in shape]))
        tiles = tiles[: shape[0], : shape[1]]
        masks = [(tiles == own) | (tiles == 2) for own in (0, 1)]
        return [
            mask / mask.mean() * coverage for mask, coverage in zip(masks, (wood_coverage, stone_coverage), strict=True)
        ]
    gradient = np.arange(shape[0])[:, None].repeat(shape[1], axis=1) ** float(settings.steepness)
    gradient = gradient / np.mean(gradient)
    return [gradient * wood_coverage, gradient[::-1] * stone_coverage]


def _quadrant_chances(settings: RandomMaps) -> list[np.ndarray]:
    height, width = settings.height, settings.width
    wood = (np.arange(height)[:, None].repeat(width, axis=1) ** (settings.steepness / 2))[::-1]
    stone = (np.arange(width)[None].repeat(height, axis=0) ** (settings.steepness / 2))[:, ::-1]
    both = stone + wood
    dry = 1 - _water(settings)
    found = []
    for own in (wood, stone):
        chances = both * own / np.sum(both * own) * dry
        found.append(chances / np.sum(chances))
    return found


def _cross(settings: RandomMaps) -> tuple[int, int]:
    """Row and column of the water; by mistake, the package takes each from the other side's length."""
    middle = settings.height // 2, settings.width // 2
    return middle[::-1] if settings.compat else middle


def _water(settings: RandomMaps) -> np.ndarray:
    """The cross, [H, W] bool."""
    water = np.zeros((settings.height, settings.width), bool)
    row, column = _cross(settings)
    water[:, column] = _is_wall(settings.height)
    water[row] = _is_wall(settings.width)
    return water


def _is_wall(length: int) -> np.ndarray:
    middles = (0.5 + np.arange(length)) / length
    is_gap = [(middles >= low) & (middles <= high) for low, high in GAPS]
    return ~np.logical_or(*is_gap)


def _grow(
    chances: np.ndarray, coverage: float, clumpiness: float, free: np.ndarray, generator: np.random.RandomState
) -> np.ndarray:
    """Draws sources until they cover their share: some anywhere, the rest beside them, [H, W] bool."""
    from scipy import signal  # here, because importing it takes as long as all else

    seeds = 1 - min(clumpiness, 0.99)
    likely = chances * 0.1 * seeds
    draws = generator.rand(*chances.shape)
    sources = (draws < likely) & free
    for _ in range(MAX_SHRINKS):
        if sources.mean() >= coverage * seeds:
            break
        draws *= 0.9
        sources = (draws < likely) & free
    while sources.mean() < coverage:
        kernel = generator.randn(KERNEL, KERNEL) > 0
        noise = 0.2 * generator.randn(*sources.shape)
        field = signal.convolve2d(sources + noise - 0.25, kernel.astype(np.float32), "same")
        sources = ((field > 0) | sources) & free
    return sources
