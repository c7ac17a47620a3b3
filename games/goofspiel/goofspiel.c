#include "goofspiel.h"

#include "../core/stepping.h"

#include <string.h>

static const GoofspielConfig *config_of(const AgoraContext *context) { return context->config; }

static int32_t num_point_slots(const GoofspielConfig *config)
{
    return config->num_cards * (config->num_cards + 1) / 2 + 1;
}

static int32_t num_features(const GoofspielConfig *config)
{
    int32_t players = config->players, cards = config->num_cards, turns = config->num_turns;
    int32_t features = players * num_point_slots(config) + turns * cards;
    return features + (config->imp_info ? cards + turns * players + turns * cards : players * cards);
}

/* ---- config, spaces and state ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "players", .dtype = AGORA_I32, .offset = offsetof(GoofspielConfig, players)},
    {.name = "num_cards", .dtype = AGORA_I32, .offset = offsetof(GoofspielConfig, num_cards)},
    {.name = "num_turns", .dtype = AGORA_I32, .offset = offsetof(GoofspielConfig, num_turns)},
    {.name = "points_order", .dtype = AGORA_I32, .offset = offsetof(GoofspielConfig, points_order)},
    {.name = "returns_type", .dtype = AGORA_I32, .offset = offsetof(GoofspielConfig, returns_type)},
    {.name = "imp_info", .dtype = AGORA_U8, .offset = offsetof(GoofspielConfig, imp_info)},
    {.name = "egocentric", .dtype = AGORA_U8, .offset = offsetof(GoofspielConfig, egocentric)},
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const GoofspielConfig *config = config_bytes;
    return agora_check_range("players", config->players, GOOFSPIEL_MIN_PLAYERS, GOOFSPIEL_MAX_PLAYERS, error) &&
           agora_check_range("num_cards", config->num_cards, GOOFSPIEL_MIN_CARDS, GOOFSPIEL_MAX_CARDS, error) &&
           agora_check_range("num_turns", config->num_turns, 1, config->num_cards, error) &&
           agora_check_range("points_order", config->points_order, 0, GOOFSPIEL_ORDERS - 1, error) &&
           agora_check_range("returns_type", config->returns_type, 0, GOOFSPIEL_RETURNS - 1, error) &&
           agora_check_range("imp_info", config->imp_info, 0, 1, error) &&
           agora_check_range("egocentric", config->egocentric, 0, 1, error);
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    out[0] = (AgoraGroup){
        .name = "players",
        .agent_name = "player",
        .num_agents = config_of(context)->players,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {num_features(config_of(context))},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {config_of(context)->num_cards},
        .has_action_mask = true,
    };
    return 1;
}

static AgoraField array_field(const char *name, AgoraDtype dtype, size_t offset, int32_t rank, int32_t rows,
                              int32_t columns)
{
    return (AgoraField){.name = name, .dtype = dtype, .offset = offset, .rank = rank, .shape = {rows, columns}};
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const GoofspielConfig *config = config_of(context);
    int32_t players = config->players, cards = config->num_cards, turns = config->num_turns;
    const AgoraField fields[] = {
        array_field("points", AGORA_I16, offsetof(GoofspielState, points), 1, players, 0),
        array_field("turn", AGORA_U8, offsetof(GoofspielState, turn), 0, 0, 0),
        array_field("prizes", AGORA_U8, offsetof(GoofspielState, prizes), 1, turns, 0),
        array_field("winners", AGORA_U8, offsetof(GoofspielState, winners), 1, turns, 0),
        array_field("hands", AGORA_U8, offsetof(GoofspielState, hands), 2, players, cards),
        array_field("bids", AGORA_U8, offsetof(GoofspielState, bids), 2, turns, players),
    };
    memcpy(out, fields, sizeof fields);
    return (int32_t)(sizeof fields / sizeof fields[0]);
}

/* ---- rules ---- */

static uint8_t *hand_of(const GoofspielConfig *config, GoofspielState *state, int32_t player)
{
    return state->hands + player * config->num_cards;
}

