#include "markov.h"

#include <math.h>
#include <string.h>

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "num_actions", .dtype = AGORA_I32, .offset = offsetof(MarkovConfig, num_actions), .is_span = true},
    {.name = "row_starts", .dtype = AGORA_I32, .offset = offsetof(MarkovConfig, row_starts), .is_span = true},
    {.name = "successors", .dtype = AGORA_I32, .offset = offsetof(MarkovConfig, successors), .is_span = true},
    {.name = "probabilities", .dtype = AGORA_F64, .offset = offsetof(MarkovConfig, probabilities), .is_span = true},
    {.name = "rewards", .dtype = AGORA_F64, .offset = offsetof(MarkovConfig, rewards), .is_span = true},
    {.name = "initial", .dtype = AGORA_F64, .offset = offsetof(MarkovConfig, initial), .is_span = true},
    {.name = "terminal", .dtype = AGORA_U8, .offset = offsetof(MarkovConfig, terminal), .is_span = true},
    {.name = "legal_actions", .dtype = AGORA_U8, .offset = offsetof(MarkovConfig, legal_actions), .is_span = true},
    {.name = "features", .dtype = AGORA_F32, .offset = offsetof(MarkovConfig, features), .is_span = true},
    {.name = "continuation", .dtype = AGORA_F64, .offset = offsetof(MarkovConfig, continuation)},
    {.name = "feature_low", .dtype = AGORA_F32, .offset = offsetof(MarkovConfig, feature_low)},
    {.name = "feature_high", .dtype = AGORA_F32, .offset = offsetof(MarkovConfig, feature_high)},
    {.name = "num_features", .dtype = AGORA_I32, .offset = offsetof(MarkovConfig, num_features)},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(MarkovConfig, horizon)},
    {0},
};

/* Whether the numbers are finite, none is negative, and their sum is positive and finite. */
static bool are_weights(const double *weights, int64_t count)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++) {
        if (!(weights[k] >= 0))
            return false;
        sum += weights[k];
    }
    return sum > 0 && isfinite(sum);
}

static bool check_sizes(const MarkovConfig *config, int64_t *num_rows, int64_t *num_choices, AgoraError *error)
{
    const int32_t *actions = config->num_actions.data;
    int64_t players = config->num_actions.count, states = config->initial.count;
    if (players < 1 || players > MARKOV_MAX_PLAYERS)
        return agora_fail(error, "a Markov game has 1 to %d players, got %lld", MARKOV_MAX_PLAYERS, (long long)players);
    if (states < 1 || states > INT32_MAX / 8 || config->terminal.count != states)
        return agora_fail(error, "initial and terminal need one entry a state, got %lld and %lld", (long long)states,
                          (long long)config->terminal.count);
    *num_rows = states;
    *num_choices = 0;
    for (int32_t i = 0; i < players; i++) {
        if (actions[i] < 1)
            return agora_fail(error, "player %d needs at least 1 action, got %d", i, actions[i]);
        *num_rows *= actions[i];
        *num_choices += actions[i];
        if (*num_rows >= INT32_MAX)
            return agora_fail(error, "the game has too many states and joint actions");
    }
    if (config->row_starts.count != *num_rows + 1)
        return agora_fail(error, "row_starts must have %lld entries, got %lld", (long long)*num_rows + 1,
                          (long long)config->row_starts.count);
    return true;
}

static bool check_rows(const MarkovConfig *config, int64_t num_rows, AgoraError *error)
{
    const int32_t *starts = config->row_starts.data, *successors = config->successors.data;
    const uint8_t *terminal = config->terminal.data;
    int64_t states = config->initial.count, outcomes = config->successors.count;
    if (config->probabilities.count != outcomes || starts[0] != 0 || starts[num_rows] != outcomes)
        return agora_fail(error, "row_starts must go from 0 to %lld, the number of successors and probabilities",
                          (long long)outcomes);
    if (outcomes + states >= INT32_MAX)
        return agora_fail(error, "the game has too many outcomes, %lld", (long long)outcomes);
    for (int64_t k = 0; k < outcomes; k++)
        if (successors[k] < 0 || successors[k] >= states)
            return agora_fail(error, "successors must be states in [0, %lld], got %d", (long long)states - 1, successors[k]);
    for (int64_t row = 0; row < num_rows; row++) {
        int32_t count = starts[row + 1] - starts[row];
        if (starts[row] < 0 || starts[row + 1] < starts[row] || starts[row + 1] > outcomes)
            return agora_fail(error, "row_starts must not fall, got %d after %d", starts[row + 1], starts[row]);
        if (terminal[row / (num_rows / states)] == 1 && count == 0)
            continue;
        if (!are_weights((const double *)config->probabilities.data + starts[row], count))
            return agora_fail(error, "the probabilities of row %lld are no distribution", (long long)row);
    }
    return true;
}

