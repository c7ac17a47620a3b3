/* simple_reference: each of two agents tells the other where to go. mpe2/simple_reference/simple_reference.py; README.md
 * has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { AGENTS = 2, FIRST_LANDMARK = 2, LANDMARKS = 3, WORDS = 10 };

static const float COLORS[LANDMARKS][3] = {{0.75f, 0.25f, 0.25f}, {0.25f, 0.75f, 0.25f}, {0.25f, 0.25f, 0.75f}};

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    (void)config;
    ParticlesBody body = {.radius = 0.05, .accel = 5, .max_speed = INFINITY, .is_movable = true};
    ParticlesCast *agents = particles_add_cast(model, "agents", "agent", AGENTS, body);
    agents->features = 2 + 2 * LANDMARKS + 3 + WORDS;
    agents->words = WORDS;
    particles_add_landmarks(model, LANDMARKS, 0.05, false);
    model->num_goals = AGENTS;
}

/* goals[i] is where agent i should send the other. */
static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    (void)model;
    for (int32_t i = 0; i < AGENTS; i++)
        state->goals[i] = (int32_t)agora_draw_below(rng, LANDMARKS);
}

/* Of the agent that agent i sends. */
static double distance_left(const ParticlesState *state, int32_t i)
{
    return particles_distance(state, 1 - i, FIRST_LANDMARK + state->goals[i]);
}

static double distance(const ParticlesModel *model, const ParticlesState *state)
{
    (void)model;
    return distance_left(state, 0) + distance_left(state, 1);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    double shared = -distance(model, state) / AGENTS;
    for (int32_t i = 0; i < AGENTS; i++)
        outcome->rewards[i] = shared * (1 - config->local_ratio) - distance_left(state, i) * config->local_ratio;
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)config;
    (void)model;
    (void)cast;
    features = particles_put_velocity(state, agent, features);
    for (int32_t k = 0; k < LANDMARKS; k++)
        features = particles_put_offset(state, agent, FIRST_LANDMARK + k, features);
    features = particles_put_numbers(COLORS[state->goals[agent]], 3, features);
    particles_put_numbers(state->messages + WORDS * (1 - agent), WORDS, features);
}

const ParticlesScenario particles_reference = {
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .distance = distance,
};
