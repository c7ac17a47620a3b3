/* A finite Markov game (stochastic game) from arrays: S states, P players, a chance move after every joint action.
 *
 * A row is a state and a joint action, row = (state, a_0, ..., a_{P-1}) in C order. Its outcomes are what may come of
 * it: entries row_starts[row] to row_starts[row + 1] of `successors` and `probabilities`.
 *
 * Observation of a player, float32: the state as a one-hot vector [S], or the state's row of `features`.
 *
 * An illegal action counts as the player's first legal one in that state.
 *
 * Players with the same number of actions form one group `players`; otherwise each player is a group of its own.
 */
#ifndef AGORA_MARKOV_H
#define AGORA_MARKOV_H

#include "../core/seats.h"

enum { MARKOV_MAX_PLAYERS = AGORA_MAX_SEATS };

typedef struct MarkovConfig {
    AgoraSpan num_actions;   /* [P] int32, each >= 1 */
    AgoraSpan row_starts;    /* [R + 1] int32, from 0 up to N; only rows of terminal states are empty */
    AgoraSpan successors;    /* [N] int32, states */
    AgoraSpan probabilities; /* [N] double, >= 0, of each outcome in its row; normalised here */
    AgoraSpan rewards;       /* [R, P] double, or [N, P] where they depend on the outcome */
    AgoraSpan initial;       /* [S] double, >= 0; probability of each first state, 0 for terminal ones */
    AgoraSpan terminal;      /* [S] uint8, 1: the episode is over on arrival */
    AgoraSpan legal_actions; /* [S, A_0 + ... + A_{P-1}] uint8, 1 = may be played, or empty: all may */
    AgoraSpan features;      /* [S, D] or [P, S, D] float, in [feature_low, feature_high], or empty: one-hot */
    double continuation;     /* probability that the episode goes on after a step, in [0, 1] */
    float feature_low, feature_high;
    int32_t num_features; /* D; 0 without features */
    int32_t horizon;      /* steps, >= 1 */
} MarkovConfig;

/* One slot of an alias table (Walker 1977; Vose 1991): a uniform number picks a slot and then one of two outcomes. Both
 * successors stand in the slot, so that a draw touches one place in memory; which outcome the other one is stands in a
 * table of its own, for rewards that depend on it. */
typedef struct MarkovSlot {
    double threshold;    /* below it the slot's own outcome, else the alias */
    int32_t state;       /* where the slot's own outcome leads */
    int32_t alias_state; /* where the other outcome leads */
} MarkovSlot;

typedef struct MarkovModel {
    AgoraSeats seats;
    int32_t num_states, num_features, has_outcome_rewards;
    size_t initial; /* slots of the first state; those of the outcomes stand before them */
    size_t num_slots;
    MarkovSlot slots[]; /* [num_slots]; then int32 [num_slots], the alias of each, an outcome counted over all rows */
} MarkovModel;

typedef struct MarkovState {
    int32_t state;
    int32_t previous_state;                   /* -1 before the first step */
    int32_t steps;                            /* taken */
    int32_t last_actions[MARKOV_MAX_PLAYERS]; /* as they counted; -1 before the first step */
} MarkovState;

extern const AgoraWorld agora_markov;

#endif
