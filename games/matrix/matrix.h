/* A normal-form game, repeated for `horizon` rounds. The smallest world, and the one to copy.
 *
 * Observation of a player, float32 in [0, 1]:
 *
 *   offset  size           content
 *   0       1              1 (a bias: a game without memory has nothing else to show)
 *   1       A_i            own last action, one-hot; all 0 in the first round     (memory only)
 *   ...     A_j, j != i    the others' last actions, in index order after i, wrapping around (memory only)
 *
 * An illegal action counts as the player's first legal one.
 *
 * Players with the same number of actions form one group `players`; otherwise each player is a group of its own.
 */
#ifndef AGORA_MATRIX_H
#define AGORA_MATRIX_H

#include "../core/game.h"

enum { MATRIX_MAX_PLAYERS = AGORA_MAX_GROUPS };

typedef struct MatrixConfig {
    AgoraSpan num_actions; /* [P] int32, each >= 1 */
    AgoraSpan payoffs;     /* [P, A_0, ..., A_{P-1}] double, C order: the reward of each player in a round */
    AgoraSpan legal_actions; /* [A_0 + ... + A_{P-1}] uint8, 1 = may be played, or empty: all may */
    int32_t horizon;       /* rounds, >= 1 */
    uint8_t has_memory;    /* 1: players see the last joint action */
} MatrixConfig;

typedef struct MatrixState {
    int32_t round;                            /* rounds played */
    int32_t last_actions[MATRIX_MAX_PLAYERS]; /* -1 before the first round */
} MatrixState;

extern const AgoraWorld agora_matrix;

#endif
