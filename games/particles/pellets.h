/* What EPC's three worlds share: pellets of food in a box, teams, rewards that a team may share, one view of it all.
 * Long et al. 2020 (EPC), mpe_local/multiagent/scenarios/; README.md has the tables. */
#ifndef AGORA_PARTICLES_PELLETS_H
#define AGORA_PARTICLES_PELLETS_H

#include "scenario.h"

/* What an agent or a team gains by events of a step. */
typedef struct ParticlesGains {
    double own[PARTICLES_MAX_AGENTS], together[PARTICLES_MAX_CASTS];
} ParticlesGains;

/* `least_adversaries`: 1 where there are two teams, else 0. */
bool particles_check_pellets(const ParticlesConfig *config, int32_t least_adversaries, AgoraError *error);

/* After the casts: adds num_food pellets, or as many as agents where that is 0, and the box; fills the casts' features. */
void particles_add_pellets(const ParticlesConfig *config, ParticlesModel *model);

/* For `start`: takes away the pellets that a smaller population has not. */
void particles_match_pellets(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state);

/* Adds a gain of an agent of a cast. */
static inline void particles_gain(ParticlesGains *gains, int32_t cast, int32_t agent, double value)
{
    gains->own[agent] += value;
    gains->together[cast] += value;
}

/* What an agent gets: its own gains by `local_ratio`, its team's by the rest. */
static inline double particles_share(const ParticlesConfig *config, const ParticlesGains *gains, int32_t cast, int32_t agent)
{
    return config->local_ratio * gains->own[agent] + (1 - config->local_ratio) * gains->together[cast];
}

/* Distance to the nearest pellet. */
double particles_nearest_pellet(const ParticlesModel *model, const ParticlesState *state, int32_t agent);

/* Gives `value` to each present agent of a cast for each pellet that it touches, and marks those pellets. */
void particles_eat(const ParticlesModel *model, const ParticlesState *state, int32_t cast, double value,
                   ParticlesGains *gains, bool *eaten);

/* Puts eaten pellets somewhere else. `eaten` [num_landmarks]. */
void particles_regrow(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state, const bool *eaten);

void particles_observe_pellets(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                               int32_t cast, int32_t agent, float *features);

#endif
