#include "sight.h"

/* Of entities in a row, whoever is there: a loop for the machine's wide registers. */
static float *put_row(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, float *features)
{
    double x = state->positions[agent][0], y = state->positions[agent][1];
    const double(*positions)[2] = state->positions + first;
    int32_t count = end - first;
    for (int32_t k = 0; k < count; k++) {
        features[2 * k] = (float)(positions[k][0] - x);
        features[2 * k + 1] = (float)(positions[k][1] - y);
    }
    if (!particles_are_all_present(state, first, end))
        for (int32_t k = 0; k < count; k++)
            if (!state->present[first + k])
                features[2 * k] = features[2 * k + 1] = 0;
    return features + 2 * count;
}

static bool is_between(int32_t entity, int32_t first, int32_t end) { return entity >= first && entity < end; }

float *particles_put_offsets(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                             float *features)
{
    if (neighbors > 0) {
        int32_t seen[PARTICLES_MAX_ENTITIES];
        particles_find_nearest(state, agent, first, end, neighbors, seen);
        for (int32_t k = 0; k < neighbors; k++)
            features = seen[k] >= 0 ? particles_put_offset(state, agent, seen[k], features)
                                    : particles_put_zeros(2, features);
        return features;
    }
    if (!is_between(agent, first, end))
        return put_row(state, agent, first, end, features);
    features = put_row(state, agent, first, agent, features);
    return put_row(state, agent, agent + 1, end, features);
}

float *particles_put_presence(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                              float *features)
{
    int32_t present = 0;
    for (int32_t entity = first; entity < end; entity++) {
        if (entity == agent)
            continue;
        present += state->present[entity];
        if (neighbors == 0)
            *features++ = state->present[entity];
    }
    for (int32_t k = 0; k < neighbors; k++)
        *features++ = k < present;
    return features;
}

/* Insertion into a list that is kept as long as there are places. Equally near entities keep their order. */
void particles_find_nearest(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                            int32_t *seen)
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
}

int32_t particles_list_seen(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                            int32_t *seen)
{
    if (neighbors > 0) {
        particles_find_nearest(state, agent, first, end, neighbors, seen);
        return neighbors;
    }
    int32_t count = 0;
    for (int32_t entity = first; entity < end; entity++)
        if (entity != agent)
            seen[count++] = state->present[entity] ? entity : -1;
    return count;
}
