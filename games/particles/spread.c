/* simple_spread: agents should stand on the landmarks, one on each, without running into each other.
 * mpe2/simple_spread/simple_spread.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { WORDS = 2 }; /* numbers in the messages that nobody sends; the observation has room for them */
enum { COLLISIONS, DISTANCE, OCCUPIED }; /* infos */

static const double CAPTURE_RADIUS = 0.1; /* a landmark with an agent nearer than this is occupied */

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1 || config->num_agents > PARTICLES_MAX_LANDMARKS)
        return agora_fail(error, "num_agents must be in [1, %d], got %d", PARTICLES_MAX_LANDMARKS, config->num_agents);
    return true;
}

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    int32_t n = config->num_agents;
    ParticlesBody body = {.radius = 0.15, .accel = 5, .max_speed = INFINITY, .is_movable = true, .collides = true};
    ParticlesCast *cast = particles_add_cast(model, "agents", "agent", n, body);
    particles_add_landmarks(model, n, 0.05, false);
    int32_t landmarks = particles_places(n, config->landmark_neighbors);
    int32_t others = particles_places(n - 1, config->agent_neighbors);
    cast->features = 4 + 2 * landmarks + (2 + WORDS) * others;
    if (model->has_presence_flags)
        cast->features += landmarks + others;
}

/* As many landmarks as agents. */
static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    (void)rng;
    particles_remove_landmarks(model, state, state->population);
}

/* How many others each agent overlaps. */
static void count_collisions(const ParticlesModel *model, const ParticlesState *state, double *collisions)
{
    for (int32_t a = 0; a < model->num_agents; a++)
        collisions[a] = 0;
    for (int32_t a = 0; a < model->num_agents; a++)
        for (int32_t b = a + 1; b < model->num_agents; b++)
            if (state->present[a] && state->present[b] && particles_touch(model, state, a, b)) {
                collisions[a]++;
                collisions[b]++;
            }
}

static double distance(const ParticlesModel *model, const ParticlesState *state)
{
    double sum = 0;
    for (int32_t k = model->num_agents; k < model->num_entities; k++)
        if (state->present[k])
            sum += particles_nearest(state, k, 0, model->num_agents);
    return sum;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    double *collisions = outcome->infos[COLLISIONS], shared = 0;
    int32_t occupied = 0, landmarks = 0;
    for (int32_t k = model->num_agents; k < model->num_entities; k++) {
        if (!state->present[k])
            continue;
        double nearest = particles_nearest(state, k, 0, model->num_agents);
        shared -= nearest;
        occupied += nearest < CAPTURE_RADIUS;
        landmarks++;
    }
    count_collisions(model, state, collisions);
    for (int32_t a = 0; a < model->num_agents; a++) {
        outcome->rewards[a] = shared * (1 - config->local_ratio) - collisions[a] * config->local_ratio;
        outcome->infos[DISTANCE][a] = -shared;
        outcome->infos[OCCUPIED][a] = occupied;
        particles_count_collisions(state, (int32_t)collisions[a]);
    }
    return occupied == landmarks;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)cast;
    int32_t agents = model->num_agents, entities = model->num_entities;
    int32_t landmark_neighbors = config->landmark_neighbors, agent_neighbors = config->agent_neighbors;
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    features = particles_put_offsets(state, agent, agents, entities, landmark_neighbors, features);
    features = particles_put_offsets(state, agent, 0, agents, agent_neighbors, features);
    features = particles_put_zeros(WORDS * particles_places(agents - 1, agent_neighbors), features);
    if (model->has_presence_flags) {
        features = particles_put_presence(state, agent, agents, entities, landmark_neighbors, features);
        particles_put_presence(state, agent, 0, agents, agent_neighbors, features);
    }
}

const ParticlesScenario particles_spread = {
    .check = check,
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .distance = distance,
    .has_populations = true,
    .num_infos = 3,
    .info_names = {"collisions", "distance", "occupied"},
};
