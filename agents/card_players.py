"""Scripted players of the card games: Kuhn's equilibria, rules of thumb for Leduc poker, and a bidder for goofspiel.

They look at observations alone, as learners do, and choose in all envs at once. Who waits plays action 0.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from agents.memory import GeneratorAlone, Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.config import WorldConfig
from games.goofspiel import GoofspielConfig
from games.kuhn_poker import BET, KuhnConfig
from games.leduc_poker import CALL, FOLD, RAISE, LeducConfig

JACK, QUEEN, KING = range(3)


def _look(batch: Batch, agent: str, config_class: type[WorldConfig]) -> tuple[int, np.ndarray, np.ndarray]:
    """Returns an agent's row, what it sees [E, D] and its mask [E, K].

    Raises:
        ValueError: The batch is of another world.
    """
    if not isinstance(batch.config, config_class):
        raise ValueError(f"this player plays {config_class.world}, not {batch.spec.id}")
    name, row = find_agent(batch, agent)
    group = batch.groups[name]
    assert group.action_masks is not None
    return row, group.observations[:, row], group.action_masks[:, row]


class KuhnPlayer(GeneratorAlone):
    """An equilibrium of Kuhn poker with two players; they are one family (Kuhn 1950, section 4).

    First, a king is bet with probability 3 alpha, a jack with alpha, a queen never; after a pass and a bet, a queen
    calls with probability alpha + 1/3, a king always. Second, a king always bets and calls; a queen calls with 1/3 and
    never bets; a jack never calls and bets with 1/3. Against it, player 0 gets -1/18 and player 1 gets 1/18 at most.

    Args:
        alpha: In [0, 1/3].
        seed: Of the player's own generator.

    Raises:
        ValueError: No such alpha.
    """

    def __init__(self, alpha: float = 1 / 3, seed: int = 0) -> None:
        if not 0 <= alpha <= 1 / 3:
            raise ValueError(f"alpha must be in [0, 1/3], got {alpha!r}")
        # [situation, card]: first; first, after pass and bet; second, after a pass; second, after a bet.
        self._bets = np.array([[alpha, 0, 3 * alpha], [0, alpha + 1 / 3, 1], [1 / 3, 0, 1], [0, 1 / 3, 1]])
        self._rng = np.random.default_rng(seed)

    def bet_probabilities(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the probability of action 1 in each env, [E]; 0 for who waits."""
        row, seen, mask = _look(batch, agent, KuhnConfig)
        if cast(KuhnConfig, batch.config).players != 2:
            raise ValueError(f"Kuhn's equilibria are for 2 players, got {len(batch.agents)}")
        card = seen[:, 2:5].argmax(axis=1)
        after_bet = seen[:, 5:].reshape(-1, 3, 2)[:, :, BET].any(axis=1)
        return self._bets[2 * row + after_bet, card] * mask[:, BET]

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the player's actions, [E] int32."""
        return (self._rng.random(batch.num_envs) < self.bet_probabilities(batch, agent)).astype(np.int32)


class LeducPlayer(Memoryless):
    """Rules of thumb for Leduc poker with any number of players.

    A hand is strong with a pair or the highest rank, weak with a rank of the lower half and no pair. Strong hands
    raise, weak ones fold to a raise and call where it costs nothing, others call.
    """

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the player's actions, [E] int32."""
        _, seen, mask = _look(batch, agent, LeducConfig)
        config = cast(LeducConfig, batch.config)
        ranks = config.players + 1
        cards = seen[:, config.players :][:, : 2 * ranks if config.suit_isomorphism else 4 * ranks]
        shown = cards.reshape(batch.num_envs, 2, ranks, -1).max(axis=3)
        own, public = shown[:, 0], shown[:, 1]
        rank = own.argmax(axis=1)
        is_pair = (own * public).any(axis=1)
        wanted = np.where(is_pair | (rank == ranks - 1), RAISE, np.where(rank < ranks // 2, FOLD, CALL))
        # What is not legal becomes a call; for who waits, whose mask has action 0 alone, action 0.
        is_legal = np.take_along_axis(mask, wanted[:, None], axis=1)[:, 0] == 1
        return np.where(is_legal, wanted, np.where(mask[:, CALL] == 1, CALL, FOLD)).astype(np.int32)


class PrizeMatcher(Memoryless):
    """Bids the card that is worth as much as the prize: the best answer to random bids (Ross 1971).

    Where prizes are the lowest ones (in ascending order, fewer turns than cards), it bids its highest cards in their
    place. Without the card that it wants it bids the next higher one, or else its highest.
    """

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the player's bids, [E] int32."""
        _, seen, mask = _look(batch, agent, GoofspielConfig)
        config = cast(GoofspielConfig, batch.config)
        cards, players, turns = config.num_cards, config.players, config.turns
        first = players * (cards * (cards + 1) // 2 + 1) + (cards + turns * players if config.imp_info else 0)
        prizes = seen[:, first : first + turns * cards].reshape(-1, turns, cards)
        turn = prizes.any(axis=2).sum(axis=1) - 1
        prize = prizes[np.arange(batch.num_envs), turn].argmax(axis=1)
        wanted = prize + (cards - turns if config.points_order == "ascending" else 0)
        # Cards from the wanted one upwards come first, lowest first; then those below it, highest first.
        ladder = np.arange(cards) - wanted[:, None]
        cost = np.where(ladder >= 0, ladder, cards - ladder)
        return np.where(mask == 1, cost, 3 * cards).argmin(axis=1).astype(np.int32)
