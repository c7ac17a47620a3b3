/* treasure_collection: collectors pick up treasures of several kinds and bring each to the bank of its kind, which moves
 * too. Iqbal and Sha 2019 (MAAC), envs/mpe_scenarios/fullobs_collect_treasure.py; README.md has the tables. */
#include "scenario.h"
#include "sight.h"

#include <math.h>

enum { COLLECTORS, BANKS };
enum { COLLISIONS, PICK_UPS, DEPOSITS }; /* infos */
enum { NEAR_COLLECTORS = 7 };            /* whom an idle bank keeps near */

static const double PAY = 5, COLLISION_COST = 5, SHAPING = 0.1, TREASURE_AREA = 0.95;

static bool check(const ParticlesConfig *config, AgoraError *error)
{
    if (config->num_agents < 1)
        return agora_fail(error, "num_agents must be at least 1, got %d", config->num_agents);
    return agora_check_range("num_adversaries", config->num_adversaries, 1, PARTICLES_MAX_KINDS, error);
}

static int32_t treasure_features(const ParticlesModel *model) { return 2 + model->num_kinds; }
static int32_t other_features(const ParticlesModel *model) { return 4 + 2 * model->num_kinds; }

static void build(const ParticlesConfig *config, ParticlesModel *model)
{
    ParticlesBody collector = {.radius = 0.05, .accel = 1.5, .max_speed = 1, .is_movable = true, .collides = true};
    ParticlesBody bank = {.radius = 0.075, .accel = 1.5, .max_speed = 1, .is_movable = true, .collides = true};
    particles_add_cast(model, "collectors", "collector", config->num_agents, collector);
    particles_add_cast(model, "banks", "bank", config->num_adversaries, bank);
    for (int32_t b = config->num_agents; b < model->num_agents; b++)
        model->mass[b] = model->weight[b] = 2.25;
    int32_t treasures = config->num_food > 0 ? config->num_food : config->num_agents;
    particles_add_landmarks(model, treasures, 0.025, false);
    model->landmarks_follow = config->num_food == 0;
    model->landmark_area = TREASURE_AREA;
    model->num_kinds = config->num_adversaries;
    model->counts_collected = true;
    treasures = particles_places(treasures, config->landmark_neighbors);
    int32_t others = particles_places(model->num_agents - 1, config->agent_neighbors);
    for (int32_t c = COLLECTORS; c <= BANKS; c++)
        model->casts[c].features = 4 + 2 * model->num_kinds + treasures * (treasure_features(model) + 1) +
                                   others * (other_features(model) + 1);
}

static int32_t bank_of(const ParticlesModel *model, int32_t kind) { return model->casts[BANKS].first + kind - 1; }

/* A kind that has a bank in this episode; 0 if there is no bank at all. */
static uint8_t draw_kind(const ParticlesModel *model, AgoraRng *rng, const ParticlesState *state)
{
    uint8_t kinds[PARTICLES_MAX_KINDS];
    uint32_t count = 0;
    for (int32_t kind = 1; kind <= model->num_kinds; kind++)
        if (state->present[bank_of(model, kind)])
            kinds[count++] = (uint8_t)kind;
    return count > 0 ? kinds[agora_draw_below(rng, count)] : 0;
}

static void start(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    int32_t collectors = 0;
    for (int32_t a = 0; a < model->casts[BANKS].first; a++)
        collectors += state->present[a];
    if (model->landmarks_follow)
        particles_remove_landmarks(model, state, collectors);
    for (int32_t k = model->num_agents; k < model->num_entities; k++)
        if (state->present[k])
            state->kinds[k] = draw_kind(model, rng, state);
}

/* ---- what a step is worth ---- */

static bool is_empty_handed(const ParticlesState *state, int32_t collector)
{
    return state->present[collector] && state->kinds[collector] == 0;
}

static bool is_at_bank(const ParticlesModel *model, const ParticlesState *state, int32_t collector)
{
    int32_t kind = state->kinds[collector], bank = bank_of(model, kind);
    return state->present[collector] && kind > 0 && state->present[bank] &&
           particles_touch(model, state, collector, bank);
}

/* Treasures that an empty-handed collector touches. */
static int32_t count_found(const ParticlesModel *model, const ParticlesState *state, int32_t collector)
{
    int32_t count = 0;
    for (int32_t k = model->num_agents; k < model->num_entities && is_empty_handed(state, collector); k++)
        count += state->present[k] && particles_touch(model, state, collector, k);
    return count;
}

/* Counts pick-ups and deposits; `parts` gets those of each collector, and of each bank what is deposited there. */
static void count_deals(const ParticlesModel *model, const ParticlesState *state, int32_t *pick_ups, int32_t *deposits,
                        double *parts)
{
    *pick_ups = *deposits = 0;
    for (int32_t a = 0; a < model->num_agents; a++)
        parts[a] = 0;
    for (int32_t a = 0; a < model->casts[BANKS].first; a++) {
        int32_t found = count_found(model, state, a), is_paid = is_at_bank(model, state, a);
        *pick_ups += found;
        *deposits += is_paid;
        parts[a] += found + is_paid;
        if (is_paid)
            parts[bank_of(model, state->kinds[a])]++;
    }
}

static int32_t count_collisions(const ParticlesModel *model, const ParticlesState *state, double *collisions)
{
    int32_t collectors = model->casts[BANKS].first, count = 0;
    for (int32_t a = 0; a < model->num_agents; a++)
        collisions[a] = 0;
    for (int32_t a = 0; a < collectors; a++)
        for (int32_t b = a + 1; b < collectors && state->present[a]; b++)
            if (state->present[b] && particles_touch(model, state, a, b)) {
                collisions[a]++;
                collisions[b]++;
                count++;
            }
    return count;
}