static bool check_rewards(const MarkovConfig *config, int64_t num_rows, AgoraError *error)
{
    const double *rewards = config->rewards.data;
    int64_t players = config->num_actions.count, count = config->rewards.count;
    if (count != num_rows * players && count != config->successors.count * players)
        return agora_fail(error, "rewards must have %lld or %lld entries, got %lld", (long long)(num_rows * players),
                          (long long)(config->successors.count * players), (long long)count);
    for (int64_t k = 0; k < count; k++)
        if (!isfinite((float)rewards[k]))
            return agora_fail(error, "rewards must be finite");
    return true;
}

static bool check_states(const MarkovConfig *config, int64_t num_choices, AgoraError *error)
{
    const double *initial = config->initial.data;
    const uint8_t *terminal = config->terminal.data, *flags = config->legal_actions.data;
    int64_t states = config->initial.count;
    if (!are_weights(initial, states))
        return agora_fail(error, "initial is no distribution");
    for (int64_t s = 0; s < states; s++)
        if (terminal[s] == 1 && initial[s] > 0)
            return agora_fail(error, "terminal state %lld cannot be a first state", (long long)s);
    if (config->legal_actions.count == 0)
        return true;
    if (config->legal_actions.count != states * num_choices)
        return agora_fail(error, "legal_actions must have %lld entries, got %lld", (long long)(states * num_choices),
                          (long long)config->legal_actions.count);
    for (int64_t s = 0; s < states; s++)
        for (int32_t i = 0; i < config->num_actions.count; i++) {
            size_t actions = (size_t)((const int32_t *)config->num_actions.data)[i];
            if (!memchr(flags, 1, actions))
                return agora_fail(error, "player %d has no legal action in state %lld", i, (long long)s);
            flags += actions;
        }
    return true;
}

static bool check_features(const MarkovConfig *config, AgoraError *error)
{
    const float *features = config->features.data;
    int64_t states = config->initial.count, count = config->features.count;
    int64_t each = states * config->num_features;
    if (count == 0 && config->num_features == 0)
        return true;
    if (config->num_features < 1 || (count != each && count != each * config->num_actions.count))
        return agora_fail(error, "features must have %lld entries, or as many a player, got %lld", (long long)each,
                          (long long)count);
    for (int64_t k = 0; k < count; k++)
        if (!(features[k] >= config->feature_low && features[k] <= config->feature_high))
            return agora_fail(error, "features must lie in [%g, %g], got %g", (double)config->feature_low,
                              (double)config->feature_high, (double)features[k]);
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const MarkovConfig *config = config_bytes;
    int64_t num_rows = 0, num_choices = 0;
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (!(config->continuation >= 0 && config->continuation <= 1))
        return agora_fail(error, "continuation must be in [0, 1], got %g", config->continuation);
    return check_sizes(config, &num_rows, &num_choices, error) && check_rows(config, num_rows, error) &&
           check_rewards(config, num_rows, error) && check_states(config, num_choices, error) &&
           check_features(config, error);
}

/* ---- model ---- */

static size_t model_size(const void *config_bytes)
{
    const MarkovConfig *config = config_bytes;
    return sizeof(MarkovModel) + (size_t)(config->successors.count + config->initial.count) * (sizeof(MarkovSlot) + sizeof(int32_t));
}

static int32_t *aliases_of(MarkovModel *model) { return (int32_t *)(model->slots + model->num_slots); }

/* Fills `count` slots from number `first` on, by Vose's method. The two work lists lie in the aliases: a slot is on one
 * list until it is paired, and its alias is written when it leaves. */
