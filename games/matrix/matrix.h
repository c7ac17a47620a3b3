/* A normal-form game, repeated for `horizon` rounds. The smallest world, and the one to copy.
 *
 * Observation of a player, float32 in [0, 1]:
 *
 *   offset  size           content
 *   0       1              1 (a bias: a game without memory has nothing else to show)
 *   then, for each of the last `memory` rounds, the latest first; all 0 for a round before the first:
 *           A_i            own action, one-hot
 *           A_j, j != i    the others' actions, in index order after i, wrapping around
 *
 * An illegal action counts as the player's first legal one.
 *
 * Players with the same number of actions form one group `players`; otherwise each player is a group of its own.
 */
#ifndef AGORA_MATRIX_H
#define AGORA_MATRIX_H

#include "../core/seats.h"

enum {
    MATRIX_MAX_PLAYERS = AGORA_MAX_SEATS,
    MATRIX_MAX_REMEMBERED = 64, /* actions: rounds of memory times players */
};

typedef struct MatrixConfig {
    AgoraSpan num_actions;   /* [P] int32, each >= 1 */
    AgoraSpan payoffs;       /* [P, A_0, ..., A_{P-1}] double, C order: the reward of each player in a round */
    AgoraSpan legal_actions; /* [A_0 + ... + A_{P-1}] uint8, 1 = may be played, or empty: all may */
    int32_t horizon;         /* rounds, >= 1 */
    int32_t memory;          /* rounds that players see, >= 0 */
} MatrixConfig;

typedef struct MatrixModel {
    int64_t num_profiles;
    AgoraSeats seats;
    int32_t num_rounds;   /* that the state keeps: the memory, and at least the last round */
    int32_t num_features; /* of an observation */
    int32_t first_legal[MATRIX_MAX_PLAYERS]; /* the first action that may be played */
} MatrixModel;

typedef struct MatrixState {
    int32_t round;                               /* rounds played */
    int32_t last_actions[MATRIX_MAX_REMEMBERED]; /* [num_rounds, P], the latest round first; -1 before the first */
} MatrixState;

extern const AgoraWorld agora_matrix;

#endif
