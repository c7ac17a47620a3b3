#include "gather_trade_build.h"

#include "../welfare/social.h"
#include "ground.h"
#include "market.h"
#include "sight.h"
#include "validity.h"

#include <math.h>
#include <string.h>

enum { WORKERS, PLANNER, NUM_GROUPS }; /* indices of the groups */
enum { BUILD = 1, FIRST_ORDER = 2 };   /* actions */

static const double BUILD_SHAPE = 4, GATHER_SHAPE = 3, MAX_GATHER_SKILL = 2; /* of the Lomax distributions of skills */
static const double BUILD_NORMAL[] = {-1, 0.5}, GATHER_NORMAL[] = {-2.022, 0.938}; /* mean, deviation: of the logarithms */

static const GtbConfig *config_of(const AgoraContext *context) { return context->config; }
static const GtbModel *model_of(const AgoraContext *context) { return context->model; }

/* ---- config and model ---- */

#define SCALAR(field, type) {.name = #field, .dtype = type, .offset = offsetof(GtbConfig, field)}
#define SPAN(field, type) {.name = #field, .dtype = type, .offset = offsetof(GtbConfig, field), .is_span = true}
static const AgoraField CONFIG_FIELDS[] = {
    TAX_CONFIG_FIELDS(GtbConfig),
    SPAN(layout, AGORA_U8),
    SCALAR(height, AGORA_I32),
    SCALAR(width, AGORA_I32),
    SCALAR(num_agents, AGORA_I32),
    SCALAR(starts, AGORA_I32),
    SPAN(ranked_payments, AGORA_F64),
    SPAN(ranked_tiles, AGORA_I32),
    SPAN(ranked_tops, AGORA_U8),
    SCALAR(split_row, AGORA_I32),
    SCALAR(build_skills, AGORA_I32),
    SCALAR(gather_skills, AGORA_I32),
    SCALAR(payment, AGORA_F64),
    SCALAR(max_skill, AGORA_F64),
    SCALAR(build_labor, AGORA_F64),
    SCALAR(move_labor, AGORA_F64),
    SCALAR(gather_labor, AGORA_F64),
    SCALAR(order_labor, AGORA_F64),
    SCALAR(starting_coin, AGORA_F64),
    SCALAR(regrowth_probability, AGORA_F64),
    SCALAR(max_bid_ask, AGORA_I32),
    SCALAR(max_orders, AGORA_I32),
    SCALAR(order_duration, AGORA_I32),
    SCALAR(isoelastic_eta, AGORA_F64),
    SCALAR(labor_cost, AGORA_F64),
    {.name = "labor_weight", .dtype = AGORA_F64, .offset = offsetof(GtbConfig, labor_weight), .is_live = true},
    SCALAR(objective, AGORA_I32),
    SCALAR(equality_weight, AGORA_F64),
    SCALAR(view, AGORA_I32),
    SCALAR(sees_all, AGORA_U8),
    SCALAR(planner_sees_map, AGORA_U8),
    SCALAR(shares_wealth, AGORA_U8),
    SPAN(numpy_streams, AGORA_I32),
    SCALAR(horizon, AGORA_I32),
    {0},
};
#undef SCALAR
#undef SPAN

static int32_t num_maps(const GtbConfig *config)
{
    return (int32_t)(config->layout.count / (config->height * config->width));
}

static size_t model_size(const void *config) { return (size_t)num_maps(config) * sizeof(GtbModel); }

static void build_model(const void *config_bytes, void *model_bytes)
{
    const GtbConfig *config = config_bytes;
    GtbModel *models = model_bytes;
    const uint8_t *tiles = config->layout.data;
    for (int32_t map = 0; map < num_maps(config); map++)
        for (int32_t row = 0; row < config->height; row++)
            for (int32_t column = 0; column < config->width; column++) {
                uint8_t tile = *tiles++;
                if (tile == GTB_STONE_SOURCE || tile == GTB_WOOD_SOURCE)
                    gtb_set(models[map].sources[tile - GTB_STONE_SOURCE], row, column);
                if (tile == GTB_WATER)
                    gtb_set(models[map].waters, row, column);
            }
}