static void build_slots(MarkovModel *model, const double *weights, const int32_t *states, int32_t first, int32_t count)
{
    MarkovSlot *slots = model->slots + first;
    int32_t *aliases = aliases_of(model) + first;
    double sum = 0;
    int32_t small = -1, large = -1; /* heads of the lists of slots with less and with at least the mean */
    for (int32_t k = 0; k < count; k++)
        sum += weights[k];
    for (int32_t k = count - 1; k >= 0; k--) {
        int32_t *list;
        slots[k].threshold = weights[k] / sum * count;
        slots[k].state = states ? states[k] : k;
        list = slots[k].threshold < 1 ? &small : &large;
        aliases[k] = *list;
        *list = k;
    }
    while (small >= 0 && large >= 0) {
        int32_t less = small, more = large;
        small = aliases[less];
        aliases[less] = first + more;
        slots[more].threshold -= 1 - slots[less].threshold;
        if (slots[more].threshold < 1) {
            large = aliases[more];
            aliases[more] = small;
            small = more;
        }
    }
    for (int32_t rest = small >= 0 ? small : large; rest >= 0;) { /* full up to rounding */
        int32_t next = aliases[rest];
        aliases[rest] = first + rest;
        slots[rest].threshold = 1;
        rest = next;
    }
    for (int32_t k = 0; k < count; k++)
        slots[k].alias_state = slots[aliases[k] - first].state;
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const MarkovConfig *config = config_bytes;
    const int32_t *starts = config->row_starts.data;
    const double *probabilities = config->probabilities.data;
    MarkovModel *model = model_bytes;
    model->seats = agora_seat_players(&config->num_actions);
    model->num_states = (int32_t)config->initial.count;
    model->num_features = config->num_features > 0 ? config->num_features : model->num_states;
    int64_t num_rows = config->row_starts.count - 1;
    model->has_outcome_rewards = config->rewards.count != num_rows * model->seats.num_players;
    model->initial = (size_t)config->successors.count;
    model->num_slots = model->initial + (size_t)model->num_states;
    for (int64_t row = 0; row < num_rows; row++)
        build_slots(model, probabilities + starts[row], (const int32_t *)config->successors.data + starts[row],
                    starts[row], starts[row + 1] - starts[row]);
    build_slots(model, config->initial.data, NULL, (int32_t)model->initial, model->num_states);
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const MarkovConfig *config = context->config;
    const MarkovModel *model = context->model;
    bool is_one_hot = config->num_features == 0;
    AgoraGroup group = {
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {model->num_features},
        .observation_low = is_one_hot ? 0 : config->feature_low,
        .observation_high = is_one_hot ? 1 : config->feature_high,
        .has_action_mask = config->legal_actions.count != 0,
    };
    return agora_seat_groups(&model->seats, &group, out);
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const MarkovModel *model = context->model;
    out[0] = (AgoraField){.name = "state", .dtype = AGORA_I32, .offset = offsetof(MarkovState, state)};
    out[1] = (AgoraField){.name = "previous_state", .dtype = AGORA_I32, .offset = offsetof(MarkovState, previous_state)};
    out[2] = (AgoraField){.name = "steps", .dtype = AGORA_I32, .offset = offsetof(MarkovState, steps)};
    out[3] = (AgoraField){.name = "last_actions",
                          .dtype = AGORA_I32,
                          .offset = offsetof(MarkovState, last_actions),
                          .rank = 1,
                          .shape = {model->seats.num_players}};
    return 4;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const MarkovConfig *config = context->config;
    const MarkovModel *model = context->model;
    const MarkovState *state = state_bytes;
    if (state->state < 0 || state->state >= model->num_states)
        return agora_fail(error, "state must be in [0, %d], got %d", model->num_states - 1, state->state);
    if (state->previous_state < -1 || state->previous_state >= model->num_states)
        return agora_fail(error, "previous_state must be in [-1, %d], got %d", model->num_states - 1,
                          state->previous_state);
    if (state->steps < 0 || state->steps > config->horizon)
        return agora_fail(error, "steps must be in [0, %d], got %d", config->horizon, state->steps);
    for (int32_t i = 0; i < model->seats.num_players; i++)
        if (state->last_actions[i] < -1 || state->last_actions[i] >= model->seats.num_actions[i])
            return agora_fail(error, "last_actions[%d] must be in [-1, %d], got %d", i, model->seats.num_actions[i] - 1,
                              state->last_actions[i]);
    return true;
}

/* ---- rules ---- */

/* Draws one of the `count` outcomes from number `first` on: returns its slot, and whether it is the slot's own. */
static size_t draw_slot(const MarkovModel *model, AgoraRng *rng, size_t first, size_t count, bool *is_own)
{
    *is_own = true;
    if (count == 1)
        return first;
    double position = agora_draw_unit(rng) * (double)count;
    size_t slot = (size_t)position;
    slot = slot < count ? slot : count - 1; /* the product may round up to count */
    *is_own = position - (double)slot < model->slots[first + slot].threshold;
    return first + slot;
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const MarkovModel *model = context->model;
    MarkovState *state = state_bytes;
    bool is_own;
    size_t slot = draw_slot(model, rng, model->initial, (size_t)model->num_states, &is_own);
    state->state = is_own ? model->slots[slot].state : model->slots[slot].alias_state;
    state->previous_state = -1;
    for (int32_t i = 0; i < model->seats.num_players; i++)
        state->last_actions[i] = -1;
}

