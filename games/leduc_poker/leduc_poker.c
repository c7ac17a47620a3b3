#include "leduc_poker.h"

#include <string.h>

static const uint8_t RAISES[LEDUC_ROUNDS] = {2, 4}; /* chips */

static const LeducConfig *config_of(const AgoraContext *context) { return context->config; }

static int32_t num_cards(const LeducConfig *config) { return 2 * (config->players + 1); }
static int32_t num_seen_cards(const LeducConfig *config) { return num_cards(config) >> config->suit_isomorphism; }
static int32_t max_bets(const LeducConfig *config) { return 3 * config->players - 2; }

static int32_t num_features(const LeducConfig *config)
{
    return config->players + 2 * num_seen_cards(config) + 2 * LEDUC_ROUNDS * max_bets(config);
}

/* ---- config, spaces and state ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "players", .dtype = AGORA_I32, .offset = offsetof(LeducConfig, players)},
    {.name = "starting_player", .dtype = AGORA_I32, .offset = offsetof(LeducConfig, starting_player)},
    {.name = "suit_isomorphism", .dtype = AGORA_U8, .offset = offsetof(LeducConfig, suit_isomorphism)},
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const LeducConfig *config = config_bytes;
    return agora_check_range("players", config->players, LEDUC_MIN_PLAYERS, LEDUC_MAX_PLAYERS, error) &&
           agora_check_range("starting_player", config->starting_player, 0, config->players - 1, error) &&
           agora_check_range("suit_isomorphism", config->suit_isomorphism, 0, 1, error);
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
        .choices = {LEDUC_ACTIONS},
        .has_action_mask = true,
    };
    return 1;
}

static AgoraField byte_field(const char *name, size_t offset, int32_t rank, int32_t rows, int32_t columns)
{
    return (AgoraField){.name = name, .dtype = AGORA_U8, .offset = offset, .rank = rank, .shape = {rows, columns}};
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const LeducConfig *config = config_of(context);
    const AgoraField fields[] = {
        {.name = "to_move", .dtype = AGORA_I16, .offset = offsetof(LeducState, to_move)},
        byte_field("cards", offsetof(LeducState, cards), 1, config->players + 1, 0),
        byte_field("history", offsetof(LeducState, history), 2, LEDUC_ROUNDS, max_bets(config)),
        byte_field("num_actions", offsetof(LeducState, num_actions), 1, LEDUC_ROUNDS, 0),
        byte_field("chips", offsetof(LeducState, chips), 1, config->players, 0),
        byte_field("folded", offsetof(LeducState, folded), 1, config->players, 0),
        byte_field("round", offsetof(LeducState, round), 0, 0, 0),
        byte_field("stakes", offsetof(LeducState, stakes), 0, 0, 0),
        byte_field("num_raises", offsetof(LeducState, num_raises), 0, 0, 0),
        byte_field("num_calls", offsetof(LeducState, num_calls), 0, 0, 0),
        byte_field("num_left", offsetof(LeducState, num_left), 0, 0, 0),
    };
    memcpy(out, fields, sizeof fields);
    return (int32_t)(sizeof fields / sizeof fields[0]);
}

/* ---- rules ----
 *
 * Hands are short, so nothing here is as dear as a branch that nobody can foresee: what an action does is counted with
 * 0 and 1, not asked for. Most hands have two players, and with a constant number the loops unroll. */

#define INLINE static inline __attribute__((always_inline))

static bool can_fold(const LeducState *state) { return state->stakes > state->chips[state->to_move]; }
static bool can_raise(const LeducState *state) { return state->num_raises < LEDUC_MAX_RAISES; }

/* The first of `player` and those after it, wrapping around, who has not folded. */
INLINE int16_t first_left(const LeducConfig *config, const LeducState *state, int32_t player)
{
    while (state->folded[player])
        player = player + 1 == config->players ? 0 : player + 1;
    return (int16_t)player;
}

/* Takes back everything but the cards. */
static void start(const LeducConfig *config, LeducState *state)
{
    state->to_move = (int16_t)config->starting_player;
    memset(state->chips, 1, (size_t)config->players);
    state->stakes = 1;
    state->num_left = (uint8_t)config->players;
}

INLINE void play(const LeducConfig *config, LeducState *state, int32_t action)
{
    int32_t player = state->to_move, round = state->round, next = player + 1 == config->players ? 0 : player + 1;
    bool is_illegal = ((action == LEDUC_FOLD) & !can_fold(state)) | ((action == LEDUC_RAISE) & !can_raise(state));
    action = is_illegal ? LEDUC_CALL : action;
    int32_t folds = action == LEDUC_FOLD, calls = action == LEDUC_CALL, raises = action == LEDUC_RAISE;
    state->history[round * max_bets(config) + state->num_actions[round]++] = (uint8_t)(1 + action);
    int32_t stakes = state->stakes + raises * RAISES[round], left = state->num_left - folds;
    int32_t num_raises = state->num_raises + raises, num_calls = (state->num_calls + calls) * !raises;
    state->chips[player] = (uint8_t)(folds ? state->chips[player] : stakes);
    state->folded[player] = (uint8_t)folds;
    bool ends_round = num_calls == left - (num_raises > 0), is_over = (left == 1) | (ends_round & (round == 1));
    bool goes_on = ends_round & !is_over; /* to the second round */
    state->round = (uint8_t)(round + goes_on);
    state->stakes = (uint8_t)stakes;
    state->num_raises = (uint8_t)(num_raises * !goes_on);
    state->num_calls = (uint8_t)(num_calls * !goes_on);
    state->num_left = (uint8_t)left;
    int16_t mover = first_left(config, state, goes_on ? config->starting_player : next);
    state->to_move = is_over ? -1 : mover;
}

