/* simple_world_comm: simple_tag with food, forests to hide in, and a leader of the adversaries who sees all and speaks.
 * mpe2/simple_world_comm/simple_world_comm.py; README.md has the tables. Landmarks: obstacles, food, forests. */
#include "scenario.h"
#include "sight.h"

enum { LEADER, ADVERSARIES, AGENTS };
enum { WORDS = 4 };

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1 || config->num_adversaries < 2 || config->num_food < 1)
        return agora_fail(error, "there must be at least 1 agent, 2 adversaries and 1 food, got %d, %d and %d",
                          config->num_agents, config->num_adversaries, config->num_food);
    return true;
}

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody adversary = {.radius = 0.075, .accel = 3, .max_speed = 1, .is_movable = true, .collides = true};
    ParticlesBody agent = {.radius = 0.045, .accel = 4, .max_speed = 1.3, .is_movable = true, .collides = true};
    particles_add_cast(model, "leaders", "leadadversary", 1, adversary);
    particles_add_cast(model, "adversaries", "adversary", config->num_adversaries - 1, adversary);
    particles_add_cast(model, "agents", "agent", config->num_agents, agent);
    particles_add_landmarks(model, config->num_obstacles, 0.2, true);
    particles_add_landmarks(model, config->num_food, 0.03, false);
    particles_add_landmarks(model, config->num_forests, 0.3, false);
    model->landmark_area = 0.9;
    int32_t seen = 4 + 2 * model->num_landmarks + 2 * (model->num_agents - 1) + config->num_forests;
    model->casts[AGENTS].features = seen + 2 * (config->num_agents - 1);
    model->casts[LEADER].features = model->casts[ADVERSARIES].features = seen + 2 * config->num_agents + WORDS;
    model->casts[LEADER].words = WORDS;
}

static int32_t first_food(const ParticlesConfig *config, const ParticlesModel *model)
{
    return model->num_agents + config->num_obstacles;
}

static double agent_reward(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                           int32_t agent, double collisions)
{
    int32_t food = first_food(config, model), meals = 0;
    for (int32_t k = food; k < food + config->num_food; k++)
        meals += state->present[k] && particles_touch(model, state, agent, k);
    return -5 * collisions - 2 * particles_leaving_cost(state->positions[agent]) + 2 * meals -
           0.05 * particles_nearest(state, agent, food, food + config->num_food);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    (void)rng;
    int32_t first = model->casts[AGENTS].first, catches = 0;
    double *collisions = outcome->infos[0];
    for (int32_t a = 0; a < model->num_agents; a++)
        collisions[a] = 0;
    for (int32_t a = first; a < model->num_agents; a++) {
        if (!state->present[a])
            continue;
        for (int32_t b = 0; b < first; b++)
            if (state->present[b] && particles_touch(model, state, a, b)) {
                collisions[a]++;
                collisions[b]++;
                catches++;
            }
        outcome->rewards[a] = agent_reward(config, model, state, a, collisions[a]);
    }
    for (int32_t b = 0; b < first; b++)
        outcome->rewards[b] = 5 * catches - 0.1 * particles_nearest(state, b, first, model->num_agents);
    particles_count_collisions(state, catches);
    return false;
}

/* ---- observations ---- */

/* One bit for each forest that an agent is in. */
static uint64_t forests_of(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                           int32_t agent)
{
    int32_t first = model->num_entities - config->num_forests;
    uint64_t forests = 0;
    for (int32_t k = 0; k < config->num_forests; k++)
        forests |= (uint64_t)(state->present[first + k] && particles_touch(model, state, agent, first + k)) << k;
    return forests;
}

static float *put_forests(const ParticlesConfig *config, uint64_t forests, float *features)
{
    for (int32_t k = 0; k < config->num_forests; k++)
        features[k] = forests >> k & 1 ? 1 : -1;
    return features + config->num_forests;
}

/* Who is in a forest is seen from the same forest only, and sees nobody outside; the leader sees everybody. */
static bool can_see(uint64_t own, uint64_t theirs, int32_t cast)
{
    return cast == LEADER || (own | theirs) == 0 || (own & theirs) != 0;
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    uint64_t own = forests_of(config, model, state, agent);
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    features = particles_put_offsets(state, agent, model->num_agents, model->num_entities, 0, features);
    float *velocities = features + 2 * (model->num_agents - 1);
    if (cast == AGENTS)
        velocities = put_forests(config, own, velocities);
    for (int32_t other = 0; other < model->num_agents; other++) {
        if (other == agent)
            continue;
        bool is_seen = state->present[other] && can_see(own, forests_of(config, model, state, other), cast);
        features = is_seen ? particles_put_offset(state, agent, other, features) : particles_put_zeros(2, features);
        if (other >= model->casts[AGENTS].first)
            velocities =
                is_seen ? particles_put_velocity(state, other, velocities) : particles_put_zeros(2, velocities);
    }
    if (cast != AGENTS)
        particles_put_numbers(state->messages, WORDS, put_forests(config, own, velocities));
}

const ParticlesScenario particles_world_comm = {
    .check = check,
    .build = build,
    .score = score,
    .observe = observe,
    .num_infos = 1,
    .info_names = {"collisions"},
};