/* Reads the joint action and returns its row. */
static size_t read_actions(const AgoraContext *context, MarkovState *state, AgoraView *views)
{
    const MarkovConfig *config = context->config;
    const MarkovModel *model = context->model;
    const uint8_t *flags = NULL;
    int32_t index;
    size_t row = (size_t)state->state;
    if (config->legal_actions.count > 0)
        flags = (const uint8_t *)config->legal_actions.data + row * (size_t)model->seats.num_choices;
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        const AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        int32_t action = ((const int32_t *)view->actions)[index];
        if (flags && flags[model->seats.first_flags[i] + action] != 1) {
            const uint8_t *own = flags + model->seats.first_flags[i];
            action = (int32_t)((const uint8_t *)memchr(own, 1, (size_t)model->seats.num_actions[i]) - own);
        }
        state->last_actions[i] = action;
        row = row * (size_t)model->seats.num_actions[i] + (size_t)action;
    }
    return row;
}

static void write_outcome(const MarkovModel *model, const double *rewards, bool is_terminated, bool is_truncated,
                          AgoraView *views)
{
    int32_t index;
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        view->rewards[index] = rewards ? (float)rewards[i] : 0;
        view->terminations[index] = is_terminated;
        view->truncations[index] = is_truncated;
    }
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const MarkovConfig *config = context->config;
    const MarkovModel *model = context->model;
    const uint8_t *terminal = config->terminal.data;
    MarkovState *state = state_bytes;
    size_t row = read_actions(context, state, views);
    state->previous_state = state->state;
    state->steps += state->steps < config->horizon;
    if (terminal[state->state] == 1) { /* only a loaded state is over already */
        write_outcome(model, NULL, true, false, views);
        return true;
    }
    const int32_t *starts = config->row_starts.data;
    bool is_own;
    size_t first = (size_t)starts[row];
    size_t slot = draw_slot(model, rng, first, (size_t)starts[row + 1] - first, &is_own);
    state->state = is_own ? model->slots[slot].state : model->slots[slot].alias_state;
    bool is_stopped = config->continuation < 1 && agora_draw_unit(rng) >= config->continuation;
    bool is_terminated = terminal[state->state] == 1 || is_stopped;
    bool is_truncated = !is_terminated && state->steps >= config->horizon;
    size_t paid = row;
    if (model->has_outcome_rewards)
        paid = is_own ? slot : (size_t)((const int32_t *)(model->slots + model->num_slots))[slot];
    const double *rewards = (const double *)config->rewards.data + paid * (size_t)model->seats.num_players;
    write_outcome(model, rewards, is_terminated, is_truncated, views);
    return is_terminated || is_truncated;
}

static void observe_features(const MarkovConfig *config, const MarkovModel *model, int32_t state, int32_t player,
                             float *out)
{
    size_t width = (size_t)model->num_features, each = (size_t)model->num_states * width;
    const float *features = config->features.data;
    if (!features || config->features.count == 0) {
        memset(out, 0, width * sizeof *out);
        out[state] = 1;
        return;
    }
    if (config->features.count != (int64_t)each)
        features += (size_t)player * each;
    memcpy(out, features + (size_t)state * width, width * sizeof *out);
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const MarkovConfig *config = context->config;
    const MarkovModel *model = context->model;
    const MarkovState *state = state_bytes;
    const uint8_t *flags = config->legal_actions.data;
    int32_t index;
    for (int32_t i = 0; i < model->seats.num_players; i++) {
        AgoraView *view = agora_seat_view(&model->seats, views, i, &index);
        float *out = (float *)view->observations + (size_t)index * (size_t)model->num_features;
        observe_features(config, model, state->state, i, out);
        size_t choices = (size_t)model->seats.num_actions[i];
        if (view->action_masks)
            memcpy(view->action_masks + (size_t)index * choices,
                   flags + (size_t)state->state * (size_t)model->seats.num_choices + model->seats.first_flags[i],
                   choices);
        view->alive[index] = 1;
    }
}

const AgoraWorld agora_markov = {
    .name = "markov",
    .config_size = sizeof(MarkovConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(MarkovState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
};