/* ---- spaces and state ---- */

static AgoraGroup make_group(const char *name, const char *agent_name, int32_t agents, int32_t features)
{
    AgoraGroup group = {
        .num_agents = agents,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {features},
        .observation_low = -(float)TAX_MAX_COIN,
        .observation_high = (float)TAX_MAX_COIN,
        .action_parts = 1,
    };
    memcpy(group.name, name, strlen(name));
    memcpy(group.agent_name, agent_name, strlen(agent_name));
    return group;
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const GtbConfig *config = config_of(context);
    out[WORKERS] = make_group("workers", "worker", config->num_agents, gtb_worker_features(config));
    out[WORKERS].action_kind = AGORA_DISCRETE;
    out[WORKERS].choices[0] = gtb_num_actions(config);
    out[WORKERS].has_action_mask = true;
    out[WORKERS].num_infos = 3;
    out[WORKERS].info_names[0] = "income";
    out[WORKERS].info_names[1] = "tax";
    out[WORKERS].info_names[2] = "marginal_rate";
    out[PLANNER] = make_group("planner", "planner", 1, gtb_planner_features(config));
    out[PLANNER].num_infos = 1;
    out[PLANNER].info_names[0] = "tax_day";
    tax_planner_actions(&config->tax, &out[PLANNER]);
    return NUM_GROUPS;
}

#define FIELD(label, member, type, ...)                                                                                \
    out[count] = (AgoraField){.name = label, .dtype = type, .offset = offsetof(GtbState, member)};                     \
    memcpy(out[count].shape, (int32_t[AGORA_MAX_RANK]){__VA_ARGS__}, sizeof out[count].shape);                         \
    for (; out[count].rank < AGORA_MAX_RANK && out[count].shape[out[count].rank]; out[count].rank++)                   \
        ;                                                                                                              \
    count++
static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const GtbConfig *config = config_of(context);
    int32_t n = config->num_agents, count = 0;
    FIELD("coin", coin, AGORA_F64, n);
    FIELD("escrow_coin", escrow_coin, AGORA_F64, n);
    FIELD("labor", labor, AGORA_F64, n);
    FIELD("utilities", utilities, AGORA_F64, n);
    FIELD("payments", payments, AGORA_F64, n);
    FIELD("skills", skills, AGORA_F64, n);
    FIELD("second_units", second_units, AGORA_F64, n);
    FIELD("history_stone", history[GTB_STONE], AGORA_F64, n, gtb_num_prices(config));
    FIELD("history_wood", history[GTB_WOOD], AGORA_F64, n, gtb_num_prices(config));
    FIELD("welfare", welfare, AGORA_F64, 0);
    FIELD("planes", planes, AGORA_I64, GTB_STATE_PLANES, GTB_MAX_SIDE);
    FIELD("units", units, AGORA_I32, n, GTB_RESOURCES);
    FIELD("escrow_units", escrow_units, AGORA_I32, n, GTB_RESOURCES);
    FIELD("num_orders", num_orders, AGORA_I32, GTB_RESOURCES, GTB_SIDES);
    FIELD("timestep", timestep, AGORA_I32, 0);
    FIELD("num_trades", num_trades, AGORA_I32, 0);
    FIELD("num_gathered", num_gathered, AGORA_I32, 0);
    FIELD("trade_volume", trade_volume, AGORA_F64, 0);
    FIELD("numpy_stream", numpy_stream, AGORA_I32, GTB_NUMPY_WORDS);
    FIELD("orders", orders, AGORA_U8, GTB_RESOURCES, GTB_SIDES, GTB_MAX_ORDERS, 4);
    FIELD("open_orders", open_orders, AGORA_U8, n, GTB_RESOURCES);
    FIELD("positions", positions, AGORA_U8, n, 2);
    FIELD("owners", owners, AGORA_U8, config->height, config->width);
    return tax_state_fields(&config->tax, n, offsetof(GtbState, tax), out, count);
}
#undef FIELD

/* ---- reset ---- */

