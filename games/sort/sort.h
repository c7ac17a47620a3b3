/* Sort cubes: three robots along a line of seven panels pass cubes on until each lies on its own panel.
 *
 * The symbolic form of DV-RoCoBench's Sort Cubes (Zhang et al. 2024, "Towards efficient LLM grounding for embodied
 * multi-agent collaboration"), which is RoCoBench's (Mandi et al. 2023). Alice (robot 0) reaches panels 1 to 3, Bob
 * panels 3 to 5, Chad panels 5 to 7. The blue cube (0) belongs on panel 2, the pink one (1) on 4, the yellow one (2)
 * on 6. A panel holds any number of cubes. One step, for all at once:
 *
 *   WAIT              0               nothing
 *   PICK c PLACE p    1 + 7 c + p     cube c goes to panel p + 1, if it lies on another within the robot's reach, p is
 *                                     within reach, and p is no other cube's target
 *
 * When two pick the same cube, it stays where it is. Everybody gets the change in the number of cubes that lie where
 * they belong; with all three the episode ends.
 *
 * Observation, float [25] per robot: 0 the robot, one-hot; 3 per cube the panel, one-hot of 7; 24 the share of the
 * horizon that has passed.
 */
#ifndef AGORA_SORT_H
#define AGORA_SORT_H

#include "../core/game.h"

enum {
    SORT_ROBOTS = 3,
    SORT_CUBES = 3,
    SORT_PANELS = 7,
    SORT_CHOICES = 1 + SORT_CUBES * SORT_PANELS,
    SORT_FEATURES = SORT_ROBOTS + SORT_CUBES * SORT_PANELS + 1,
};

typedef struct SortConfig {
    uint8_t starts[SORT_CUBES]; /* panels from 0 */
    int32_t horizon;            /* steps */
} SortConfig;

typedef struct SortState {
    int32_t timestep;
    uint8_t panels[SORT_CUBES]; /* from 0 */
    uint8_t padding;
} SortState;

extern const AgoraWorld agora_sort;

#endif
