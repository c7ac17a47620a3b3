/* simple_crypto: Alice tells Bob a bit in public, and they share a key that Eve lacks. Nobody moves.
 * mpe2/simple_crypto/simple_crypto.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

enum { EVE, BOB, ALICE, WORDS = 4, LANDMARKS = 2 };
enum { MESSAGE, KEY }; /* goals */

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    (void)config;
    static const char *const NAMES[] = {"eve", "bob", "alice"};
    static const int32_t FEATURES[] = {WORDS, 2 * WORDS, 2 * WORDS};
    for (int32_t c = EVE; c <= ALICE; c++) {
        ParticlesCast *cast = particles_add_cast(model, NAMES[c], NAMES[c], 1, (ParticlesBody){.radius = 0.05});
        cast->features = FEATURES[c];
        cast->words = WORDS;
    }
    particles_add_landmarks(model, LANDMARKS, 0.05, false);
    model->num_goals = 2;
}

static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    (void)model;
    state->goals[MESSAGE] = (int32_t)agora_draw_below(rng, LANDMARKS);
    state->goals[KEY] = (int32_t)agora_draw_below(rng, LANDMARKS);
}

/* Square distance of what somebody says from the message; 0 for silence. */
static double error_of(const ParticlesState *state, int32_t agent)
{
    const float *said = state->messages + agent * WORDS;
    double sum = 0;
    bool is_silent = true;
    for (int32_t k = 0; k < WORDS; k++) {
        double difference = (double)said[k] - (k == state->goals[MESSAGE]);
        sum += difference * difference;
        is_silent &= said[k] == 0;
    }
    return is_silent ? 0 : sum;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    (void)config;
    (void)model;
    outcome->rewards[EVE] = -error_of(state, EVE);
    outcome->rewards[BOB] = outcome->rewards[ALICE] = error_of(state, EVE) - error_of(state, BOB);
    return false;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)config;
    (void)model;
    (void)cast;
    const float *heard = state->messages + ALICE * WORDS;
    if (agent == ALICE) {
        particles_put_zeros(2 * WORDS, features);
        features[state->goals[MESSAGE]] = 1;
        features[WORDS + state->goals[KEY]] = 1;
    } else if (agent == BOB) {
        particles_put_numbers(heard, WORDS, particles_put_zeros(WORDS, features));
        features[state->goals[KEY]] = 1;
    } else {
        particles_put_numbers(heard, WORDS, features);
    }
}

const ParticlesScenario particles_crypto = {
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
};
