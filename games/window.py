"""What people see: the frames that a world draws, and the window that shows them.

A world that can be drawn has a module `draw` beside its config class, with

    draw(fields, config) -> [H, W, 3] uint8

where `fields` is what `Batch.fields` returns. H and W are even (video codecs ask for it) and depend on the config
alone, so that all frames of an episode have one size. Rules know nothing of drawing.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from games.names import unknown_name

if TYPE_CHECKING:
    import pygame

    from games.batch import Batch
    from games.config import WorldConfig

RENDER_MODES = ("human", "rgb_array")

# Frames a second; chosen slow enough to follow a grid world's single steps.
RENDER_FPS = 8

Draw = Callable[[dict[str, Any], Any], np.ndarray]


def find_draw(config_class: type[WorldConfig]) -> Draw | None:
    """Returns the function `draw` of a world, None for a world that has none.

    Args:
        config_class: The world's settings; `draw.py` stands in the package that defines them.
    """
    package = sys.modules[config_class.__module__].__package__
    if importlib.util.find_spec(f"{package}.draw") is None:
        return None
    return importlib.import_module(f"{package}.draw").draw


def render_modes(config_class: type[WorldConfig]) -> list[str]:
    """Returns the render modes of a world: all, or none where it has no drawing."""
    return list(RENDER_MODES) if find_draw(config_class) else []


def check_render_mode(batch: Batch, render_mode: str | None) -> None:
    """Refuses a render mode that the batch's world does not have.

    Raises:
        ValueError: The world cannot be drawn.
        UnknownNameError: No such mode.
    """
    if render_mode is None:
        return
    modes = render_modes(type(batch.config))
    if not modes:
        raise ValueError(f"{batch.spec.id} cannot be drawn: the world {batch.spec.world} has no draw.py")
    if render_mode not in modes:
        raise unknown_name("render mode", render_mode, modes)


def render_frame(batch: Batch, env: int = 0) -> np.ndarray:
    """Draws one env as it stands.

    Returns:
        [H, W, 3] uint8.

    Raises:
        ValueError: The world cannot be drawn.
    """
    draw = find_draw(type(batch.config))
    if draw is None:
        raise ValueError(f"{batch.spec.id} cannot be drawn: the world {batch.spec.world} has no draw.py")
    return draw(batch.fields(env), batch.config)


def warn_no_render_mode(id: str) -> None:
    """Tells someone who calls `render` on an environment made without a render mode, as Gymnasium does."""
    gymnasium.logger.warn(
        f"{id} was made without a render mode, so render() shows nothing: pass render_mode={' or '.join(RENDER_MODES)}"
    )


class Window:
    """A window on the screen that shows frames of one size.

    It opens with the first frame. When the user closes it, it stays closed and the simulation goes on.

    Args:
        title: What its bar says.
        fps: Frames a second at most; `show` waits accordingly.
    """

    def __init__(self, title: str, fps: float = RENDER_FPS) -> None:
        self.title, self.fps = title, fps
        self.is_closed = False
        self._window: pygame.Window | None = None
        self._clock: pygame.time.Clock | None = None

    def show(self, frame: np.ndarray) -> None:
        """Shows a frame.

        Args:
            frame: [H, W, 3] uint8.
        """
        if self.is_closed:
            return
        pygame = _pygame()
        if self._window is None:
            self._open(frame)
        assert self._window is not None
        assert self._clock is not None
        # The frame replaces the whole back buffer before the flip: nothing half-drawn is ever on the screen.
        pygame.surfarray.blit_array(self._window.get_surface(), frame.swapaxes(0, 1))
        self._window.flip()
        self._clock.tick(self.fps)
        if self._user_closed():
            self.close()

    def close(self) -> None:
        """Closes the window; harmless when it is closed already."""
        self.is_closed = True
        if self._window is not None:
            self._window.destroy()
            self._window = None

    def _open(self, frame: np.ndarray) -> None:
        pygame = _pygame()
        pygame.display.init()
        self._window = pygame.Window(self.title, (frame.shape[1], frame.shape[0]))
        self._clock = pygame.time.Clock()

    def _user_closed(self) -> bool:
        # Only events that close windows are taken; keys stay in the queue for whoever plays.
        pygame = _pygame()
        pygame.event.pump()
        is_mine = False
        for event in pygame.event.get((pygame.WINDOWCLOSE, pygame.QUIT)):
            if event.type == pygame.QUIT or event.window is self._window:
                is_mine = True
            else:
                pygame.event.post(event)  # another window's
        return is_mine


def _pygame() -> Any:
    """Imports pygame when a window is wanted: most runs need none, and it greets on stdout unless told not to."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    return pygame
