#include "matrix.h"

#include <string.h>

static int32_t num_players(const MatrixConfig *config) { return (int32_t)config->num_actions.count; }

static int32_t num_actions(const MatrixConfig *config, int32_t player)
{
    return ((const int32_t *)config->num_actions.data)[player];
}

/* The flags of one player's actions; NULL when all are legal. */
static const uint8_t *legal_actions(const MatrixConfig *config, int32_t player)
{
    if (config->legal_actions.count == 0)
        return NULL;
    const uint8_t *flags = config->legal_actions.data;
    for (int32_t i = 0; i < player; i++)
        flags += num_actions(config, i);
    return flags;
}

static int32_t first_legal(const MatrixConfig *config, int32_t player)
{
    const uint8_t *flags = legal_actions(config, player);
    int32_t action = 0;
    while (flags && flags[action] != 1)
        action++;
    return action;
}

static int64_t num_profiles(const MatrixConfig *config)
{
    int64_t profiles = 1;
    for (int32_t i = 0; i < num_players(config); i++)
        profiles *= num_actions(config, i);
    return profiles;
}

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "num_actions", .dtype = AGORA_I32, .offset = offsetof(MatrixConfig, num_actions), .is_span = true},
    {.name = "payoffs", .dtype = AGORA_F64, .offset = offsetof(MatrixConfig, payoffs), .is_span = true},
    {.name = "legal_actions", .dtype = AGORA_U8, .offset = offsetof(MatrixConfig, legal_actions), .is_span = true},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(MatrixConfig, horizon)},
    {.name = "has_memory", .dtype = AGORA_U8, .offset = offsetof(MatrixConfig, has_memory)},
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const MatrixConfig *config = config_bytes;
    int64_t players = config->num_actions.count, limit = (int64_t)1 << 40;
    if (players < 1 || players > MATRIX_MAX_PLAYERS)
        return agora_fail(error, "a matrix game has 1 to %d players, got %lld", MATRIX_MAX_PLAYERS, (long long)players);
    int64_t profiles = 1, choices = 0;
    for (int32_t i = 0; i < players; i++) {
        if (num_actions(config, i) < 1)
            return agora_fail(error, "player %d needs at least 1 action, got %d", i, num_actions(config, i));
        profiles *= num_actions(config, i);
        choices += num_actions(config, i);
        if (profiles > limit)
            return agora_fail(error, "the payoff array is too large");
    }
    if (config->payoffs.count != players * profiles)
        return agora_fail(error, "payoffs must have %lld entries, got %lld", (long long)(players * profiles),
                          (long long)config->payoffs.count);
    if (config->legal_actions.count != 0 && config->legal_actions.count != choices)
        return agora_fail(error, "legal_actions must have %lld entries, got %lld", (long long)choices,
                          (long long)config->legal_actions.count);
    for (int32_t i = 0; i < players && config->legal_actions.count != 0; i++)
        if (!memchr(legal_actions(config, i), 1, (size_t)num_actions(config, i)))
            return agora_fail(error, "player %d has no legal action", i);
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    return true;
}

/* ---- spaces and state ---- */

static bool is_symmetric(const MatrixConfig *config)
{
    for (int32_t i = 1; i < num_players(config); i++)
        if (num_actions(config, i) != num_actions(config, 0))
            return false;
    return true;
}

