#include "particles.h"

#include "physics.h"
#include "scenario.h"

#include <math.h>
#include <string.h>

enum { MOVES = 5 }; /* stay, left, right, down, up: as choices or as numbers in [0, 1] */

static const ParticlesScenario *const SCENARIOS[PARTICLES_NUM_SCENARIOS] = {
    [PARTICLES_SIMPLE] = &particles_simple,
    [PARTICLES_SPREAD] = &particles_spread,
    [PARTICLES_TAG] = &particles_tag,
    [PARTICLES_ADVERSARY] = &particles_adversary,
    [PARTICLES_PUSH] = &particles_push,
    [PARTICLES_SPEAKER_LISTENER] = &particles_speaker_listener,
    [PARTICLES_REFERENCE] = &particles_reference,
    [PARTICLES_CRYPTO] = &particles_crypto,
    [PARTICLES_WORLD_COMM] = &particles_world_comm,
    [PARTICLES_RESOURCE_OCCUPATION] = &particles_resource_occupation,
    [PARTICLES_TREASURE_COLLECTION] = &particles_treasure_collection,
    [PARTICLES_GRASSLAND] = &particles_grassland,
    [PARTICLES_ADVERSARIAL] = &particles_adversarial,
    [PARTICLES_FOOD_COLLECTION] = &particles_food_collection,
};

/* ---- config and model ---- */

#define FIELD(kind, member) {.name = #member, .dtype = kind, .offset = offsetof(ParticlesConfig, member)}
static const AgoraField CONFIG_FIELDS[] = {
    {.name = "populations", .dtype = AGORA_I32, .offset = offsetof(ParticlesConfig, populations), .is_span = true},
    FIELD(AGORA_F64, local_ratio),
    FIELD(AGORA_I32, scenario),
    FIELD(AGORA_I32, horizon),
    FIELD(AGORA_I32, num_agents),
    FIELD(AGORA_I32, num_adversaries),
    FIELD(AGORA_I32, num_obstacles),
    FIELD(AGORA_I32, num_food),
    FIELD(AGORA_I32, num_forests),
    FIELD(AGORA_I32, agent_neighbors),
    FIELD(AGORA_I32, landmark_neighbors),
    FIELD(AGORA_U8, is_continuous),
    FIELD(AGORA_U8, ends_on_success),
    FIELD(AGORA_U8, moves_before_forces),
    FIELD(AGORA_U8, shares_reward),
    FIELD(AGORA_U8, shows_views),
    {0},
};

static bool check_counts(const ParticlesConfig *config, AgoraError *error)
{
    const struct {
        const char *name;
        int32_t count, most;
    } counts[] = {
        {"num_agents", config->num_agents, PARTICLES_MAX_AGENTS},
        {"num_adversaries", config->num_adversaries, PARTICLES_MAX_AGENTS},
        {"num_obstacles", config->num_obstacles, PARTICLES_MAX_LANDMARKS},
        {"num_food", config->num_food, PARTICLES_MAX_LANDMARKS},
        {"num_forests", config->num_forests, PARTICLES_MAX_LANDMARKS},
        {"agent_neighbors", config->agent_neighbors, PARTICLES_MAX_AGENTS},
        {"landmark_neighbors", config->landmark_neighbors, PARTICLES_MAX_LANDMARKS},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].count < 0 || counts[i].count > counts[i].most)
            return agora_fail(error, "%s must be in [0, %d], got %d", counts[i].name, counts[i].most, counts[i].count);
    int32_t agents = config->num_agents + config->num_adversaries;
    int32_t landmarks = config->num_obstacles + config->num_food + config->num_forests;
    if (agents > PARTICLES_MAX_AGENTS || landmarks > PARTICLES_MAX_LANDMARKS)
        return agora_fail(error, "there can be %d agents and %d landmarks, got %d and %d", PARTICLES_MAX_AGENTS,
                          PARTICLES_MAX_LANDMARKS, agents, landmarks);
    return true;
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const ParticlesConfig *config = config_bytes;
    ParticlesModel *model = model_bytes;
    model->scenario = SCENARIOS[config->scenario];
    model->has_presence_flags = config->populations.count > 0;
    model->landmark_area = 1;
    model->field = PARTICLES_LIMIT;
    for (int32_t i = 0; i < PARTICLES_MAX_ENTITIES; i++)
        model->weight[i] = 1;
    model->scenario->build(config, model);
    for (int32_t c = 0; c < model->num_casts; c++) {
        model->casts[c].first_word = model->num_spoken;
        model->num_spoken += model->casts[c].words * model->casts[c].count;
    }
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(ParticlesModel);
}