static double utility_of(const GtbConfig *config, const GtbState *state, int32_t agent)
{
    double coin = state->coin[agent] + state->escrow_coin[agent];
    return welfare_isoelastic(coin, config->isoelastic_eta) -
           config->labor_weight * config->labor_cost * state->labor[agent];
}

static double welfare_of(const GtbConfig *config, const GtbState *state)
{
    double coin[GTB_MAX_AGENTS];
    for (int32_t i = 0; i < config->num_agents; i++)
        coin[i] = state->coin[i] + state->escrow_coin[i];
    return welfare_value((WelfareObjective)config->objective, config->num_agents, coin, coin, state->utilities,
                         config->equality_weight);
}

static void put(GtbState *state, int32_t agent, int32_t row, int32_t column)
{
    state->positions[agent][0] = (uint8_t)row;
    state->positions[agent][1] = (uint8_t)column;
    gtb_set(state->planes[GTB_OCCUPIED], row, column);
}

/* Any free tile from one row up to before another; check_config has seen that there are more of them than agents. */
static void drop(const GtbConfig *config, int32_t agent, int32_t first_row, int32_t last_row, GtbChance *chance,
                 GtbState *state)
{
    int32_t row, column;
    do {
        row = first_row + gtb_draw_below(chance, last_row - first_row);
        column = gtb_draw_below(chance, config->width);
    } while (!gtb_can_enter(config, state, agent, row, column));
    put(state, agent, row, column);
}

static double draw_skill(int32_t kind, double shape, const double *normal, GtbChance *chance)
{
    return kind == GTB_PARETO_SKILLS ? gtb_draw_pareto(chance, shape) : gtb_draw_lognormal(chance, normal[0], normal[1]);
}

static void draw_skills(const GtbConfig *config, GtbChance *chance, GtbState *state)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool is_drawn = config->build_skills != GTB_NO_SKILLS;
        double skill = is_drawn ? draw_skill(config->build_skills, BUILD_SHAPE, BUILD_NORMAL, chance) : 1;
        double factor = is_drawn ? fmin(config->max_skill, (config->max_skill - 1) * skill + 1) : 1;
        state->skills[i] = skill;
        state->payments[i] = factor * config->payment;
    }
    for (int32_t i = 0; i < config->num_agents && config->gather_skills != GTB_NO_SKILLS; i++) {
        double skill = draw_skill(config->gather_skills, GATHER_SHAPE, GATHER_NORMAL, chance);
        state->second_units[i] = fmin(MAX_GATHER_SKILL, skill) / MAX_GATHER_SKILL;
    }
}

static void assign_ranks(const GtbConfig *config, GtbChance *chance, GtbState *state)
{
    uint8_t order[GTB_MAX_AGENTS];
    gtb_draw_order(chance, config->num_agents, order);
    memset(state->planes[GTB_OCCUPIED], 0, sizeof state->planes[GTB_OCCUPIED]);
    for (int32_t k = 0; k < config->num_agents; k++) {
        /* The reference deals out corners to the worst paid first, sides of a split to the best paid first. */
        int32_t rank = config->starts == GTB_SPLIT_STARTS ? config->num_agents - 1 - k : k;
        state->payments[order[k]] = ((const double *)config->ranked_payments.data)[rank];
        if (config->starts == GTB_SPLIT_STARTS) {
            bool is_top = ((const uint8_t *)config->ranked_tops.data)[rank];
            drop(config, order[k], is_top ? 0 : config->split_row + 1, is_top ? config->split_row : config->height,
                 chance, state);
        } else {
            int32_t tile = ((const int32_t *)config->ranked_tiles.data)[rank];
            put(state, order[k], tile / config->width, tile % config->width);
        }
    }
}

