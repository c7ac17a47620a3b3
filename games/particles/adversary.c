/* simple_adversary: agents who know the goal should reach it without showing it to an adversary.
 * mpe2/simple_adversary/simple_adversary.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { ADVERSARY, FIRST_AGENT };

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1 || config->num_agents > PARTICLES_MAX_AGENTS - 1)
        return agora_fail(error, "num_agents must be in [1, %d], got %d", PARTICLES_MAX_AGENTS - 1, config->num_agents);
    return true;
}

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    int32_t n = config->num_agents;
    ParticlesBody body = {.radius = 0.15, .accel = 5, .max_speed = INFINITY, .is_movable = true};
    ParticlesCast *adversaries = particles_add_cast(model, "adversaries", "adversary", 1, body);
    ParticlesCast *agents = particles_add_cast(model, "agents", "agent", n, body);
    particles_add_landmarks(model, n, 0.08, false);
    model->num_goals = 1;
    int32_t landmarks = particles_places(n, config->landmark_neighbors);
    int32_t others = particles_places(n, config->agent_neighbors);
    adversaries->features = 2 * landmarks + 2 * others + (landmarks + others) * model->has_presence_flags;
    agents->features = adversaries->features + 2;
}

/* As many landmarks as agents; one of them is the goal. */
static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    int32_t landmarks = state->population - 1;
    particles_remove_landmarks(model, state, landmarks);
    state->goals[0] = (int32_t)agora_draw_below(rng, (uint32_t)landmarks);
}

static int32_t goal_of(const ParticlesModel *model, const ParticlesState *state)
{
    return model->num_agents + state->goals[0];
}

static double distance(const ParticlesModel *model, const ParticlesState *state)
{
    return particles_nearest(state, goal_of(model, state), FIRST_AGENT, model->num_agents);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    double theirs = state->present[ADVERSARY] ? particles_distance(state, ADVERSARY, goal_of(model, state)) : 0;
    double ours = distance(model, state);
    for (int32_t a = 0; a < model->num_agents; a++) {
        outcome->rewards[a] = a == ADVERSARY ? -theirs : theirs - ours;
        outcome->infos[0][a] = particles_distance(state, a, goal_of(model, state));
    }
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)cast;
    int32_t agents = model->num_agents, entities = model->num_entities;
    int32_t landmark_neighbors = config->landmark_neighbors, agent_neighbors = config->agent_neighbors;
    if (agent != ADVERSARY)
        features = particles_put_offset(state, agent, goal_of(model, state), features);
    features = particles_put_offsets(state, agent, agents, entities, landmark_neighbors, features);
    features = particles_put_offsets(state, agent, 0, agents, agent_neighbors, features);
    if (model->has_presence_flags) {
        features = particles_put_presence(state, agent, agents, entities, landmark_neighbors, features);
        particles_put_presence(state, agent, 0, agents, agent_neighbors, features);
    }
}

const ParticlesScenario particles_adversary = {
    .check = check,
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .distance = distance,
    .has_populations = true,
    .num_infos = 1,
    .info_names = {"goal_distance"},
};