static bool check_populations(const ParticlesConfig *config, AgoraError *error)
{
    ParticlesModel model = {0};
    build_model(config, &model);
    const int32_t *sizes = config->populations.data;
    if (config->populations.count > 0 && !model.scenario->has_populations)
        return agora_fail(error, "the agents of this scenario are fixed; populations must be empty");
    if (config->populations.count % model.num_casts != 0 || config->populations.count / model.num_casts > UINT16_MAX)
        return agora_fail(error, "populations must be up to %d rows of %d numbers", UINT16_MAX, model.num_casts);
    for (int64_t i = 0; i < config->populations.count; i++) {
        const ParticlesCast *cast = &model.casts[i % model.num_casts];
        if (sizes[i] < 1 || sizes[i] > cast->count)
            return agora_fail(error, "populations must have 1 to %d %s, got %d", cast->count, cast->name, sizes[i]);
    }
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const ParticlesConfig *config = config_bytes;
    if (config->scenario < 0 || config->scenario >= PARTICLES_NUM_SCENARIOS)
        return agora_fail(error, "scenario must be in [0, %d], got %d", PARTICLES_NUM_SCENARIOS - 1, config->scenario);
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (!(config->local_ratio >= 0 && config->local_ratio <= 1))
        return agora_fail(error, "local_ratio must be in [0, 1], got %g", config->local_ratio);
    const ParticlesScenario *scenario = SCENARIOS[config->scenario];
    return check_counts(config, error) && (!scenario->check || scenario->check(config, error)) &&
           check_populations(config, error);
}

/* ---- spaces and state ---- */

static AgoraGroup make_group(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesCast *cast)
{
    AgoraGroup group = {
        .num_agents = cast->count,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {cast->features},
        .observation_low = (float)(-2 * PARTICLES_LIMIT),
        .observation_high = (float)(2 * PARTICLES_LIMIT),
        .num_infos = model->scenario->num_infos,
    };
    memcpy(group.name, cast->name, sizeof group.name);
    memcpy(group.agent_name, cast->agent_name, sizeof group.agent_name);
    memcpy(group.info_names, model->scenario->info_names, sizeof model->scenario->info_names);
    if (config->is_continuous) {
        group.action_kind = AGORA_CONTINUOUS;
        group.action_parts = MOVES * cast->is_movable + cast->words;
        for (int32_t part = 0; part < group.action_parts; part++)
            group.action_high[part] = 1;
    } else {
        group.action_kind = AGORA_DISCRETE;
        group.action_parts = 1;
        group.choices[0] = (cast->is_movable ? MOVES : 1) * (cast->words ? cast->words : 1);
    }
    return group;
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const ParticlesModel *model = context->model;
    for (int32_t c = 0; c < model->num_casts; c++)
        out[c] = make_group(context->config, model, &model->casts[c]);
    return model->num_casts;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const ParticlesModel *model = context->model;
    int32_t agents = model->num_agents, landmarks = model->num_landmarks;
    size_t present = offsetof(ParticlesState, present), positions = offsetof(ParticlesState, positions);
    size_t kinds = offsetof(ParticlesState, kinds);
    const AgoraField fields[] = {
        {"steps", AGORA_I32, offsetof(ParticlesState, steps), 0, {0}, false, false},
        {"population", AGORA_I32, offsetof(ParticlesState, population), 0, {0}, false, false},
        {"collisions", AGORA_I32, offsetof(ParticlesState, collisions), 0, {0}, false, false},
        {"goals", AGORA_I32, offsetof(ParticlesState, goals), 1, {model->num_goals}, false, false},
        {"alive", AGORA_U8, present, 1, {agents}, false, false},
        {"landmarks_present", AGORA_U8, present + (size_t)agents, 1, {landmarks}, false, false},
        {"agent_positions", AGORA_F64, positions, 2, {agents, 2}, false, false},
        {"landmark_positions", AGORA_F64, positions + (size_t)agents * 2 * sizeof(double), 2, {landmarks, 2}, false, false},
        {"agent_velocities", AGORA_F64, offsetof(ParticlesState, velocities), 2, {agents, 2}, false, false},
        {"messages", AGORA_F32, offsetof(ParticlesState, messages), 1, {model->num_spoken}, false, false},
        {"holding", AGORA_U8, kinds, 1, {model->num_kinds > 0 ? agents : 0}, false, false},
        {"landmark_kinds", AGORA_U8, kinds + (size_t)agents, 1, {model->num_kinds > 0 ? landmarks : 0}, false, false},
        {"collected", AGORA_I32, offsetof(ParticlesState, collected), 0, {0}, false, false},
    };
    int32_t last = sizeof fields / sizeof fields[0] - !model->counts_collected;
    int32_t count = 0;
    for (int32_t i = 0; i < last; i++)
        if (fields[i].rank == 0 || fields[i].shape[0] > 0)
            out[count++] = fields[i];
    return count;
}

