#include "matrix.h"

#include <string.h>

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "num_actions", .dtype = AGORA_I32, .offset = offsetof(MatrixConfig, num_actions), .is_span = true},
    {.name = "payoffs", .dtype = AGORA_F64, .offset = offsetof(MatrixConfig, payoffs), .is_span = true},
    {.name = "legal_actions", .dtype = AGORA_U8, .offset = offsetof(MatrixConfig, legal_actions), .is_span = true},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(MatrixConfig, horizon)},
    {.name = "memory", .dtype = AGORA_I32, .offset = offsetof(MatrixConfig, memory)},
    {0},
};

static bool check_legal_actions(const MatrixConfig *config, int64_t choices, AgoraError *error)
{
    const uint8_t *flags = config->legal_actions.data;
    if (config->legal_actions.count == 0)
        return true;
    if (config->legal_actions.count != choices)
        return agora_fail(error, "legal_actions must have %lld entries, got %lld", (long long)choices,
                          (long long)config->legal_actions.count);
    for (int32_t i = 0; i < config->num_actions.count; i++) {
        int32_t actions = ((const int32_t *)config->num_actions.data)[i], legal = 0;
        for (int32_t a = 0; a < actions; a++)
            legal += flags[a] == 1;
        if (legal == 0)
            return agora_fail(error, "player %d needs at least 1 legal action", i);
        flags += actions;
    }
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const MatrixConfig *config = config_bytes;
    const int32_t *num_actions = config->num_actions.data;
    int64_t players = config->num_actions.count, limit = (int64_t)1 << 40, features = INT32_MAX / 4;
    if (players < 1 || players > MATRIX_MAX_PLAYERS)
        return agora_fail(error, "a matrix game has 1 to %d players, got %lld", MATRIX_MAX_PLAYERS, (long long)players);
    int64_t profiles = 1, choices = 0;
    for (int32_t i = 0; i < players; i++) {
        if (num_actions[i] < 1)
            return agora_fail(error, "player %d needs at least 1 action, got %d", i, num_actions[i]);
        profiles *= num_actions[i];
        choices += num_actions[i];
        if (profiles > limit)
            return agora_fail(error, "the payoff array is too large");
    }
    if (config->payoffs.count != players * profiles)
        return agora_fail(error, "payoffs must have %lld entries, got %lld", (long long)(players * profiles),
                          (long long)config->payoffs.count);
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (config->memory < 0 || config->memory * players > MATRIX_MAX_REMEMBERED)
        return agora_fail(error, "memory must be in [0, %lld] rounds for %lld players, got %d",
                          (long long)(MATRIX_MAX_REMEMBERED / players), (long long)players, config->memory);
    if ((config->memory + 1) * choices > features)
        return agora_fail(error, "%d rounds of %lld actions are too long an observation", config->memory,
                          (long long)choices);
    return check_legal_actions(config, choices, error);
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(MatrixModel);
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const MatrixConfig *config = config_bytes;
    const uint8_t *flags = config->legal_actions.data;
    MatrixModel *model = model_bytes;
    model->seats = agora_seat_players(&config->num_actions);
    model->num_rounds = config->memory > 1 ? config->memory : 1;
    model->num_profiles = 1;
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        model->num_profiles *= model->seats.num_actions[i];
        while (config->legal_actions.count > 0 && flags[model->seats.first_flags[i] + model->first_legal[i]] != 1)
            model->first_legal[i]++;
    }
    model->num_features = 1 + config->memory * model->seats.num_choices;
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const MatrixModel *model = context->model;
    AgoraGroup group = {
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {model->num_features},
        .observation_high = 1,
        .has_action_mask = ((const MatrixConfig *)context->config)->legal_actions.count != 0,
    };
    return agora_seat_groups(&model->seats, &group, out);
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const MatrixModel *model = context->model;
    out[0] = (AgoraField){.name = "round", .dtype = AGORA_I32, .offset = offsetof(MatrixState, round)};
    out[1] = (AgoraField){.name = "last_actions",
                          .dtype = AGORA_I32,
                          .offset = offsetof(MatrixState, last_actions),
                          .rank = 2,
                          .shape = {model->num_rounds, model->seats.num_players}};
    return 2;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const MatrixConfig *config = context->config;
    const MatrixModel *model = context->model;
    const MatrixState *state = state_bytes;
    if (state->round < 0 || state->round > config->horizon)
        return agora_fail(error, "round must be in [0, %d], got %d", config->horizon, state->round);
    for (int32_t r = 0; r < model->num_rounds; r++)
        for (int32_t i = 0; i < model->seats.num_players; i++) {
            int32_t action = state->last_actions[r * model->seats.num_players + i];
            if (action < -1 || action >= model->seats.num_actions[i])
                return agora_fail(error, "last_actions[%d, %d] must be in [-1, %d], got %d", r, i,
                                  model->seats.num_actions[i] - 1, action);
        }
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    (void)rng;
    const MatrixModel *model = context->model;
    MatrixState *state = state_bytes;
    for (int32_t k = 0; k < model->num_rounds * model->seats.num_players; k++)
        state->last_actions[k] = -1;
}

