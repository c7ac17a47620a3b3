/* simple_speaker_listener: a speaker who knows the goal leads a listener there.
 * mpe2/simple_speaker_listener/simple_speaker_listener.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { SPEAKER, LISTENER, FIRST_LANDMARK, LANDMARKS = 3, WORDS = 3 };

static const float COLORS[LANDMARKS][3] = {{0.65f, 0.15f, 0.15f}, {0.15f, 0.65f, 0.15f}, {0.15f, 0.15f, 0.65f}};

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    (void)config;
    ParticlesBody speaker = {.radius = 0.075}, listener = {.radius = 0.075, .accel = 5, .max_speed = INFINITY};
    listener.is_movable = true;
    ParticlesCast *speakers = particles_add_cast(model, "speakers", "speaker", 1, speaker);
    speakers->features = 3;
    speakers->words = WORDS;
    particles_add_cast(model, "listeners", "listener", 1, listener)->features = 2 + 2 * LANDMARKS + WORDS;
    particles_add_landmarks(model, LANDMARKS, 0.04, false);
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
    return particles_distance(state, LISTENER, FIRST_LANDMARK + state->goals[0]);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    (void)model;
    double reward = -particles_square_distance(state, LISTENER, FIRST_LANDMARK + state->goals[0]);
    outcome->rewards[SPEAKER] = outcome->rewards[LISTENER] = reward;
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)config;
    (void)model;
    (void)cast;
    if (agent == SPEAKER) {
        particles_put_numbers(COLORS[state->goals[0]], 3, features);
        return;
    }
    features = particles_put_velocity(state, agent, features);
    for (int32_t k = 0; k < LANDMARKS; k++)
        features = particles_put_offset(state, agent, FIRST_LANDMARK + k, features);
    particles_put_numbers(state->messages, WORDS, features);
}

const ParticlesScenario particles_speaker_listener = {
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .distance = distance,
};