static bool check_vectors(const char *name, const double vectors[][2], int32_t count, double limit, AgoraError *error)
{
    for (int32_t i = 0; i < count; i++)
        for (int32_t axis = 0; axis < 2; axis++)
            if (!(fabs(vectors[i][axis]) <= limit))
                return agora_fail(error, "%s[%d] must be in [-%g, %g]^2, got (%g, %g)", name, i, limit, limit,
                                  vectors[i][0], vectors[i][1]);
    return true;
}

static bool check_counters(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                           AgoraError *error)
{
    if (state->steps < 0 || state->steps > config->horizon)
        return agora_fail(error, "steps must be in [0, %d], got %d", config->horizon, state->steps);
    if (state->population < 0 || state->population > model->num_agents)
        return agora_fail(error, "population must be in [0, %d], got %d", model->num_agents, state->population);
    if (state->collisions < 0)
        return agora_fail(error, "collisions must be at least 0, got %d", state->collisions);
    if (state->collected < 0)
        return agora_fail(error, "collected must be at least 0, got %d", state->collected);
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const ParticlesModel *model = context->model;
    const ParticlesState *state = state_bytes;
    if (!check_counters(context->config, model, state, error))
        return false;
    for (int32_t g = 0; g < model->num_goals; g++)
        if (state->goals[g] < 0 || state->goals[g] >= model->num_landmarks)
            return agora_fail(error, "goals[%d] must be in [0, %d], got %d", g, model->num_landmarks - 1, state->goals[g]);
    for (int32_t i = 0; i < model->num_entities; i++)
        if (state->present[i] > 1)
            return agora_fail(error, "alive and landmarks_present must be 0 or 1, got %d", state->present[i]);
    for (int32_t i = 0; i < model->num_entities; i++)
        if (state->kinds[i] > model->num_kinds)
            return agora_fail(error, "holding and landmark_kinds must be in [0, %d], got %d", model->num_kinds,
                              state->kinds[i]);
    for (int32_t i = 0; i < model->num_spoken; i++)
        if (!(state->messages[i] >= 0 && state->messages[i] <= 1))
            return agora_fail(error, "messages[%d] must be in [0, 1], got %g", i, (double)state->messages[i]);
    return check_vectors("agent_positions", state->positions, model->num_agents, model->field, error) &&
           check_vectors("landmark_positions", state->positions + model->num_agents, model->num_landmarks, model->field,
                         error) &&
           check_vectors("agent_velocities", state->velocities, model->num_agents, PARTICLES_LIMIT, error);
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const ParticlesConfig *config = context->config;
    const ParticlesModel *model = context->model;
    ParticlesState *state = state_bytes;
    const int32_t *sizes = config->populations.data;
    uint32_t populations = (uint32_t)(config->populations.count / model->num_casts);
    if (populations > 0)
        sizes += agora_draw_below(rng, populations) * (uint32_t)model->num_casts;
    for (int32_t c = 0; c < model->num_casts; c++) {
        const ParticlesCast *cast = &model->casts[c];
        int32_t count = populations > 0 ? sizes[c] : cast->count;
        for (int32_t a = cast->first; a < cast->first + count; a++) {
            state->present[a] = 1;
            particles_place(rng, 1, state->positions[a]);
        }
        state->population += count;
    }
    for (int32_t k = model->num_agents; k < model->num_entities; k++) {
        state->present[k] = 1;
        particles_place(rng, model->landmark_area, state->positions[k]);
    }
    if (model->scenario->start)
        model->scenario->start(model, rng, state);
}

