/* Players whose numbers of actions may differ: one group where all have as many, else a group each. */
#ifndef AGORA_SEATS_H
#define AGORA_SEATS_H

#include "game.h"

#include <string.h>

enum { AGORA_MAX_SEATS = AGORA_MAX_GROUPS };

typedef struct AgoraSeats {
    int32_t num_players, is_one_group;
    int32_t num_choices; /* actions of all players together */
    int32_t num_actions[AGORA_MAX_SEATS];
    int32_t first_flags[AGORA_MAX_SEATS]; /* where a player's flags begin in those of all actions */
} AgoraSeats;

/* From each player's number of actions, int32 [P], 1 to AGORA_MAX_SEATS players. */
static inline AgoraSeats agora_seat_players(const AgoraSpan *num_actions)
{
    AgoraSeats seats = {.num_players = (int32_t)num_actions->count, .is_one_group = 1};
    for (int32_t i = 0; i < seats.num_players; i++) {
        seats.num_actions[i] = ((const int32_t *)num_actions->data)[i];
        seats.is_one_group &= seats.num_actions[i] == seats.num_actions[0];
        seats.first_flags[i] = seats.num_choices;
        seats.num_choices += seats.num_actions[i];
    }
    return seats;
}

/* Fills `out` with groups that are like the given one but for names, agents and actions; returns how many. */
static inline int32_t agora_seat_groups(const AgoraSeats *seats, const AgoraGroup *like, AgoraGroup *out)
{
    int32_t num_groups = seats->is_one_group ? 1 : seats->num_players;
    for (int32_t i = 0; i < num_groups; i++) {
        out[i] = *like;
        memcpy(out[i].name, seats->is_one_group ? "players" : "player_", 8);
        if (!seats->is_one_group)
            out[i].name[7] = (char)('0' + i);
        memcpy(out[i].agent_name, "player", 7);
        out[i].first_agent = i;
        out[i].num_agents = seats->is_one_group ? seats->num_players : 1;
        out[i].action_kind = AGORA_DISCRETE;
        out[i].action_parts = 1;
        out[i].choices[0] = seats->num_actions[i];
    }
    return num_groups;
}

/* Where a player's row lies: its group's view, and its index there. */
static inline AgoraView *agora_seat_view(const AgoraSeats *seats, AgoraView *views, int32_t player, int32_t *index)
{
    *index = seats->is_one_group ? player : 0;
    return seats->is_one_group ? views : views + player;
}

#endif