/* How far a collector is from what it should go to. */
static double errand(const ParticlesModel *model, const ParticlesState *state, int32_t collector)
{
    if (state->kinds[collector] == 0)
        return particles_nearest(state, collector, model->num_agents, model->num_entities);
    int32_t bank = bank_of(model, state->kinds[collector]);
    return particles_nearest(state, collector, bank, bank + 1);
}

/* How far a bank is from the nearest collector who brings something, else from the middle of those around it. */
static double distance_to_customers(const ParticlesModel *model, const ParticlesState *state, int32_t bank)
{
    int32_t collectors = model->casts[BANKS].first, kind = bank - collectors + 1, near[NEAR_COLLECTORS], count = 0;
    double least = INFINITY, x = 0, y = 0;
    for (int32_t a = 0; a < collectors; a++)
        if (state->present[a] && state->kinds[a] == kind)
            least = fmin(least, particles_square_distance(state, a, bank));
    if (least < INFINITY)
        return sqrt(least);
    particles_find_nearest(state, bank, 0, collectors, NEAR_COLLECTORS, near);
    for (; count < NEAR_COLLECTORS && near[count] >= 0; count++) {
        x += state->positions[near[count]][0] - state->positions[bank][0];
        y += state->positions[near[count]][1] - state->positions[bank][1];
    }
    return count > 0 ? sqrt(x * x + y * y) / count : 0;
}

/* ---- what happens then ---- */

/* The nearest of the empty-handed collectors who touch a treasure; -1: nobody does. */
static int32_t find_finder(const ParticlesModel *model, const ParticlesState *state, int32_t treasure)
{
    int32_t finder = -1;
    for (int32_t a = 0; a < model->casts[BANKS].first; a++)
        if (is_empty_handed(state, a) && particles_touch(model, state, a, treasure) &&
            (finder < 0 || particles_square_distance(state, a, treasure) <
                               particles_square_distance(state, finder, treasure)))
            finder = a;
    return finder;
}

/* Treasures change hands, and new ones lie somewhere else at once. Then hands at banks are emptied. */
static void hand_over(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state)
{
    int32_t moved = 0;
    for (int32_t k = model->num_agents; k < model->num_entities; k++) {
        int32_t finder = state->present[k] ? find_finder(model, state, k) : -1;
        if (finder < 0)
            continue;
        state->kinds[finder] = state->kinds[k];
        particles_place(rng, TREASURE_AREA, state->positions[k]);
        state->kinds[k] = draw_kind(model, rng, state);
        moved++;
    }
    for (int32_t a = 0; a < model->casts[BANKS].first; a++)
        if (is_at_bank(model, state, a)) {
            state->kinds[a] = 0;
            moved++;
        }
    particles_count_collected(state, moved);
}

static bool score(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome)
{
    int32_t pick_ups, deposits;
    double *collisions = outcome->infos[COLLISIONS], parts[PARTICLES_MAX_AGENTS];
    count_deals(model, state, &pick_ups, &deposits, parts);
    particles_count_collisions(state, count_collisions(model, state, collisions));
    for (int32_t a = 0; a < model->num_agents; a++) {
        bool is_bank = a >= model->casts[BANKS].first;
        double away = is_bank ? distance_to_customers(model, state, a) : errand(model, state, a);
        double deals = config->shares_reward ? pick_ups + deposits : parts[a];
        outcome->rewards[a] = PAY * deals - COLLISION_COST * collisions[a] - SHAPING * away;
        outcome->infos[PICK_UPS][a] = pick_ups;
        outcome->infos[DEPOSITS][a] = deposits;
    }
    hand_over(model, rng, state);
    return false;
}

/* ---- observations ---- */

/* What an agent is (a bank's kind) and what it holds, one place for each kind. */
static float *put_errand(const ParticlesModel *model, const ParticlesState *state, int32_t agent, float *features)
{
    int32_t kinds = model->num_kinds, first = model->casts[BANKS].first;
    features = particles_put_one_hot(agent >= first ? agent - first : -1, kinds, features);
    return particles_put_one_hot(state->kinds[agent] - 1, kinds, features);
}

static void observe(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features)
{
    (void)cast;
    int32_t treasures[PARTICLES_MAX_ENTITIES], others[PARTICLES_MAX_ENTITIES], agents = model->num_agents;
    int32_t num_treasures =
        particles_list_seen(state, agent, agents, model->num_entities, config->landmark_neighbors, treasures);
    int32_t num_others = particles_list_seen(state, agent, 0, agents, config->agent_neighbors, others);
    features = particles_put_velocity(state, agent, features);
    features = particles_put_vector(state->positions[agent], features);
    features = put_errand(model, state, agent, features);
    for (int32_t k = 0; k < num_treasures; k++)
        features = treasures[k] >= 0
                       ? particles_put_one_hot(state->kinds[treasures[k]] - 1, model->num_kinds,
                                               particles_put_offset(state, agent, treasures[k], features))
                       : particles_put_zeros(treasure_features(model), features);
    for (int32_t k = 0; k < num_others; k++) {
        if (others[k] < 0) {
            features = particles_put_zeros(other_features(model), features);
            continue;
        }
        features = particles_put_velocity(state, others[k], particles_put_offset(state, agent, others[k], features));
        features = put_errand(model, state, others[k], features);
    }
    features = particles_put_flags(treasures, num_treasures, features);
    particles_put_flags(others, num_others, features);
}

const ParticlesScenario particles_treasure_collection = {
    .check = check,
    .build = build,
    .start = start,
    .score = score,
    .observe = observe,
    .has_populations = true,
    .num_infos = 3,
    .info_names = {"collisions", "pick_ups", "deposits"},
};
