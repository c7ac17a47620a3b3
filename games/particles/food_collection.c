/* food_collection: agents should be at all pellets at once, without running into each other.
 * EPC's food_collect.py; README.md has the tables. */
#include "pellets.h"

#include <string.h>

enum { COLLISIONS, OCCUPIED }; /* infos */

static const double COLLISION = 3, OCCUPATION = 6; /* divided by the number of agents */
static const double ALL_OCCUPIED = 10, HURRY = 2;  /* for everything at once, less the longer it took */

static bool check(const ParticlesConfig *config, AgoraError *error) { return particles_check_pellets(config, 0, error); }

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody body = {.radius = 0.05, .accel = 4, .max_speed = 4, .is_movable = true, .collides = true};
    particles_add_cast(model, "agents", "agent", config->num_agents, body);
    particles_add_pellets(config, model);
}

/* Pellets with an agent on them, in `taken` [2]: how many of how many. */
static void count_taken(const ParticlesModel *model, const ParticlesState *state, int32_t taken[2])
{
    taken[0] = taken[1] = 0;
    for (int32_t k = model->num_agents; k < model->num_entities; k++) {
        if (!state->present[k])
            continue;
        taken[1]++;
        for (int32_t a = 0; a < model->num_agents; a++)
            if (state->present[a] && particles_touch(model, state, a, k)) {
                taken[0]++;
                break;
            }
    }
}

static int32_t count_collisions(const ParticlesModel *model, const ParticlesState *state, double *collisions)
{
    int32_t count = 0;
    memset(collisions, 0, (size_t)model->num_agents * sizeof *collisions);
    for (int32_t a = 0; a < model->num_agents; a++)
        for (int32_t b = a + 1; b < model->num_agents && state->present[a]; b++)
            if (state->present[b] && particles_touch(model, state, a, b)) {
                collisions[a]++;
                collisions[b]++;
                count++;
            }
    return count;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    double *collisions = outcome->infos[COLLISIONS], n = state->population > 0 ? state->population : 1;
    ParticlesGains gains = {0};
    int32_t taken[2];
    count_taken(model, state, taken);
    int32_t pairs = count_collisions(model, state, collisions);
    for (int32_t a = 0; a < model->num_agents; a++)
        particles_gain(&gains, 0, a, -COLLISION / n * collisions[a]);
    double for_all = OCCUPATION / n * taken[0];
    if (taken[0] > 0 && taken[0] == taken[1])
        for_all += ALL_OCCUPIED - HURRY * (state->steps + 1.0) / (config->horizon + 1.0);
    for (int32_t a = 0; a < model->num_agents; a++) {
        outcome->rewards[a] =
            particles_share(config, &gains, 0, a) + for_all - particles_nearest_pellet(model, state, a);
        outcome->infos[OCCUPIED][a] = taken[0];
    }
    particles_count_collisions(state, pairs);
    particles_count_collected(state, taken[0]);
    return false;
}

const ParticlesScenario particles_food_collection = {
    .check = check,
    .build = build,
    .start = particles_match_pellets,
    .score = score,
    .observe = particles_observe_pellets,
    .has_populations = true,
    .num_infos = 2,
    .info_names = {"collisions", "occupied"},
};