static const GtbModel *choose_map(const AgoraContext *context, const AgoraRng *rng, GtbChance *chance)
{
    int32_t maps = num_maps(config_of(context));
    if (maps == 1)
        return model_of(context);
    /* With NumPy's chance the maps go round, because the reference would have drawn a new one. */
    return model_of(context) + (gtb_is_numpy(chance) ? (int32_t)(rng->episode % (uint64_t)maps) : gtb_draw_below(chance, maps));
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const GtbConfig *config = config_of(context);
    GtbState *state = state_bytes;
    if (config->numpy_streams.count > 0) {
        uint64_t rows = (uint64_t)(config->numpy_streams.count / GTB_NUMPY_WORDS);
        const int32_t *stream = (const int32_t *)config->numpy_streams.data + rng->episode % rows * GTB_NUMPY_WORDS;
        memcpy(state->numpy_stream, stream, sizeof state->numpy_stream);
    }
    GtbChance chance = gtb_chance(config, rng, state);
    const GtbModel *model = choose_map(context, rng, &chance);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        memcpy(state->planes[GTB_STONE_UNITS + resource], model->sources[resource], sizeof model->sources[resource]);
        memcpy(state->planes[GTB_STONE_SOURCES + resource], model->sources[resource], sizeof model->sources[resource]);
    }
    memcpy(state->planes[GTB_WATERS], model->waters, sizeof model->waters);
    bool is_scattered = config->starts == GTB_RANDOM_STARTS || gtb_is_numpy(&chance); /* there, even if ranks follow */
    for (int32_t i = 0; i < config->num_agents && is_scattered; i++)
        drop(config, i, 0, config->height, &chance, state);
    draw_skills(config, &chance, state);
    if (config->starts != GTB_RANDOM_STARTS)
        assign_ranks(config, &chance, state);
    tax_reset(&config->tax, rng->episode, &state->tax);
    for (int32_t i = 0; i < config->num_agents; i++) {
        state->coin[i] = state->tax.last_coin[i] = config->starting_coin;
        state->utilities[i] = utility_of(config, state, i);
    }
    state->welfare = welfare_of(config, state);
}

/* ---- step ---- */

static void build_all(const GtbConfig *config, const int32_t *actions, GtbChance *chance, GtbState *state)
{
    uint8_t order[GTB_MAX_AGENTS];
    if (gtb_is_numpy(chance)) /* nobody's house is in another's way, so the order means nothing; the draw does */
        gtb_draw_order(chance, config->num_agents, order);
    for (int32_t i = 0; i < config->num_agents; i++)
        if (actions[i] == BUILD && gtb_can_build(config, state, i))
            gtb_build(config, i, state);
}

static void trade_all(const GtbConfig *config, const int32_t *actions, GtbState *state)
{
    GtbOrder wishes[GTB_MAX_AGENTS];
    int32_t prices = gtb_num_prices(config);
    for (int32_t i = 0; i < config->num_agents; i++) {
        int32_t code = actions[i] - FIRST_ORDER, kind = code / prices;
        bool is_order = code >= 0 && kind < GTB_RESOURCES * GTB_SIDES;
        wishes[i] = is_order ? (GtbOrder){kind / GTB_SIDES, kind % GTB_SIDES, code % prices} : (GtbOrder){-1, 0, 0};
    }
    gtb_trade(config, wishes, state);
}

static void gather_all(const GtbConfig *config, const int32_t *actions, GtbChance *chance, GtbState *state)
{
    uint8_t order[GTB_MAX_AGENTS];
    int32_t first_move = gtb_num_actions(config) - 4;
    gtb_draw_order(chance, config->num_agents, order);
    for (int32_t k = 0; k < config->num_agents; k++) {
        int32_t action = actions[order[k]];
        gtb_gather(config, order[k], action >= first_move ? action - first_move : -1, chance, state);
    }
}

static void share_wealth(const GtbConfig *config, GtbState *state)
{
    double coin[GTB_MAX_AGENTS];
    for (int32_t i = 0; i < config->num_agents; i++)
        coin[i] = state->coin[i] + state->escrow_coin[i];
    double share = welfare_sum(coin, config->num_agents) / config->num_agents;
    for (int32_t i = 0; i < config->num_agents; i++)
        state->coin[i] = share - state->escrow_coin[i];
}

