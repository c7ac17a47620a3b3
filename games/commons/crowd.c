#include "crowd.h"

#include <string.h>

void crowd_find(const CommonsConfig *config, const Ground *ground, const CommonsState *state, Crowd *crowd)
{
    memset(crowd->at, 0, (size_t)ground->num_cells);
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool is_out = state->positions[i][0] == COMMONS_NOWHERE;
        crowd->cells[i] = is_out ? -1 : state->positions[i][1] * config->width + state->positions[i][0];
        if (!is_out)
            crowd->at[crowd->cells[i]] = (uint8_t)(i + 1);
    }
}

/* ---- walking ---- */

/* Where everybody wants to be; their own cell for who stays. */
typedef struct Wishes {
    int32_t cells[COMMONS_MAX_AGENTS];
    int32_t movers[COMMONS_MAX_AGENTS], num_movers; /* who wants to be elsewhere */
} Wishes;

static void turn_and_wish(const CommonsConfig *config, const Ground *ground, CommonsState *state,
                          const int32_t *actions, const Crowd *crowd, Wishes *wishes)
{
    static const int8_t QUARTERS[4] = {3, 1, 0, 2}; /* left, right, forward, backward, clockwise from ahead */
    int32_t steps[4] = {-config->width, 1, config->width, -1};
    wishes->num_movers = 0;
    for (int32_t i = 0; i < config->num_agents; i++) {
        wishes->cells[i] = crowd->cells[i];
        if (crowd->cells[i] < 0)
            continue;
        int32_t turn = actions[i] == COMMONS_TURN_RIGHT ? 1 : actions[i] == COMMONS_TURN_LEFT ? 3 : 0;
        state->orientations[i] = (state->orientations[i] + turn) & 3;
        if (actions[i] > COMMONS_BACKWARD)
            continue;
        int32_t target = crowd->cells[i] + steps[(state->orientations[i] + QUARTERS[actions[i]]) & 3];
        if (ground->looks[target] == GROUND_WALL)
            continue;
        wishes->cells[i] = target;
        wishes->movers[wishes->num_movers++] = i;
    }
}

static void forget(const Crowd *crowd, Wishes *wishes, int32_t place)
{
    int32_t agent = wishes->movers[place];
    wishes->cells[agent] = crowd->cells[agent];
    wishes->movers[place] = wishes->movers[--wishes->num_movers];
}

static void forbid_swaps(const Crowd *crowd, Wishes *wishes)
{
    bool is_swap[COMMONS_MAX_AGENTS] = {false};
    for (int32_t place = 0; place < wishes->num_movers; place++) {
        int32_t agent = wishes->movers[place], there = crowd->at[wishes->cells[agent]] - 1;
        is_swap[agent] = there >= 0 && wishes->cells[there] == crowd->cells[agent];
    }
    for (int32_t place = wishes->num_movers - 1; place >= 0; place--)
        if (is_swap[wishes->movers[place]])
            forget(crowd, wishes, place);
}

/* Nobody walks into an agent that stays. */
static void forbid_collisions(const Crowd *crowd, Wishes *wishes)
{
    bool has_changed = true;
    while (has_changed) {
        has_changed = false;
        for (int32_t place = wishes->num_movers - 1; place >= 0; place--) {
            int32_t there = crowd->at[wishes->cells[wishes->movers[place]]] - 1;
            if (there >= 0 && wishes->cells[there] == crowd->cells[there]) {
                forget(crowd, wishes, place);
                has_changed = true;
            }
        }
    }
}

/* Finds a cell that several want, lets one of them have it, and says whether there was one. */
static bool settle_one_contest(const Crowd *crowd, Wishes *wishes, AgoraRng *rng)
{
    for (int32_t first = 0; first < wishes->num_movers; first++) {
        int32_t cell = wishes->cells[wishes->movers[first]], rivals = 0;
        for (int32_t place = first; place < wishes->num_movers; place++)
            rivals += wishes->cells[wishes->movers[place]] == cell;
        if (rivals == 1)
            continue;
        int32_t winner = (int32_t)agora_draw_below(rng, (uint32_t)rivals);
        for (int32_t place = wishes->num_movers - 1; place >= first; place--)
            if (wishes->cells[wishes->movers[place]] == cell && winner-- != 0)
                forget(crowd, wishes, place);
        return true;
    }
    return false;
}

