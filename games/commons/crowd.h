/* Walking, and what beams do: the parts of a step in which agents meet. */
#ifndef AGORA_COMMONS_CROWD_H
#define AGORA_COMMONS_CROWD_H

#include "ground.h"

/* Who stands where now: 1 + the agent's index, 0 for nobody. */
typedef struct Crowd {
    uint8_t at[COMMONS_MAX_CELLS];
    int32_t cells[COMMONS_MAX_AGENTS]; /* -1 for an agent off the map */
} Crowd;

/* What beams did in this step. */
typedef struct Volley {
    int32_t hits[COMMONS_MAX_AGENTS], cleaned[COMMONS_MAX_AGENTS]; /* times hit; waste cells cleaned */
} Volley;

void crowd_find(const CommonsConfig *config, const Ground *ground, const CommonsState *state, Crowd *crowd);

/* Turns and walks everybody on the map, by the rules at the top of commons.h. */
void crowd_walk(const CommonsConfig *config, const Ground *ground, CommonsState *state, const int32_t *actions,
                AgoraRng *rng, Crowd *crowd);

/* Fires all beams at once: marks them in the items, then cleans. */
void volley_fire(const CommonsConfig *config, const Ground *ground, CommonsState *state, const int32_t *actions,
                 const Crowd *crowd, Volley *volley);

#endif
