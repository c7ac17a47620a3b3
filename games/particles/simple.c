/* simple: one agent should go to one landmark. mpe2/simple/simple.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    (void)config;
    ParticlesBody body = {.radius = 0.05, .accel = 5, .max_speed = INFINITY, .is_movable = true};
    particles_add_cast(model, "agents", "agent", 1, body)->features = 4;
    particles_add_landmarks(model, 1, 0.05, false);
}

static double distance(const ParticlesModel *model, const ParticlesState *state)
{
    (void)model;
    return particles_distance(state, 0, 1);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    (void)model;
    outcome->rewards[0] = -particles_square_distance(state, 0, 1);
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)config;
    (void)model;
    (void)cast;
    features = particles_put_velocity(state, agent, features);
    particles_put_offset(state, agent, 1, features);
}

const ParticlesScenario particles_simple = {
    .build = build,
    .score = score,
    .observe = observe,
    .distance = distance,
};