void crowd_walk(const CommonsConfig *config, const Ground *ground, CommonsState *state, const int32_t *actions,
                AgoraRng *rng, Crowd *crowd)
{
    Wishes wishes;
    turn_and_wish(config, ground, state, actions, crowd, &wishes);
    forbid_swaps(crowd, &wishes);
    do
        forbid_collisions(crowd, &wishes);
    while (settle_one_contest(crowd, &wishes, rng));
    for (int32_t place = 0; place < wishes.num_movers; place++)
        crowd->at[crowd->cells[wishes.movers[place]]] = 0;
    for (int32_t place = 0; place < wishes.num_movers; place++) {
        int32_t agent = wishes.movers[place], cell = wishes.cells[agent];
        crowd->cells[agent] = cell;
        crowd->at[cell] = (uint8_t)(agent + 1);
        state->positions[agent][0] = (uint8_t)(cell % config->width);
        state->positions[agent][1] = (uint8_t)(cell / config->width);
    }
}

/* ---- beams ---- */

/* Follows one ray from its first cell on; returns the cell of waste that it cleans, or -1. */
static int32_t follow_ray(const CommonsConfig *config, const Ground *ground, CommonsState *state, const Crowd *crowd,
                          int32_t cell, int32_t step, bool is_cleaning, Volley *volley)
{
    for (int32_t k = 0; k < config->beam_length && ground->looks[cell] != GROUND_WALL; k++, cell += step) {
        state->items[cell] |= is_cleaning ? COMMONS_CLEANED : COMMONS_FIRED;
        if (crowd->at[cell] && !is_cleaning)
            volley->hits[crowd->at[cell] - 1]++;
        if (is_cleaning && state->items[cell] & COMMONS_WASTE)
            return cell;
        if (crowd->at[cell])
            return -1;
    }
    return -1;
}

/* The middle ray begins ahead of the agent, the others beside it, outwards as far as there is no wall. */
static void fire(const CommonsConfig *config, const Ground *ground, CommonsState *state, const Crowd *crowd,
                 int32_t agent, bool is_cleaning, Volley *volley, uint16_t dirty[])
{
    int32_t steps[4] = {-config->width, 1, config->width, -1}, orientation = state->orientations[agent];
    int32_t ahead = steps[orientation], right = steps[(orientation + 1) & 3], here = crowd->cells[agent];
    int32_t rays[COMMONS_MAX_BEAM_WIDTH], num_rays = 0;
    rays[num_rays++] = here + ahead;
    for (int32_t side = -1; side <= 1; side += 2)
        for (int32_t k = 1; k <= config->beam_width / 2; k++) {
            int32_t cell = here + side * k * right;
            if (ground->looks[cell] == GROUND_WALL)
                break;
            rays[num_rays++] = cell;
        }
    for (int32_t ray = 0; ray < num_rays; ray++) {
        int32_t cell = follow_ray(config, ground, state, crowd, rays[ray], ahead, is_cleaning, volley);
        if (cell >= 0)
            dirty[volley->cleaned[agent]++] = (uint16_t)cell;
    }
}

void volley_fire(const CommonsConfig *config, const Ground *ground, CommonsState *state, const int32_t *actions,
                 const Crowd *crowd, Volley *volley)
{
    memset(volley, 0, sizeof *volley);
    uint16_t dirty[COMMONS_MAX_AGENTS][COMMONS_MAX_BEAM_WIDTH];
    for (int32_t i = 0; i < config->num_agents; i++)
        if (actions[i] >= COMMONS_FIRE && crowd->cells[i] >= 0)
            fire(config, ground, state, crowd, i, actions[i] == COMMONS_CLEAN, volley, dirty[i]);
    for (int32_t i = 0; i < config->num_agents; i++)
        for (int32_t k = 0; k < volley->cleaned[i]; k++)
            state->items[dirty[i][k]] &= (uint8_t)~COMMONS_WASTE;
}
