#include "kuhn_poker.h"

#include <string.h>

static int32_t num_players(const AgoraContext *context) { return ((const KuhnConfig *)context->config)->players; }

/* ---- config, spaces and state ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "players", .dtype = AGORA_I32, .offset = offsetof(KuhnConfig, players)},
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const KuhnConfig *config = config_bytes;
    if (config->players < KUHN_MIN_PLAYERS || config->players > KUHN_MAX_PLAYERS)
        return agora_fail(error, "players must be in [%d, %d], got %d", KUHN_MIN_PLAYERS, KUHN_MAX_PLAYERS,
                          config->players);
    return true;
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    out[0] = (AgoraGroup){
        .name = "players",
        .agent_name = "player",
        .num_agents = num_players(context),
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {6 * num_players(context) - 1},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {KUHN_ACTIONS},
        .has_action_mask = true,
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const AgoraField fields[] = {
        {.name = "to_move", .dtype = AGORA_I16, .offset = offsetof(KuhnState, to_move)},
        {.name = "cards",
         .dtype = AGORA_U8,
         .offset = offsetof(KuhnState, cards),
         .rank = 1,
         .shape = {num_players(context)}},
        {.name = "history",
         .dtype = AGORA_U8,
         .offset = offsetof(KuhnState, history),
         .rank = 1,
         .shape = {2 * num_players(context) - 1}},
        {.name = "num_actions", .dtype = AGORA_U8, .offset = offsetof(KuhnState, num_actions)},
        {.name = "first_bet", .dtype = AGORA_U8, .offset = offsetof(KuhnState, first_bet)},
    };
    memcpy(out, fields, sizeof fields);
    return (int32_t)(sizeof fields / sizeof fields[0]);
}

/* ---- rules ---- */

static void play(int32_t players, KuhnState *state, uint8_t action)
{
    state->history[state->num_actions++] = action;
    if (action == KUHN_BET && state->first_bet == 0)
        state->first_bet = state->num_actions;
    /* Everybody has decided once, and everybody before the first bet once more. */
    int32_t last = state->first_bet ? players + state->first_bet - 1 : players;
    state->to_move = (int16_t)(state->num_actions == last ? -1 : state->num_actions % players);
}

static bool has_bet(int32_t players, const KuhnState *state, int32_t player)
{
    if (state->first_bet == 0)
        return false;
    bool is_before = player < state->first_bet - 1; /* passed first, so the second decision counts */
    return state->history[is_before ? players + player : player] == KUHN_BET;
}

static void pay(int32_t players, const KuhnState *state, float *rewards)
{
    int32_t winner = -1, pot = 0;
    for (int32_t p = 0; p < players; p++) {
        bool bet = has_bet(players, state, p);
        pot += 1 + bet;
        rewards[p] = (float)(-1 - bet);
        bool is_in = bet || state->first_bet == 0;
        if (is_in && (winner < 0 || state->cards[p] > state->cards[winner]))
            winner = p;
    }
    rewards[winner] += (float)pot;
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    KuhnState *state = state_bytes;
    agora_draw_cards(rng, num_players(context) + 1, num_players(context), state->cards);
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    KuhnState *state = state_bytes;
    int32_t players = num_players(context);
    if (state->to_move >= 0) /* a loaded state may be the last one already */
        play(players, state, (uint8_t)((const int32_t *)views->actions)[state->to_move]);
    bool is_over = state->to_move < 0;
    for (int32_t p = 0; p < players; p++) {
        views->rewards[p] = 0;
        views->terminations[p] = is_over;
        views->truncations[p] = 0;
    }
    if (is_over)
        pay(players, state, views->rewards);
    return is_over;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const KuhnState *state = state_bytes;
    int32_t players = num_players(context), features = 6 * players - 1;
    float *observation = views->observations;
    memset(observation, 0, (size_t)(players * features) * sizeof *observation);
    for (int32_t p = 0; p < players; p++, observation += features) {
        observation[p] = 1;
        observation[players + state->cards[p]] = 1;
        for (int32_t i = 0; i < state->num_actions; i++)
            observation[2 * players + 1 + 2 * i + state->history[i]] = 1;
        views->action_masks[2 * p] = 1;
        views->action_masks[2 * p + 1] = p == state->to_move;
        views->alive[p] = 1;
    }
}

/* A state is its cards and what its history makes of them. */
static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const KuhnState *state = state_bytes;
    int32_t players = num_players(context);
    KuhnState played = {0};
    uint32_t seen = 0;
    for (int32_t p = 0; p < players; p++) {
        if (state->cards[p] > players || (seen >> state->cards[p] & 1))
            return agora_fail(error, "cards[%d] must be in [0, %d] and nobody else's, got %d", p, players,
                              state->cards[p]);
        seen |= 1u << state->cards[p];
        played.cards[p] = state->cards[p];
    }
    for (int32_t i = 0; i < state->num_actions && played.to_move >= 0; i++) {
        if (state->history[i] >= KUHN_ACTIONS)
            return agora_fail(error, "history[%d] must be 0 or 1, got %d", i, state->history[i]);
        play(players, &played, state->history[i]);
    }
    if (memcmp(&played, state, sizeof played) != 0)
        return agora_fail(error, "to_move, num_actions and first_bet must be what the history makes of them");
    return true;
}

const AgoraWorld agora_kuhn_poker = {
    .name = "kuhn_poker",
    .config_size = sizeof(KuhnConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(KuhnState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
};
