#include "kuhn_poker.h"

#include "../core/stepping.h"

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
    return agora_check_range("players", config->players, KUHN_MIN_PLAYERS, KUHN_MAX_PLAYERS, error);
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

/* ---- rules ----
 *
 * Hands are short, so nothing here is as dear as a branch that nobody can foresee: cards and actions are looked up and
 * counted with, not asked for. Most hands have two players, and with a constant number the loops unroll. */

#define INLINE static inline __attribute__((always_inline))

INLINE void play(int32_t players, KuhnState *state, int32_t action)
{
    int32_t first = state->first_bet, count = state->num_actions + 1;
    state->history[count - 1] = (uint8_t)(1 + action);
    first = first + (first == 0) * (action == KUHN_BET) * count;
    /* Everybody has decided once, and everybody before the first bet once more. */
    int32_t last = players + first - (first > 0), next = count - (count >= players) * players;
    state->num_actions = (uint8_t)count;
    state->first_bet = (uint8_t)first;
    state->to_move = (int16_t)(count == last ? -1 : next);
}

/* Whoever passed before the first bet has decided twice, and the second time counts. */
INLINE bool has_bet(int32_t players, const KuhnState *state, int32_t player)
{
    int32_t decided_twice = player < state->first_bet - 1;
    return state->history[player + decided_twice * players] == 1 + KUHN_BET;
}

INLINE void pay(int32_t players, const KuhnState *state, float *rewards)
{
    int32_t winner = 0, best = -1, pot = 0;
    for (int32_t p = 0; p < players; p++) {
        int32_t bet = has_bet(players, state, p), is_in = bet | (state->first_bet == 0);
        int32_t value = is_in * (state->cards[p] + 1);
        pot += 1 + bet;
        rewards[p] = (float)(-1 - bet);
        winner = value > best ? p : winner;
        best = value > best ? value : best;
    }
    rewards[winner] += (float)pot;
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    KuhnState *state = state_bytes;
    int32_t players = num_players(context);
    if (players == 2) /* most hands */
        agora_deal_few_cards(rng, 3, 2, state->cards);
    else
        agora_deal_cards(rng, players + 1, players, state->cards);
}

/* ---- hands of two: looked up ---- */

static const uint8_t DIGITS[KUHN_PAIR_ACTIONS + 1] = {1, 3, 9, 0}; /* of a history of 0, 1, 2, 3 actions, the next */

INLINE int32_t line_of(const KuhnState *state)
{
    return state->history[0] + 3 * state->history[1] + 9 * state->history[2];
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(KuhnModel);
}

static void show_hand(int32_t players, const KuhnState *state, const AgoraView *views);

/* What the rules make of a history, for every card that a player may hold. */
static void build_line(KuhnModel *model, const KuhnState *state)
{
    int32_t number = line_of(state);
    KuhnLine *line = &model->lines[number];
    *line = (KuhnLine){.to_move = state->to_move,
                       .num_actions = state->num_actions,
                       .first_bet = state->first_bet,
                       .is_over = state->to_move < 0};
    memcpy(line->history, state->history, sizeof line->history);
    for (int32_t deal = 0; deal < 3; deal++) { /* cards 0 and 1, 1 and 2, 2 and 0 */
        float observations[2][KUHN_PAIR_FEATURES];
        uint8_t alive[2];
        KuhnState dealt = *state;
        AgoraView view = {.observations = observations, .action_masks = line->masks, .alive = alive};
        dealt.cards[0] = (uint8_t)deal;
        dealt.cards[1] = (uint8_t)((deal + 1) % 3);
        show_hand(2, &dealt, &view);
        for (int32_t p = 0; p < 2; p++)
            memcpy(model->observations[number][p][dealt.cards[p]], observations[p], sizeof observations[p]);
        if (line->is_over)
            pay(2, &dealt, line->rewards[dealt.cards[0] > dealt.cards[1]]);
    }
}

static void build_lines(KuhnModel *model, const KuhnState *state)
{
    build_line(model, state);
    for (int32_t action = 0; action < KUHN_ACTIONS && state->to_move >= 0; action++) {
        KuhnState next = *state;
        play(2, &next, action);
        build_lines(model, &next);
    }
}

