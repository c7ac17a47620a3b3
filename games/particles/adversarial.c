/* adversarial: two equal teams over the same food, where two together take out one of the others.
 * EPC's adversarial.py; README.md has the tables. */
#include "pellets.h"

#include <string.h>

enum { REDS, BLUES };
enum { TOUCHES }; /* infos */
enum { PACK = 2 }; /* opponents who take an agent out together */

static const double DEATH = 6, PELLET = 1, PELLET_SHAPING = 0.1, OPPONENT_SHAPING = 0.04;

static bool check(const ParticlesConfig *config, AgoraError *error) { return particles_check_pellets(config, 1, error); }

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody body = {.radius = 0.08, .accel = 4, .max_speed = 3, .is_movable = true, .collides = true};
    particles_add_cast(model, "reds", "red", config->num_adversaries, body);
    particles_add_cast(model, "blues", "blue", config->num_agents, body);
    particles_add_pellets(config, model);
}

/* One agent of `cast` among its opponents; returns how many touch it. */
static int32_t surround(const ParticlesModel *model, const ParticlesState *state, int32_t cast, int32_t agent,
                        ParticlesGains *gains)
{
    const ParticlesCast *opponents = &model->casts[!cast];
    int32_t touching[PARTICLES_MAX_AGENTS], count = 0;
    for (int32_t b = opponents->first; b < opponents->first + opponents->count; b++)
        if (state->present[b] && particles_touch(model, state, agent, b))
            touching[count++] = b;
    if (count >= PACK) {
        particles_gain(gains, cast, agent, -DEATH);
        for (int32_t i = 0; i < count; i++)
            particles_gain(gains, !cast, touching[i], DEATH / count);
    }
    return count;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    double *touches = outcome->infos[TOUCHES];
    bool eaten[PARTICLES_MAX_LANDMARKS] = {false};
    ParticlesGains gains = {0};
    for (int32_t a = 0; a < model->num_agents; a++)
        touches[a] = state->present[a] ? surround(model, state, a >= model->casts[BLUES].first, a, &gains) : 0;
    particles_eat(model, state, REDS, PELLET, &gains, eaten);
    particles_eat(model, state, BLUES, PELLET, &gains, eaten);
    for (int32_t a = 0; a < model->num_agents; a++) {
        int32_t cast = a >= model->casts[BLUES].first;
        const ParticlesCast *others = &model->casts[!cast];
        outcome->rewards[a] = particles_share(config, &gains, cast, a) -
                              PELLET_SHAPING * particles_nearest_pellet(model, state, a) -
                              OPPONENT_SHAPING * particles_nearest(state, a, others->first, others->first + others->count);
    }
    for (int32_t a = 0; a < model->num_agents; a++)
        if (state->present[a] && touches[a] >= PACK) {
            state->present[a] = 0;
            particles_count_collisions(state, 1);
        }
    particles_regrow(model, rng, state, eaten);
    return false;
}

const ParticlesScenario particles_adversarial = {
    .check = check,
    .build = build,
    .start = particles_match_pellets,
    .score = score,
    .observe = particles_observe_pellets,
    .has_populations = true,
    .num_infos = 1,
    .info_names = {"touches"},
};
