/* The n-bit coordination game (Chen and Zhang 2023, "Context-aware Bayesian network actor-critic methods for
 * cooperative multi-agent reinforcement learning"; rules of the authors' release).
 *
 * Every agent sets one bit; chance turns each of them with probability `flip`. The team is paid for the majority among
 * the new bits (pays_next) or among those before the step. With z zeros, o ones:
 *
 *   |z - o| <= band   1 if o > z, else 0
 *   otherwise         3 if z > o, else 2
 *
 * So all zeros is best, all ones is a trap that no single agent leaves with profit, and the low band lies between.
 *
 * Observation, float [n] per agent: all bits. Actions: the bit, 0 or 1. Info: `flipped`, 1 where chance turned it.
 */
#ifndef AGORA_BITS_H
#define AGORA_BITS_H

#include "../core/game.h"

enum {
    BITS_MAX_AGENTS = 64,
    BITS_NO_CHOICE = 2,   /* in `choices` before the first step */
    BITS_BEST_REWARD = 3, /* for a clear majority of zeros */
};

typedef struct BitsConfig {
    int32_t num_agents; /* 1 to BITS_MAX_AGENTS */
    int32_t band;       /* largest |z - o| that counts as no clear majority, 0 to num_agents */
    double flip;        /* probability in [0, 1] */
    double zero_share;  /* probability that a bit starts as 0, in [0, 1] */
    uint8_t pays_next;  /* 1: paid for the bits after the step; 0: for those before it */
    int32_t horizon;    /* steps */
} BitsConfig;

typedef struct BitsState {
    int32_t timestep;
    int32_t best_steps;               /* that paid BITS_BEST_REWARD */
    uint8_t bits[BITS_MAX_AGENTS];    /* 0 or 1 */
    uint8_t choices[BITS_MAX_AGENTS]; /* the last actions, or BITS_NO_CHOICE */
} BitsState;

extern const AgoraWorld agora_bits;

#endif