/* A card in hand: the one asked for, or else the lowest. */
static int32_t held_card(const GoofspielConfig *config, GoofspielState *state, int32_t player, int32_t card)
{
    uint8_t *hand = hand_of(config, state, player);
    return hand[card] ? card : (int32_t)((uint8_t *)memchr(hand, 1, (size_t)config->num_cards) - hand);
}

/* Everybody bids; cards that are not in hand count as the lowest one. */
static void play_turn(const GoofspielConfig *config, GoofspielState *state, const int32_t *cards)
{
    int32_t best = -1, winner = 0;
    for (int32_t p = 0; p < config->players; p++) {
        int32_t card = held_card(config, state, p, cards[p]);
        hand_of(config, state, p)[card] = 0;
        state->bids[state->turn * config->players + p] = (uint8_t)card;
        winner = card > best ? p + 1 : card == best ? 0 : winner;
        best = card > best ? card : best;
    }
    state->winners[state->turn] = (uint8_t)winner;
    if (winner > 0)
        state->points[winner - 1] = (int16_t)(state->points[winner - 1] + state->prizes[state->turn] + 1);
    state->turn++;
}

static void play(const GoofspielConfig *config, GoofspielState *state, const int32_t *cards)
{
    static const int32_t LAST_CARDS[GOOFSPIEL_MAX_PLAYERS] = {0}; /* any: one is left in each hand */
    play_turn(config, state, cards);
    if (config->num_turns == config->num_cards && state->turn == config->num_turns - 1)
        play_turn(config, state, LAST_CARDS);
}

static bool is_over(const GoofspielConfig *config, const GoofspielState *state)
{
    return state->turn == config->num_turns;
}

static void pay_winners(const GoofspielConfig *config, const GoofspielState *state, float *rewards)
{
    int32_t most = 0, num_winners = 0;
    for (int32_t p = 0; p < config->players; p++)
        most = state->points[p] > most ? state->points[p] : most;
    for (int32_t p = 0; p < config->players; p++)
        num_winners += state->points[p] == most;
    int32_t num_losers = config->players - num_winners;
    for (int32_t p = 0; p < config->players && num_losers > 0; p++)
        rewards[p] = (float)(state->points[p] == most ? 1.0 / num_winners : -1.0 / num_losers);
}

static void pay(const GoofspielConfig *config, const GoofspielState *state, float *rewards)
{
    double mean = 0;
    for (int32_t p = 0; p < config->players && config->returns_type == GOOFSPIEL_POINT_DIFFERENCE; p++)
        mean += (double)state->points[p] / config->players;
    if (config->returns_type == GOOFSPIEL_WIN_LOSS)
        pay_winners(config, state, rewards);
    else
        for (int32_t p = 0; p < config->players; p++)
            rewards[p] = (float)(state->points[p] - mean);
}

/* Everything but the prizes. */
static void start(const GoofspielConfig *config, GoofspielState *state)
{
    memset(state->hands, 1, (size_t)(config->players * config->num_cards));
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const GoofspielConfig *config = config_of(context);
    GoofspielState *state = state_bytes;
    start(config, state);
    if (config->points_order == GOOFSPIEL_RANDOM)
        agora_deal_cards(rng, config->num_cards, config->num_turns, state->prizes);
    else
        for (int32_t t = 0; t < config->num_turns; t++)
            state->prizes[t] = (uint8_t)(config->points_order == GOOFSPIEL_ASCENDING ? t : config->num_cards - 1 - t);
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const GoofspielConfig *config = config_of(context);
    GoofspielState *state = state_bytes;
    if (!is_over(config, state)) /* a loaded state may be the last one already */
        play(config, state, views->actions);
    bool ends = is_over(config, state);
    for (int32_t p = 0; p < config->players; p++) {
        views->rewards[p] = 0;
        views->terminations[p] = ends;
        views->truncations[p] = 0;
    }
    if (ends)
        pay(config, state, views->rewards);
    return ends;
}

/* ---- what players see ---- */

static int32_t rotated(const GoofspielConfig *config, int32_t player, int32_t places)
{
    return player + places < config->players ? player + places : player + places - config->players;
}

