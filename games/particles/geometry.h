/* Distances between entities. Inline: they are most of what rules and observations do. */
#ifndef AGORA_PARTICLES_GEOMETRY_H
#define AGORA_PARTICLES_GEOMETRY_H

#include "particles.h"

#include <math.h>
#include <string.h>

static inline double particles_square_distance(const ParticlesState *state, int32_t one, int32_t other)
{
    double dx = state->positions[one][0] - state->positions[other][0];
    double dy = state->positions[one][1] - state->positions[other][1];
    return dx * dx + dy * dy;
}

static inline double particles_distance(const ParticlesState *state, int32_t one, int32_t other)
{
    return sqrt(particles_square_distance(state, one, other));
}

/* Whether two discs overlap. Most do not, and are told apart without a root. */
static inline bool particles_touch(const ParticlesModel *model, const ParticlesState *state, int32_t one, int32_t other)
{
    double radii = model->radius[one] + model->radius[other], square = particles_square_distance(state, one, other);
    return square < 1.001 * radii * radii && sqrt(square) < radii;
}

static inline bool particles_are_all_present(const ParticlesState *state, int32_t first, int32_t end)
{
    return !memchr(state->present + first, 0, (size_t)(end - first));
}

#endif
