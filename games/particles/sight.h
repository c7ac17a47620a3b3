/* Pieces of observations. Each writes all its numbers and returns the place behind them.
 *
 * A view of the entities [first, end) other than the agent has a place for each of them, in their order, or, with a limit
 * on neighbors, so many places for the nearest ones, nearest first. Absent entities and empty places show zeros.
 */
#ifndef AGORA_PARTICLES_SIGHT_H
#define AGORA_PARTICLES_SIGHT_H

#include "geometry.h"
#include "particles.h"

static inline float *particles_put_numbers(const float *numbers, int32_t count, float *features)
{
    memcpy(features, numbers, (size_t)count * sizeof *features);
    return features + count;
}

static inline float *particles_put_zeros(int32_t count, float *features)
{
    memset(features, 0, (size_t)count * sizeof *features);
    return features + count;
}

static inline float *particles_put_vector(const double vector[2], float *features)
{
    features[0] = (float)vector[0];
    features[1] = (float)vector[1];
    return features + 2;
}

/* Position of one entity minus the agent's. */
static inline float *particles_put_offset(const ParticlesState *state, int32_t agent, int32_t entity, float *features)
{
    features[0] = (float)(state->positions[entity][0] - state->positions[agent][0]);
    features[1] = (float)(state->positions[entity][1] - state->positions[agent][1]);
    return features + 2;
}

/* Velocity of one agent; zeros if it is absent. */
static inline float *particles_put_velocity(const ParticlesState *state, int32_t agent, float *features)
{
    static const double NOTHING[2] = {0, 0};
    return particles_put_vector(state->present[agent] ? state->velocities[agent] : NOTHING, features);
}

/* Positions of a view's entities minus the agent's. `neighbors` 0: no limit. */
float *particles_put_offsets(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                             float *features);

/* 1 at the places of a view where somebody is, else 0. */
float *particles_put_presence(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                              float *features);

/* The entities at a view's places, with or without a limit on neighbors; -1: an empty place. Returns how many places. */
int32_t particles_list_seen(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                            int32_t *seen);

/* 1 at the places of a list where somebody is, else 0. */
static inline float *particles_put_flags(const int32_t *seen, int32_t count, float *features)
{
    for (int32_t k = 0; k < count; k++)
        features[k] = seen[k] >= 0;
    return features + count;
}

/* 1 at `index`, 0 at the `count - 1` other places; -1: 0 everywhere. */
static inline float *particles_put_one_hot(int32_t index, int32_t count, float *features)
{
    for (int32_t k = 0; k < count; k++)
        features[k] = k == index;
    return features + count;
}

/* The entities at a view's places with a limit on neighbors; -1: an empty place. */
void particles_find_nearest(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                            int32_t *seen);

#endif