static float *show_points(const GoofspielConfig *config, const GoofspielState *state, int32_t player, float *out)
{
    for (int32_t k = 0; k < config->players; k++, out += num_point_slots(config))
        out[state->points[rotated(config, player, k)]] = 1;
    return out;
}

static float *show_prizes(const GoofspielConfig *config, const GoofspielState *state, float *out)
{
    int32_t shown = state->turn + !is_over(config, state);
    for (int32_t t = 0; t < shown; t++)
        out[t * config->num_cards + state->prizes[t]] = 1;
    return out + config->num_turns * config->num_cards;
}

static float *show_hand(const GoofspielConfig *config, const GoofspielState *state, int32_t player, float *out)
{
    const uint8_t *hand = state->hands + player * config->num_cards;
    for (int32_t c = 0; c < config->num_cards; c++)
        out[c] = hand[c];
    return out + config->num_cards;
}

static float *show_winners(const GoofspielConfig *config, const GoofspielState *state, int32_t player, float *out)
{
    int32_t offset = config->egocentric ? config->players - player : 0;
    for (int32_t t = 0; t < state->turn; t++)
        if (state->winners[t] > 0)
            out[t * config->players + (state->winners[t] - 1 + offset) % config->players] = 1;
    return out + config->num_turns * config->players;
}

static void show_bids(const GoofspielConfig *config, const GoofspielState *state, int32_t player, float *out)
{
    for (int32_t t = 0; t < state->turn; t++)
        out[t * config->num_cards + state->bids[t * config->players + player]] = 1;
}

static void show(const GoofspielConfig *config, const GoofspielState *state, int32_t player, float *out)
{
    out = show_points(config, state, player, out);
    if (config->imp_info) {
        out = show_hand(config, state, player, out);
        out = show_winners(config, state, player, out);
        out = show_prizes(config, state, out);
        show_bids(config, state, player, out);
        return;
    }
    out = show_prizes(config, state, out);
    for (int32_t k = 0; k < config->players; k++)
        out = show_hand(config, state, rotated(config, player, k), out);
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const GoofspielConfig *config = config_of(context);
    const GoofspielState *state = state_bytes;
    size_t players = (size_t)config->players, cards = (size_t)config->num_cards, features = (size_t)num_features(config);
    bool has_ended = is_over(config, state);
    memset(views->observations, 0, players * features * sizeof(float));
    if (has_ended)
        memset(views->action_masks, 0, players * cards);
    else
        memcpy(views->action_masks, state->hands, players * cards);
    for (size_t p = 0; p < players; p++) {
        show(config, state, (int32_t)p, (float *)views->observations + p * features);
        views->action_masks[p * cards] |= has_ended; /* something must be legal, and bids nothing */
        views->alive[p] = 1;
    }
}

/* ---- states from outside ---- */

/* A state is its prizes and what its bids make of them. */
static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const GoofspielConfig *config = config_of(context);
    const GoofspielState *state = state_bytes;
    GoofspielState played = {0};
    if (!agora_check_deal("prizes", state->prizes, config->num_turns, config->num_cards, error))
        return false;
    memcpy(played.prizes, state->prizes, (size_t)config->num_turns);
    start(config, &played);
    while (played.turn < state->turn && !is_over(config, &played)) {
        int32_t cards[GOOFSPIEL_MAX_PLAYERS];
        for (int32_t p = 0; p < config->players; p++) {
            cards[p] = state->bids[played.turn * config->players + p];
            if (cards[p] >= config->num_cards)
                return agora_fail(error, "bids[%d, %d] must be in [0, %d], got %d", played.turn, p,
                                  config->num_cards - 1, cards[p]);
        }
        play(config, &played, cards);
    }
    if (memcmp(&played, state, sizeof played) != 0)
        return agora_fail(error, "turn, winners, hands and points must be what the bids make of them");
    return true;
}

AGORA_STEP_ENVS(agora_goofspiel)

const AgoraWorld agora_goofspiel = {
    .name = "goofspiel",
    .config_size = sizeof(GoofspielConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(GoofspielState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .step_envs = step_envs,
};