/* What one agent does with its body and what it says. Numbers are subtracted as the floats they are. */
static void act(const ParticlesCast *cast, bool is_continuous, double accel, const void *actions, int32_t index,
                double force[2], float *message)
{
    static const double DIRECTIONS[MOVES][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    if (is_continuous) {
        const float *numbers = (const float *)actions + (size_t)index * (size_t)(MOVES * cast->is_movable + cast->words);
        if (cast->is_movable) {
            force[0] = (double)(numbers[2] - numbers[1]) * accel;
            force[1] = (double)(numbers[4] - numbers[3]) * accel;
            numbers += MOVES;
        }
        memcpy(message, numbers, (size_t)cast->words * sizeof *message);
        return;
    }
    int32_t choice = ((const int32_t *)actions)[index], move = cast->is_movable ? choice % MOVES : 0;
    force[0] = DIRECTIONS[move][0] * accel;
    force[1] = DIRECTIONS[move][1] * accel;
    memset(message, 0, (size_t)cast->words * sizeof *message);
    if (cast->words)
        message[cast->is_movable ? choice / MOVES : choice] = 1;
}

static void act_all(const ParticlesConfig *config, const ParticlesModel *model, ParticlesState *state,
                    const AgoraView *views, double forces[][2])
{
    for (int32_t c = 0; c < model->num_casts; c++) {
        const ParticlesCast *cast = &model->casts[c];
        for (int32_t i = 0; i < cast->count; i++) {
            int32_t agent = cast->first + i;
            forces[agent][0] = forces[agent][1] = 0;
            if (state->present[agent])
                act(cast, config->is_continuous, model->accel[agent], views[c].actions, i, forces[agent],
                    state->messages + cast->first_word + i * cast->words);
        }
    }
}

/* `was_present`: before the step. Returns how many agents of the cast are present still. */
static int32_t tell(const ParticlesModel *model, const ParticlesCast *cast, const ParticlesState *state,
                    const uint8_t *was_present, const ParticlesOutcome *outcome, bool is_done, bool is_time_up,
                    AgoraView *view)
{
    int32_t present = 0;
    for (int32_t i = 0; i < cast->count; i++) {
        int32_t agent = cast->first + i;
        bool was_there = was_present[agent], is_there = state->present[agent];
        view->rewards[i] = was_there ? (float)outcome->rewards[agent] : 0;
        view->truncations[i] = was_there && is_there && is_time_up;
        view->terminations[i] = was_there && (!is_there || (is_done && !is_time_up));
        for (int32_t k = 0; k < model->scenario->num_infos; k++)
            view->infos[k][i] = was_there ? (float)outcome->infos[k][agent] : 0;
        present += is_there;
    }
    return present;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const ParticlesConfig *config = context->config;
    const ParticlesModel *model = context->model;
    ParticlesState *state = state_bytes;
    double forces[PARTICLES_MAX_AGENTS][2];
    ParticlesOutcome outcome;
    uint8_t was_present[PARTICLES_MAX_AGENTS];
    memcpy(was_present, state->present, (size_t)model->num_agents);
    act_all(config, model, state, views, forces);
    particles_move(config, model, state, forces);
    bool is_done = model->scenario->score(config, model, rng, state, &outcome) && config->ends_on_success;
    state->steps += state->steps < config->horizon; /* a loaded state may be the last one already */
    bool is_time_up = state->steps >= config->horizon;
    int32_t present = 0;
    for (int32_t c = 0; c < model->num_casts; c++)
        present += tell(model, &model->casts[c], state, was_present, &outcome, is_done, is_time_up, &views[c]);
    return is_time_up || is_done || present == 0;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const ParticlesConfig *config = context->config;
    const ParticlesModel *model = context->model;
    const ParticlesState *state = state_bytes;
    for (int32_t c = 0; c < model->num_casts; c++) {
        const ParticlesCast *cast = &model->casts[c];
        float *features = views[c].observations;
        memcpy(views[c].alive, state->present + cast->first, (size_t)cast->count);
        if (model->scenario->observe_all) {
            model->scenario->observe_all(config, model, state, c, features);
            continue;
        }
        for (int32_t i = 0; i < cast->count; i++, features += cast->features)
            if (state->present[cast->first + i])
                model->scenario->observe(config, model, state, c, cast->first + i, features);
            else
                memset(features, 0, (size_t)cast->features * sizeof *features);
    }
}

/* ---- statistics ---- */

static const char *const STATISTIC_NAMES[] = {"population", "collisions", "distance", "collected"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const ParticlesModel *model = context->model;
    const ParticlesState *state = state_bytes;
    values[0] = state->population;
    values[1] = state->collisions;
    values[2] = model->scenario->distance ? model->scenario->distance(model, state) : 0;
    values[3] = state->collected;
}

const AgoraWorld agora_particles = {
    .name = "particles",
    .config_size = sizeof(ParticlesConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(ParticlesState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTIC_NAMES / sizeof STATISTIC_NAMES[0],
    .statistic_names = STATISTIC_NAMES,
    .statistics = statistics,
};
