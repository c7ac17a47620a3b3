/* simple_tag: slower adversaries chase faster agents between obstacles. mpe2/simple_tag/simple_tag.py; README.md has the
 * tables. */
#include "scenario.h"
#include "sight.h"

enum { ADVERSARIES, AGENTS };

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1 || config->num_adversaries < 1)
        return agora_fail(error, "num_agents and num_adversaries must be at least 1, got %d and %d", config->num_agents,
                          config->num_adversaries);
    return true;
}

/* Numbers that an agent of a cast sees, of whose own kind `others_like_it` may be seen with their velocities. */
static int32_t num_features(const ParticlesConfig *config, const ParticlesModel *model, int32_t agents_seen)
{
    int32_t landmarks = particles_places(config->num_obstacles, config->landmark_neighbors);
    int32_t others = particles_places(config->num_agents + config->num_adversaries - 1, config->agent_neighbors);
    int32_t velocities = particles_places(agents_seen, config->agent_neighbors);
    return 4 + 2 * landmarks + 2 * others + 2 * velocities + others * model->has_presence_flags;
}

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody adversary = {.radius = 0.075, .accel = 3, .max_speed = 1, .is_movable = true, .collides = true};
    ParticlesBody agent = {.radius = 0.05, .accel = 4, .max_speed = 1.3, .is_movable = true, .collides = true};
    particles_add_cast(model, "adversaries", "adversary", config->num_adversaries, adversary);
    particles_add_cast(model, "agents", "agent", config->num_agents, agent);
    particles_add_landmarks(model, config->num_obstacles, 0.2, true);
    model->landmark_area = 0.9;
    model->casts[ADVERSARIES].features = num_features(config, model, config->num_agents);
    model->casts[AGENTS].features = num_features(config, model, config->num_agents - 1);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    int32_t adversaries = model->casts[ADVERSARIES].count, catches = 0;
    double *collisions = outcome->infos[0];
    bool is_everybody_caught = true;
    for (int32_t a = 0; a < model->num_agents; a++)
        collisions[a] = 0;
    for (int32_t a = adversaries; a < model->num_agents; a++) {
        if (!state->present[a])
            continue;
        for (int32_t b = 0; b < adversaries; b++)
            if (state->present[b] && particles_touch(model, state, a, b)) {
                collisions[a]++;
                collisions[b]++;
                catches++;
            }
        outcome->rewards[a] = -10 * collisions[a] - particles_leaving_cost(state->positions[a]);
        is_everybody_caught &= collisions[a] > 0;
    }
    for (int32_t b = 0; b < adversaries; b++)
        outcome->rewards[b] = 10 * catches;
    particles_count_collisions(state, catches);
    return is_everybody_caught;
}

/* With a limit on neighbors there is a place for each of their velocities; else only the agents have one. */
static float *put_velocities(const ParticlesModel *model, const ParticlesState *state, int32_t agent, int32_t neighbors,
                             float *features)
{
    int32_t seen[PARTICLES_MAX_ENTITIES], first = model->casts[AGENTS].first;
    if (neighbors > 0)
        particles_find_nearest(state, agent, 0, model->num_agents, neighbors, seen);
    for (int32_t k = 0; k < neighbors; k++)
        features = seen[k] >= first ? particles_put_velocity(state, seen[k], features) : particles_put_zeros(2, features);
    for (int32_t other = first; other < model->num_agents && neighbors == 0; other++)
        if (other != agent)
            features = particles_put_velocity(state, other, features);
    return features;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)cast;
    int32_t agents = model->num_agents, neighbors = config->agent_neighbors;
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    features = particles_put_offsets(state, agent, agents, model->num_entities, config->landmark_neighbors, features);
    features = particles_put_offsets(state, agent, 0, agents, neighbors, features);
    features = put_velocities(model, state, agent, neighbors, features);
    if (model->has_presence_flags)
        particles_put_presence(state, agent, 0, agents, neighbors, features);
}

const ParticlesScenario particles_tag = {
    .check = check,
    .build = build,
    .score = score,
    .observe = observe,
    .has_populations = true,
    .num_infos = 1,
    .info_names = {"collisions"},
};
