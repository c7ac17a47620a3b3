/* Leduc poker for 2 to 10 players, with the rules and information-state tensors of OpenSpiel's leduc_poker.
 *
 * The deck has P + 1 ranks in two suits: card c has the rank c / 2. P players put 1 chip each into the pot and get one
 * card each. Two rounds of betting follow, with one public card shown between them. In a round a player folds (0), calls
 * (1) or raises (2): by 2 chips in round 1, by 4 in round 2, at most twice a round. Calling adds what is missing to the
 * stakes, which may be nothing; folding is legal only where something is missing. A round is over when all who are left
 * have called, or all but the one who raised last. When one player is left, or after round 2, the best hand that has not
 * folded takes the pot: a pair with the public card, else the higher card of the two, else the lower; equals share.
 *
 * Observation of player i, float32 in [0, 1]; it tells all that the player has seen so far. C is the number of cards, or
 * of ranks with `suit_isomorphism`; a round has B = 3P - 2 actions at most:
 *
 *   offset       size     content
 *   0            P        i, one-hot
 *   P            C        own card, one-hot
 *   P + C        C        public card, one-hot; 0 in round 1
 *   P + 2C       2 B x 2  for each round and action: call, raise, one-hot; 0 for a fold and for what has not happened
 *
 * A waiting player's action is not read, and its mask leaves action 0. An illegal action counts as a call.
 */
#ifndef AGORA_LEDUC_POKER_H
#define AGORA_LEDUC_POKER_H

#include "../core/game.h"

enum {
    LEDUC_MIN_PLAYERS = 2,
    LEDUC_MAX_PLAYERS = 10,
    LEDUC_ROUNDS = 2,
    LEDUC_MAX_RAISES = 2, /* of a round */
    LEDUC_MAX_BETS = 3 * LEDUC_MAX_PLAYERS - 2,
};

typedef enum LeducAction { LEDUC_FOLD, LEDUC_CALL, LEDUC_RAISE, LEDUC_ACTIONS } LeducAction;

typedef struct LeducConfig {
    int32_t players;          /* P */
    int32_t starting_player;  /* who begins both rounds, or the next who has not folded; in [0, P) */
    uint8_t suit_isomorphism; /* 1: observations show ranks, not cards */
} LeducConfig;

typedef struct LeducState {
    int16_t to_move;                              /* player; -1 when the hand is over */
    uint8_t cards[LEDUC_MAX_PLAYERS + 1];         /* each player's, then the public one; all dealt at reset */
    uint8_t history[LEDUC_ROUNDS * LEDUC_MAX_BETS]; /* [2, B]: 1 + each action of each round; then 0 */
    uint8_t num_actions[LEDUC_ROUNDS];            /* so far */
    uint8_t chips[LEDUC_MAX_PLAYERS];             /* each player's in the pot */
    uint8_t folded[LEDUC_MAX_PLAYERS];            /* 1: out */
    uint8_t round;                                /* 0 or 1 */
    uint8_t stakes;                               /* chips that it takes to stay in */
    uint8_t num_raises;                           /* of this round */
    uint8_t num_calls;                            /* since the last raise of this round, or since its start */
    uint8_t num_left;                             /* players who have not folded */
} LeducState;

extern const AgoraWorld agora_leduc_poker;

#endif