/* Larger for the better hand, equal for equal ones. */
INLINE int32_t hand_value(const LeducConfig *config, const LeducState *state, int32_t player)
{
    int32_t own = state->cards[player] / 2, public = state->cards[config->players] / 2, ranks = config->players + 1;
    if (own == public)
        return ranks * ranks + own;
    return own > public ? own * ranks + public : public * ranks + own;
}

INLINE void pay(const LeducConfig *config, const LeducState *state, float *rewards)
{
    int32_t best = -1, num_winners = 0, pot = 0, values[LEDUC_MAX_PLAYERS];
    for (int32_t p = 0; p < config->players; p++) {
        pot += state->chips[p];
        values[p] = state->folded[p] ? -1 : state->num_left == 1 ? 0 : hand_value(config, state, p);
        num_winners = values[p] > best ? 1 : num_winners + (values[p] == best);
        best = values[p] > best ? values[p] : best;
    }
    for (int32_t p = 0; p < config->players; p++) {
        double share = values[p] == best ? (double)pot / num_winners : 0;
        rewards[p] = (float)(share - state->chips[p]);
    }
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const LeducConfig *config = config_of(context);
    LeducState *state = state_bytes;
    if (config->players == 2) /* most hands */
        agora_deal_few_cards(rng, 6, 3, state->cards);
    else
        agora_deal_cards(rng, num_cards(config), config->players + 1, state->cards);
    start(config, state);
}

INLINE bool step_hand(const LeducConfig *config, LeducState *state, const AgoraView *views)
{
    if (state->to_move >= 0) /* a loaded state may be the last one already */
        play(config, state, ((const int32_t *)views->actions)[state->to_move]);
    bool is_over = state->to_move < 0;
    for (int32_t p = 0; p < config->players; p++) {
        views->rewards[p] = 0;
        views->terminations[p] = is_over;
        views->truncations[p] = 0;
    }
    if (is_over)
        pay(config, state, views->rewards);
    return is_over;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state, AgoraView *views)
{
    (void)rng;
    const LeducConfig *config = config_of(context);
    const LeducConfig pair = {.players = 2, .starting_player = config->starting_player};
    return config->players == 2 ? step_hand(&pair, state, views) : step_hand(config, state, views);
}

/* ---- what players see ---- */

static void show_mask(const LeducState *state, int32_t player, uint8_t *mask)
{
    bool moves = player == state->to_move, may_fold = state->stakes > state->chips[player];
    mask[LEDUC_FOLD] = !moves | may_fold;
    mask[LEDUC_CALL] = moves;
    mask[LEDUC_RAISE] = moves & can_raise(state);
}

INLINE void show_hand(int32_t players, int32_t suit_bits, const LeducState *state, const AgoraView *views)
{
    /* not yet, fold, call, raise */
    static const float PAIRS[1 + LEDUC_ACTIONS][2] = {{0, 0}, {0, 0}, {1, 0}, {0, 1}};
    float bets[2 * LEDUC_ROUNDS * LEDUC_MAX_BETS], *observation = views->observations;
    int32_t cards = 2 * (players + 1) >> suit_bits, num_bets = LEDUC_ROUNDS * (3 * players - 2);
    for (int32_t i = 0; i < num_bets; i++)
        memcpy(bets + 2 * i, PAIRS[state->history[i]], sizeof PAIRS[0]);
    for (int32_t p = 0; p < players; p++, observation += players + 2 * cards + 2 * num_bets) {
        memset(observation, 0, (size_t)(players + 2 * cards) * sizeof *observation);
        observation[p] = 1;
        observation[players + (state->cards[p] >> suit_bits)] = 1;
        observation[players + cards + (state->cards[players] >> suit_bits)] = state->round;
        memcpy(observation + players + 2 * cards, bets, (size_t)(2 * num_bets) * sizeof *bets);
        show_mask(state, p, views->action_masks + LEDUC_ACTIONS * p);
        views->alive[p] = 1;
    }
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const LeducConfig *config = config_of(context);
    if (config->players == 2 && !config->suit_isomorphism)
        show_hand(2, 0, state, views);
    else
        show_hand(config->players, config->suit_isomorphism, state, views);
}

/* ---- states from outside ---- */

/* A state is its cards and what its history makes of them. */
static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const LeducConfig *config = config_of(context);
    const LeducState *state = state_bytes;
    LeducState played = {0};
    if (!agora_check_deal("cards", state->cards, config->players + 1, num_cards(config), error))
        return false;
    memcpy(played.cards, state->cards, (size_t)config->players + 1);
    start(config, &played);
    for (int32_t round = 0; round < LEDUC_ROUNDS; round++)
        for (int32_t i = 0; i < state->num_actions[round] && played.to_move >= 0 && played.round == round; i++) {
            int32_t entry = state->history[round * max_bets(config) + i];
            if (entry < 1 || entry > LEDUC_ACTIONS)
                return agora_fail(error, "history[%d, %d] must be in [1, %d], got %d", round, i, LEDUC_ACTIONS, entry);
            play(config, &played, entry - 1);
        }
    if (memcmp(&played, state, sizeof played) != 0)
        return agora_fail(error, "to_move and what has been bet must be what the history makes of them");
    return true;
}

const AgoraWorld agora_leduc_poker = {
    .name = "leduc_poker",
    .config_size = sizeof(LeducConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(LeducState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
};