/* Keeps what adds up within the bounds of check_state, which only loaded states can reach. */
static void saturate(const GtbConfig *config, GtbState *state)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        state->coin[i] = fmin(state->coin[i], TAX_MAX_COIN);
        state->labor[i] = fmin(state->labor[i], TAX_MAX_COIN);
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
            if (state->units[i][resource] > GTB_MAX_COUNT)
                state->units[i][resource] = GTB_MAX_COUNT;
    }
    state->num_trades = state->num_trades > GTB_MAX_COUNT ? GTB_MAX_COUNT : state->num_trades;
    state->num_gathered = state->num_gathered > GTB_MAX_COUNT ? GTB_MAX_COUNT : state->num_gathered;
    state->trade_volume = fmin(state->trade_volume, TAX_MAX_COIN);
}

static void reward(const GtbConfig *config, GtbState *state, AgoraView *views, bool is_tax_day)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        double utility = utility_of(config, state, i);
        views[WORKERS].rewards[i] = (float)(utility - state->utilities[i]);
        state->utilities[i] = utility;
        views[WORKERS].infos[0][i] = is_tax_day ? (float)state->tax.last_incomes[i] : 0;
        views[WORKERS].infos[1][i] = is_tax_day ? (float)state->tax.last_taxes[i] : 0;
        views[WORKERS].infos[2][i] = is_tax_day ? (float)state->tax.last_marginal_rates[i] : 0;
    }
    double welfare = welfare_of(config, state);
    views[PLANNER].rewards[0] = (float)(welfare - state->welfare);
    views[PLANNER].infos[0][0] = is_tax_day;
    state->welfare = welfare;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const GtbConfig *config = config_of(context);
    GtbState *state = state_bytes;
    GtbChance chance = gtb_chance(config, rng, state);
    const int32_t *actions = views[WORKERS].actions;
    bool is_tax_day = state->tax.day == config->tax.period;
    build_all(config, actions, &chance, state);
    trade_all(config, actions, state);
    gather_all(config, actions, &chance, state);
    tax_play_day(&config->tax, config->num_agents, views[PLANNER].actions, gtb_draw_for_tax, &chance, state->coin,
                 state->escrow_coin, &state->tax);
    if (config->shares_wealth)
        share_wealth(config, state);
    gtb_regrow(config, &chance, state);
    saturate(config, state);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_over = state->timestep == config->horizon;
    reward(config, state, views, is_tax_day);
    for (int32_t g = 0; g < NUM_GROUPS; g++) {
        size_t agents = g == WORKERS ? (size_t)config->num_agents : 1;
        memset(views[g].terminations, 0, agents);
        memset(views[g].truncations, is_over, agents);
    }
    return is_over;
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    gtb_observe(config_of(context), state, &views[WORKERS], &views[PLANNER]);
}

/* ---- statistics ---- */

static const char *const STATISTIC_NAMES[] = {"productivity", "equality",     "equality_productivity", "houses",
                                              "trades",       "mean_price",   "gathered",              "mean_labor",
                                              "mean_utility", "taxes",        "welfare"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const GtbConfig *config = config_of(context);
    const GtbState *state = state_bytes;
    int32_t n = config->num_agents, houses = 0;
    double coin[GTB_MAX_AGENTS];
    for (int32_t i = 0; i < n; i++)
        coin[i] = state->coin[i] + state->escrow_coin[i];
    values[0] = welfare_sum(coin, n);
    values[1] = welfare_equality(coin, n);
    values[2] = values[0] * values[1];
    for (int32_t row = 0; row < config->height; row++)
        houses += __builtin_popcountll((uint64_t)state->planes[GTB_HOUSES][row]);
    values[3] = houses;
    values[4] = state->num_trades;
    values[5] = state->num_trades > 0 ? state->trade_volume / state->num_trades : 0;
    values[6] = state->num_gathered;
    values[7] = welfare_sum(state->labor, n) / n;
    values[8] = welfare_sum(state->utilities, n) / n;
    values[9] = state->tax.collected;
    values[10] = state->welfare;
}

const AgoraWorld agora_gather_trade_build = {
    .name = "gather_trade_build",
    .config_size = sizeof(GtbConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = gtb_check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(GtbState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = gtb_check_state,
    .num_statistics = sizeof STATISTIC_NAMES / sizeof STATISTIC_NAMES[0],
    .statistic_names = STATISTIC_NAMES,
    .statistics = statistics,
};
