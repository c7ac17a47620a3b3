/* grassland: wolves hunt faster sheep, who graze. EPC's grassland.py; README.md has the tables. */
#include "pellets.h"

#include <string.h>

enum { WOLVES, SHEEP };
enum { TOUCHES }; /* infos */

static const double CATCH = 5, PELLET = 2, SHAPING = 0.1;

static bool check(const ParticlesConfig *config, AgoraError *error) { return particles_check_pellets(config, 1, error); }

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody wolf = {.radius = 0.075, .accel = 2, .max_speed = 2, .is_movable = true, .collides = true};
    ParticlesBody sheep = {.radius = 0.05, .accel = 4, .max_speed = 3, .is_movable = true, .collides = true};
    particles_add_cast(model, "wolves", "wolf", config->num_adversaries, wolf);
    particles_add_cast(model, "sheep", "sheep", config->num_agents, sheep);
    particles_add_pellets(config, model);
}

/* Everybody who is there when a step begins counts to its end; returns how many sheep live on. */
static int32_t hunt(const ParticlesModel *model, const ParticlesState *state, ParticlesGains *gains, double *touches)
{
    int32_t first = model->casts[SHEEP].first, left = 0;
    for (int32_t sheep = first; sheep < model->num_agents; sheep++) {
        if (!state->present[sheep])
            continue;
        for (int32_t wolf = 0; wolf < first; wolf++)
            if (state->present[wolf] && particles_touch(model, state, wolf, sheep)) {
                particles_gain(gains, WOLVES, wolf, CATCH);
                particles_gain(gains, SHEEP, sheep, -CATCH);
                touches[wolf]++;
                touches[sheep]++;
            }
        left += touches[sheep] == 0;
    }
    return left;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    int32_t first = model->casts[SHEEP].first;
    double *touches = outcome->infos[TOUCHES];
    bool eaten[PARTICLES_MAX_LANDMARKS] = {false};
    ParticlesGains gains = {0};
    memset(touches, 0, (size_t)model->num_agents * sizeof *touches);
    int32_t left = hunt(model, state, &gains, touches);
    particles_eat(model, state, SHEEP, PELLET, &gains, eaten);
    for (int32_t a = 0; a < model->num_agents; a++) {
        bool is_sheep = a >= first;
        double away = is_sheep ? particles_nearest_pellet(model, state, a)
                               : particles_nearest(state, a, first, model->num_agents);
        outcome->rewards[a] = particles_share(config, &gains, is_sheep ? SHEEP : WOLVES, a) - SHAPING * away;
    }
    for (int32_t sheep = first; sheep < model->num_agents; sheep++) {
        particles_count_collisions(state, state->present[sheep] ? (int32_t)touches[sheep] : 0);
        state->present[sheep] = state->present[sheep] && touches[sheep] == 0;
    }
    particles_regrow(model, rng, state, eaten);
    return left == 0;
}

const ParticlesScenario particles_grassland = {
    .check = check,
    .build = build,
    .start = particles_match_pellets,
    .score = score,
    .observe = particles_observe_pellets,
    .has_populations = true,
    .num_infos = 1,
    .info_names = {"touches"},
};
