#include "pellets.h"

#include "sight.h"

enum { OWN_FEATURES = 4, PELLET_FEATURES = 2, OTHER_FEATURES = 5 };

static const double PELLET_RADIUS = 0.03, PELLET_AREA = 0.9, FIELD = 1;

bool particles_check_pellets(const ParticlesConfig *config, int32_t least_adversaries, AgoraError *error)
{
    if (config->num_agents < 1 || config->num_adversaries < least_adversaries)
        return agora_fail(error, "num_agents and num_adversaries must be at least 1 and %d, got %d and %d",
                          least_adversaries, config->num_agents, config->num_adversaries);
    if (config->num_food < least_adversaries)
        return agora_fail(error, "num_food must be at least 1 where there are two teams, got %d", config->num_food);
    return true;
}

void particles_add_pellets(const ParticlesConfig *config, ParticlesModel *model)
{
    int32_t pellets = config->num_food > 0 ? config->num_food : config->num_agents;
    particles_add_landmarks(model, pellets, PELLET_RADIUS, false);
    model->landmark_area = PELLET_AREA;
    model->field = FIELD;
    model->landmarks_follow = config->num_food == 0;
    model->counts_collected = true;
    pellets = particles_places(pellets, config->landmark_neighbors);
    int32_t others = particles_places(model->num_agents - 1, config->agent_neighbors);
    for (int32_t c = 0; c < model->num_casts; c++)
        model->casts[c].features = OWN_FEATURES + pellets * (PELLET_FEATURES + 1) + others * (OTHER_FEATURES + 1);
}

void particles_match_pellets(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    (void)rng;
    if (model->landmarks_follow)
        particles_remove_landmarks(model, state, state->population);
}

double particles_nearest_pellet(const ParticlesModel *model, const ParticlesState *state, int32_t agent)
{
    return particles_nearest(state, agent, model->num_agents, model->num_entities);
}

void particles_eat(const ParticlesModel *model, const ParticlesState *state, int32_t cast, double value,
                   ParticlesGains *gains, bool *eaten)
{
    int32_t first = model->casts[cast].first, end = first + model->casts[cast].count;
    for (int32_t a = first; a < end; a++)
        for (int32_t k = 0; k < model->num_landmarks && state->present[a]; k++) {
            int32_t pellet = model->num_agents + k;
            if (state->present[pellet] && particles_touch(model, state, a, pellet)) {
                particles_gain(gains, cast, a, value);
                eaten[k] = true;
            }
        }
}

void particles_regrow(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state, const bool *eaten)
{
    int32_t count = 0;
    for (int32_t k = 0; k < model->num_landmarks; k++)
        if (eaten[k]) {
            particles_place(rng, PELLET_AREA, state->positions[model->num_agents + k]);
            count++;
        }
    particles_count_collected(state, count);
}

void particles_observe_pellets(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                               int32_t cast, int32_t agent, float *features)
{
    int32_t pellets[PARTICLES_MAX_ENTITIES], others[PARTICLES_MAX_ENTITIES], agents = model->num_agents;
    int32_t first = model->casts[cast].first, end = first + model->casts[cast].count;
    int32_t num_pellets =
        particles_list_seen(state, agent, agents, model->num_entities, config->landmark_neighbors, pellets);
    int32_t num_others = particles_list_seen(state, agent, 0, agents, config->agent_neighbors, others);
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    for (int32_t k = 0; k < num_pellets; k++)
        features = pellets[k] >= 0 ? particles_put_offset(state, agent, pellets[k], features)
                                   : particles_put_zeros(PELLET_FEATURES, features);
    for (int32_t k = 0; k < num_others; k++) {
        if (others[k] < 0) {
            features = particles_put_zeros(OTHER_FEATURES, features);
            continue;
        }
        features = particles_put_velocity(state, others[k], particles_put_offset(state, agent, others[k], features));
        *features++ = others[k] >= first && others[k] < end; /* of the same team */
    }
    features = particles_put_flags(pellets, num_pellets, features);
    particles_put_flags(others, num_others, features);
}
