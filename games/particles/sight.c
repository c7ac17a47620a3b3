#include "sight.h"

#include "scenario.h"

#include <string.h>

float *particles_put_numbers(const float *numbers, int32_t count, float *features)
{
    memcpy(features, numbers, (size_t)count * sizeof *features);
    return features + count;
}

float *particles_put_velocity(const ParticlesState *state, int32_t agent, float *features)
{
    for (int32_t axis = 0; axis < 2; axis++)
        features[axis] = (float)state->velocities[agent][axis];
    return features + 2;
}

float *particles_put_position(const ParticlesState *state, int32_t agent, float *features)
{
    for (int32_t axis = 0; axis < 2; axis++)
        features[axis] = (float)state->positions[agent][axis];
    return features + 2;
}

float *particles_put_offset(const ParticlesState *state, int32_t agent, int32_t entity, float *features)
{
    for (int32_t axis = 0; axis < 2; axis++)
        features[axis] = (float)(state->positions[entity][axis] - state->positions[agent][axis]);
    return features + 2;
}

/* Insertion into a list that is kept as long as there are places. Equally near entities keep their order. */
static int32_t look_at_nearest(const ParticlesState *state, int32_t agent, int32_t first, int32_t end,
                               int32_t neighbors, int32_t *seen)
{
    double squares[PARTICLES_MAX_ENTITIES];
    int32_t count = 0;
    for (int32_t entity = first; entity < end; entity++) {
        if (entity == agent || !state->present[entity])
            continue;
        double square = particles_square_distance(state, agent, entity);
        int32_t place = count;
        while (place > 0 && square < squares[place - 1])
            place--;
        if (place == neighbors)
            continue;
        count += count < neighbors;
        for (int32_t k = count - 1; k > place; k--) {
            squares[k] = squares[k - 1];
            seen[k] = seen[k - 1];
        }
        squares[place] = square;
        seen[place] = entity;
    }
    for (int32_t k = count; k < neighbors; k++)
        seen[k] = -1;
    return neighbors;
}

int32_t particles_look(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                       int32_t seen[PARTICLES_MAX_ENTITIES])
{
    if (neighbors != PARTICLES_SEE_ALL)
        return look_at_nearest(state, agent, first, end, neighbors, seen);
    int32_t places = 0;
    for (int32_t entity = first; entity < end; entity++)
        if (entity != agent)
            seen[places++] = state->present[entity] ? entity : -1;
    return places;
}

float *particles_put_offsets(const ParticlesState *state, int32_t agent, const int32_t *seen, int32_t places,
                             float *features)
{
    for (int32_t k = 0; k < places; k++)
        if (seen[k] >= 0)
            particles_put_offset(state, agent, seen[k], features + 2 * k);
    return features + 2 * places;
}

float *particles_put_presence(const int32_t *seen, int32_t places, float *features)
{
    for (int32_t k = 0; k < places; k++)
        features[k] = seen[k] >= 0;
    return features + places;
}