static void build_model(const void *config, void *model)
{
    if (((const KuhnConfig *)config)->players == 2)
        build_lines(model, &(KuhnState){0});
}

INLINE bool step_pair(const KuhnModel *model, KuhnState *state, const AgoraView *views)
{
    int32_t number = line_of(state);
    if (state->to_move >= 0) /* a loaded state may be the last one already */
        number += DIGITS[state->num_actions] * (1 + ((const int32_t *)views->actions)[state->to_move]);
    const KuhnLine *line = &model->lines[number];
    state->to_move = line->to_move;
    memcpy(state->history, line->history, sizeof line->history);
    state->num_actions = line->num_actions;
    state->first_bet = line->first_bet;
    memcpy(views->rewards, line->rewards[state->cards[0] > state->cards[1]], sizeof line->rewards[0]);
    memset(views->terminations, line->is_over, 2);
    memset(views->truncations, 0, 2);
    return line->is_over;
}

INLINE void show_pair(const KuhnModel *model, const KuhnState *state, const AgoraView *views)
{
    int32_t number = line_of(state);
    float (*observations)[KUHN_PAIR_FEATURES] = views->observations;
    for (int32_t p = 0; p < 2; p++)
        memcpy(observations[p], model->observations[number][p][state->cards[p]], sizeof observations[p]);
    memcpy(views->action_masks, model->lines[number].masks, sizeof model->lines[number].masks);
    memset(views->alive, 1, 2);
}

/* ---- hands of any number ---- */

static bool step_hand(int32_t players, KuhnState *state, const AgoraView *views)
{
    if (state->to_move >= 0) /* a loaded state may be the last one already */
        play(players, state, ((const int32_t *)views->actions)[state->to_move]);
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

static void show_hand(int32_t players, const KuhnState *state, const AgoraView *views)
{
    static const float PAIRS[1 + KUHN_ACTIONS][2] = {{0, 0}, {1, 0}, {0, 1}}; /* not yet, pass, bet */
    float *observation = views->observations;
    for (int32_t p = 0; p < players; p++, observation += 6 * players - 1) {
        memset(observation, 0, (size_t)(2 * players + 1) * sizeof *observation);
        observation[p] = 1;
        observation[players + state->cards[p]] = 1;
        for (int32_t i = 0; i < 2 * players - 1; i++)
            memcpy(observation + 2 * players + 1 + 2 * i, PAIRS[state->history[i]], sizeof PAIRS[0]);
        views->action_masks[2 * p] = 1;
        views->action_masks[2 * p + 1] = p == state->to_move;
        views->alive[p] = 1;
    }
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state, AgoraView *views)
{
    (void)rng;
    int32_t players = num_players(context);
    return players == 2 ? step_pair(context->model, state, views) : step_hand(players, state, views);
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    int32_t players = num_players(context);
    if (players == 2)
        show_pair(context->model, state, views);
    else
        show_hand(players, state, views);
}

/* A state is its cards and what its history makes of them. */
static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const KuhnState *state = state_bytes;
    int32_t players = num_players(context);
    KuhnState played = {0};
    if (!agora_check_deal("cards", state->cards, players, players + 1, error))
        return false;
    memcpy(played.cards, state->cards, (size_t)players);
    for (int32_t i = 0; i < state->num_actions && played.to_move >= 0; i++) {
        if (state->history[i] < 1 || state->history[i] > KUHN_ACTIONS)
            return agora_fail(error, "history[%d] must be 1 or 2, got %d", i, state->history[i]);
        play(players, &played, state->history[i] - 1);
    }
    if (memcmp(&played, state, sizeof played) != 0)
        return agora_fail(error, "to_move, num_actions and first_bet must be what the history makes of them");
    return true;
}

AGORA_STEP_ENVS(agora_kuhn_poker)

const AgoraWorld agora_kuhn_poker = {
    .name = "kuhn_poker",
    .config_size = sizeof(KuhnConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(KuhnState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .step_envs = step_envs,
};
