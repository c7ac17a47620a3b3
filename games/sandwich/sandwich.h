/* Make a sandwich: two robots, one on each side of a table, stack a recipe in its order.
 *
 * The symbolic form of DV-RoCoBench's Make Sandwich (Zhang et al. 2024, "Towards efficient LLM grounding for embodied
 * multi-agent collaboration"), which is RoCoBench's with longer recipes. n foods lie on the table, each on one side.
 * Chad (robot 0) reaches the right side, Dave (robot 1) the left. One step, for both at once:
 *
 *   WAIT             0            nothing
 *   PICK i           1 + i        food i from the own side, with an empty hand
 *   PUT on food i    1 + n + i    what the hand holds, if it is the next of the recipe and i lies on top of the stack
 *   PUT on board     1 + 2 n      what the hand holds, if it is the recipe's first
 *   PUT on table     2 + 2 n      what the hand holds, back to the own side
 *
 * Only one may PUT in a step: when both do, neither happens. Everybody gets 1 for each food of the recipe that is put
 * on the stack; the last ends the episode.
 *
 * Observation, float [6 n + 3] per robot:
 *
 *   0          own hand, one-hot: n foods, nothing
 *   n + 1      the other's hand
 *   2 n + 2    per food: on the own side of the table (0 or 1, whoever holds it), on the stack, next of the recipe,
 *              its place in the recipe from 1 / L to 1, 0 when it has none
 *   6 n + 2    share of the horizon that has passed
 */
#ifndef AGORA_SANDWICH_H
#define AGORA_SANDWICH_H

#include "../core/game.h"

enum {
    SANDWICH_MAX_FOODS = 16,
    SANDWICH_ROBOTS = 2,
    SANDWICH_NOTHING = 255, /* in a hand */
};

typedef struct SandwichConfig {
    AgoraSpan sides;  /* [n] uint8, the robot that reaches the food; n in 1 to SANDWICH_MAX_FOODS */
    AgoraSpan recipe; /* [L] uint8, foods from the board up, no two alike; L in 1 to n */
    int32_t horizon;  /* steps */
} SandwichConfig;

typedef struct SandwichState {
    int32_t timestep;
    uint8_t height;                  /* foods on the stack: the recipe's first ones */
    uint8_t hands[SANDWICH_ROBOTS];  /* a food or SANDWICH_NOTHING */
    uint8_t padding;
} SandwichState;

extern const AgoraWorld agora_sandwich;

#endif