static AgoraGroup make_group(const MatrixConfig *config, int32_t first_player, int32_t players)
{
    int32_t features = 1;
    for (int32_t i = 0; i < num_players(config) && config->has_memory; i++)
        features += num_actions(config, i);
    return (AgoraGroup){
        .name = "players",
        .agent_name = "player",
        .first_agent = first_player,
        .num_agents = players,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {features},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {num_actions(config, first_player)},
        .has_action_mask = config->legal_actions.count != 0,
    };
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const MatrixConfig *config = context->config;
    int32_t players = num_players(config);
    if (is_symmetric(config)) {
        out[0] = make_group(config, 0, players);
        return 1;
    }
    for (int32_t i = 0; i < players; i++) {
        out[i] = make_group(config, i, 1);
        memcpy(out[i].name, "player_", 8);
        out[i].name[7] = (char)('0' + i);
    }
    return players;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    out[0] = (AgoraField){.name = "round", .dtype = AGORA_I32, .offset = offsetof(MatrixState, round)};
    out[1] = (AgoraField){.name = "last_actions",
                          .dtype = AGORA_I32,
                          .offset = offsetof(MatrixState, last_actions),
                          .rank = 1,
                          .shape = {num_players(context->config)}};
    return 2;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const MatrixConfig *config = context->config;
    const MatrixState *state = state_bytes;
    if (state->round < 0 || state->round > config->horizon)
        return agora_fail(error, "round must be in [0, %d], got %d", config->horizon, state->round);
    for (int32_t i = 0; i < num_players(config); i++)
        if (state->last_actions[i] < -1 || state->last_actions[i] >= num_actions(config, i))
            return agora_fail(error, "last_actions[%d] must be in [-1, %d], got %d", i, num_actions(config, i) - 1,
                              state->last_actions[i]);
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    (void)rng;
    MatrixState *state = state_bytes;
    for (int32_t i = 0; i < num_players(context->config); i++)
        state->last_actions[i] = -1;
}

/* Where player i's row lies: its group and its index there. */
static AgoraView *view_of(const MatrixConfig *config, AgoraView *views, int32_t player, int32_t *index)
{
    bool is_one_group = is_symmetric(config);
    *index = is_one_group ? player : 0;
    return is_one_group ? &views[0] : &views[player];
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const MatrixConfig *config = context->config;
    MatrixState *state = state_bytes;
    int64_t profile = 0, profiles = num_profiles(config);
    int32_t index;
    for (int32_t i = 0; i < num_players(config); i++) {
        const AgoraView *view = view_of(config, views, i, &index);
        int32_t action = ((const int32_t *)view->actions)[index];
        const uint8_t *legal = legal_actions(config, i);
        state->last_actions[i] = legal && legal[action] != 1 ? first_legal(config, i) : action;
        profile = profile * num_actions(config, i) + state->last_actions[i];
    }
    state->round += state->round < config->horizon; /* a loaded state may be the last one already */
    bool is_over = state->round >= config->horizon;
    for (int32_t i = 0; i < num_players(config); i++) {
        AgoraView *view = view_of(config, views, i, &index);
        view->rewards[index] = (float)((const double *)config->payoffs.data)[i * profiles + profile];
        view->terminations[index] = is_over; /* the number of rounds is a rule of the game */
        view->truncations[index] = 0;
    }
    return is_over;
}

static void show_last_actions(const MatrixConfig *config, const MatrixState *state, int32_t player, float *features)
{
    for (int32_t k = 0; k < num_players(config); k++) {
        int32_t other = (player + k) % num_players(config);
        memset(features, 0, (size_t)num_actions(config, other) * sizeof *features);
        if (state->last_actions[other] >= 0)
            features[state->last_actions[other]] = 1;
        features += num_actions(config, other);
    }
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const MatrixConfig *config = context->config;
    int32_t index, features = make_group(config, 0, 1).observation_shape[0];
    for (int32_t i = 0; i < num_players(config); i++) {
        AgoraView *view = view_of(config, views, i, &index);
        float *observation = (float *)view->observations + (size_t)index * (size_t)features;
        observation[0] = 1;
        if (config->has_memory)
            show_last_actions(config, state, i, observation + 1);
        size_t choices = (size_t)num_actions(config, i);
        if (view->action_masks)
            memcpy(view->action_masks + (size_t)index * choices, legal_actions(config, i), choices);
        view->alive[index] = 1;
    }
}

const AgoraWorld agora_matrix = {
    .name = "matrix",
    .config_size = sizeof(MatrixConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(MatrixState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
};
