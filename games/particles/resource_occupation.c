/* resource_occupation: agents share out six places of different worth; an occupied one pays its occupants together.
 * Zhang et al. 2023 (MRA), the released envs/mpe_scenarios/resource.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>
#include <string.h>

enum { RESOURCES = 6, RESOURCE_FEATURES = 3, OWN_FEATURES = 4, VIEW = RESOURCES * RESOURCE_FEATURES };
enum { OWN, OCCUPIED }; /* infos */

static const double SMALLEST = 0.05; /* radius of the first resource; each is larger by as much */
static const double PAY = 10;        /* of a resource, for each length unit of its radius */

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1)
        return agora_fail(error, "num_agents must be at least 1, got %d", config->num_agents);
    return true;
}

/* Numbers that an agent sees of one other. */
static int32_t other_features(const ParticlesConfig *config)
{
    return 4 + VIEW * config->shows_views;
}

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody body = {.radius = 0.05, .accel = 5, .max_speed = INFINITY, .is_movable = true, .collides = true};
    ParticlesCast *cast = particles_add_cast(model, "agents", "agent", config->num_agents, body);
    for (int32_t k = 1; k <= RESOURCES; k++)
        particles_add_landmarks(model, 1, SMALLEST * k, false);
    model->counts_collected = true;
    int32_t resources = particles_places(RESOURCES, config->landmark_neighbors);
    int32_t others = particles_places(config->num_agents - 1, config->agent_neighbors);
    cast->features = OWN_FEATURES + resources * (RESOURCE_FEATURES + 1) + others * (other_features(config) + 1);
}

/* Shares out what one resource pays among those inside; returns it. */
static double pay_occupants(const ParticlesModel *model, const ParticlesState *state, int32_t resource, double *own)
{
    int32_t inside[PARTICLES_MAX_AGENTS], count = 0;
    for (int32_t a = 0; a < model->num_agents; a++)
        if (state->present[a] && particles_touch(model, state, a, resource))
            inside[count++] = a;
    if (count == 0)
        return 0;
    double pay = PAY * model->radius[resource];
    for (int32_t i = 0; i < count; i++)
        own[inside[i]] += pay / count;
    return pay;
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    double *own = outcome->infos[OWN], together = 0;
    int32_t occupied = 0;
    for (int32_t a = 0; a < model->num_agents; a++)
        own[a] = 0;
    for (int32_t k = model->num_agents; k < model->num_entities; k++) {
        double pay = state->present[k] ? pay_occupants(model, state, k, own) : 0;
        together += pay;
        occupied += pay > 0;
    }
    for (int32_t a = 0; a < model->num_agents; a++) {
        outcome->rewards[a] = config->shares_reward ? together : own[a];
        outcome->infos[OCCUPIED][a] = occupied;
    }
    particles_count_collected(state, occupied);
    return false;
}

/* The resources at some places as somebody sees them. */
static float *put_resources(const ParticlesModel *model, const ParticlesState *state, int32_t from, const int32_t *seen,
                            int32_t count, float *features)
{
    for (int32_t k = 0; k < count; k++) {
        if (seen[k] < 0) {
            features = particles_put_zeros(RESOURCE_FEATURES, features);
            continue;
        }
        features = particles_put_offset(state, from, seen[k], features);
        *features++ = (float)model->radius[seen[k]];
    }
    return features;
}

/* `views`: what each agent sees of all resources, which is what others see of it too. */
static void observe_one(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                        const float views[][VIEW], int32_t agent, float *features)
{
    int32_t resources[PARTICLES_MAX_ENTITIES], others[PARTICLES_MAX_ENTITIES], agents = model->num_agents;
    int32_t num_resources =
        particles_list_seen(state, agent, agents, model->num_entities, config->landmark_neighbors, resources);
    int32_t num_others = particles_list_seen(state, agent, 0, agents, config->agent_neighbors, others);
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    features = put_resources(model, state, agent, resources, num_resources, features);
    for (int32_t k = 0; k < num_others; k++) {
        if (others[k] < 0) {
            features = particles_put_zeros(other_features(config), features);
            continue;
        }
        features = particles_put_velocity(state, others[k], particles_put_offset(state, agent, others[k], features));
        if (config->shows_views) {
            memcpy(features, views[others[k]], sizeof views[0]);
            features += VIEW;
        }
    }
    features = particles_put_flags(resources, num_resources, features);
    particles_put_flags(others, num_others, features);
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    float *features)
{
    float views[PARTICLES_MAX_AGENTS][VIEW];
    int32_t all[RESOURCES], width = model->casts[cast].features;
    particles_list_seen(state, -1, model->num_agents, model->num_entities, 0, all);
    for (int32_t a = 0; a < model->num_agents && config->shows_views; a++)
        put_resources(model, state, a, all, RESOURCES, views[a]);
    for (int32_t a = 0; a < model->num_agents; a++, features += width)
        if (state->present[a])
            observe_one(config, model, state, views, a, features);
        else
            particles_put_zeros(width, features);
}

const ParticlesScenario particles_resource_occupation = {
    .check = check,
    .build = build,
    .score = score,
    .observe_all = observe,
    .has_populations = true,
    .num_infos = 2,
    .info_names = {"own", "occupied"},
};
