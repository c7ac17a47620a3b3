/* simple_push: an agent should be at the goal, and an adversary, who does not know which landmark it is, in its way.
 * mpe2/simple_push/simple_push.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { ADVERSARY, AGENT, FIRST_LANDMARK, LANDMARKS = 2 };

static const float LANDMARK_COLORS[LANDMARKS][3] = {{0.1f, 0.9f, 0.1f}, {0.1f, 0.1f, 0.9f}};
static const float AGENT_COLORS[LANDMARKS][3] = {{0.25f, 0.75f, 0.25f}, {0.25f, 0.25f, 0.75f}}; /* by the goal */

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    (void)config;
    ParticlesBody body = {.radius = 0.05, .accel = 5, .max_speed = INFINITY, .is_movable = true, .collides = true};
    particles_add_cast(model, "adversaries", "adversary", 1, body)->features = 8;
    particles_add_cast(model, "agents", "agent", 1, body)->features = 19;
    particles_add_landmarks(model, LANDMARKS, 0.05, false);
    model->num_goals = 1;
}

static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    (void)model;
    state->goals[0] = (int32_t)agora_draw_below(rng, LANDMARKS);
}

static double distance(const ParticlesModel *model, const ParticlesState *state)
{
    (void)model;
    return particles_distance(state, AGENT, FIRST_LANDMARK + state->goals[0]);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    double ours = distance(model, state);
    outcome->rewards[AGENT] = -ours;
    outcome->rewards[ADVERSARY] = ours - particles_distance(state, ADVERSARY, FIRST_LANDMARK + state->goals[0]);
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)config;
    (void)model;
    (void)cast;
    int32_t goal = state->goals[0];
    features = particles_put_velocity(state, agent, features);
    if (agent == AGENT) {
        features = particles_put_offset(state, agent, FIRST_LANDMARK + goal, features);
        features = particles_put_numbers(AGENT_COLORS[goal], 3, features);
    }
    for (int32_t k = 0; k < LANDMARKS; k++)
        features = particles_put_offset(state, agent, FIRST_LANDMARK + k, features);
    if (agent == AGENT)
        features = particles_put_numbers(LANDMARK_COLORS[0], 3 * LANDMARKS, features);
    particles_put_offset(state, agent, agent == AGENT ? ADVERSARY : AGENT, features);
}

const ParticlesScenario particles_push = {
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .distance = distance,
};