/* Remembers the joint action and returns its place among all profiles. */
static int64_t play(const AgoraContext *context, MatrixState *state, AgoraView *views)
{
    const MatrixConfig *config = context->config;
    const MatrixModel *model = context->model;
    const uint8_t *flags = config->legal_actions.count > 0 ? config->legal_actions.data : NULL;
    int32_t index;
    int64_t profile = 0;
    if (model->num_rounds > 1)
        memmove(state->last_actions + model->seats.num_players, state->last_actions,
                (size_t)((model->num_rounds - 1) * model->seats.num_players) * sizeof(int32_t));
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        const AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        int32_t action = ((const int32_t *)view->actions)[index];
        if (flags && flags[model->seats.first_flags[i] + action] != 1)
            action = model->first_legal[i];
        state->last_actions[i] = action;
        profile = profile * model->seats.num_actions[i] + action;
    }
    return profile;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const MatrixConfig *config = context->config;
    const MatrixModel *model = context->model;
    MatrixState *state = state_bytes;
    const double *payoffs = (const double *)config->payoffs.data + play(context, state, views);
    state->round += state->round < config->horizon; /* a loaded state may be the last one already */
    bool is_over = state->round >= config->horizon;
    int32_t index;
    for (int32_t i = 0; i < model->seats.num_players; i++, payoffs += model->num_profiles) {
        AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        view->rewards[index] = (float)*payoffs;
        view->terminations[index] = is_over; /* the number of rounds is a rule of the game */
        view->truncations[index] = 0;
    }
    return is_over;
}

/* Writes one round as a player sees it and returns where the next one begins. */
static float *show_round(const MatrixModel *model, const int32_t *actions, int32_t player, float *features)
{
    for (int32_t k = 0, other = player; k < model->seats.num_players; k++, other++) {
        other = other == model->seats.num_players ? 0 : other;
        if (actions[other] >= 0)
            features[actions[other]] = 1;
        features += model->seats.num_actions[other];
    }
    return features;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const MatrixConfig *config = context->config;
    const MatrixModel *model = context->model;
    const MatrixState *state = state_bytes;
    const uint8_t *flags = config->legal_actions.data;
    int32_t index;
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        float *features = (float *)view->observations + (size_t)index * (size_t)model->num_features;
        memset(features, 0, (size_t)model->num_features * sizeof *features);
        *features++ = 1;
        for (int32_t r = 0; r < config->memory; r++)
            features = show_round(model, state->last_actions + r * model->seats.num_players, i, features);
        size_t choices = (size_t)model->seats.num_actions[i];
        if (view->action_masks)
            memcpy(view->action_masks + (size_t)index * choices, flags + model->seats.first_flags[i], choices);
        view->alive[index] = 1;
    }
}

const AgoraWorld agora_matrix = {
    .name = "matrix",
    .config_size = sizeof(MatrixConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(MatrixState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
};
