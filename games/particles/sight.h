/* Pieces of observations. Each writes its numbers and returns the place behind them. */
#ifndef AGORA_PARTICLES_SIGHT_H
#define AGORA_PARTICLES_SIGHT_H

#include "particles.h"

enum { PARTICLES_SEE_ALL = 0 }; /* as a number of neighbors */

float *particles_put_numbers(const float *numbers, int32_t count, float *features);
float *particles_put_velocity(const ParticlesState *state, int32_t agent, float *features);
float *particles_put_position(const ParticlesState *state, int32_t agent, float *features);

/* Position of one entity minus the agent's. */
float *particles_put_offset(const ParticlesState *state, int32_t agent, int32_t entity, float *features);

/* Entities of [first, end) other than the agent, seen from it. With PARTICLES_SEE_ALL in their order; otherwise the
 * nearest `neighbors`, nearest first. Absent entities and empty places show zeros. `seen` gets the entity at each place
 * (-1: nobody), for further numbers in the same order; returns how many places there are. */
int32_t particles_look(const ParticlesState *state, int32_t agent, int32_t first, int32_t end, int32_t neighbors,
                       int32_t seen[PARTICLES_MAX_ENTITIES]);
float *particles_put_offsets(const ParticlesState *state, int32_t agent, const int32_t *seen, int32_t places,
                             float *features);

/* 1 where somebody is, else 0. */
float *particles_put_presence(const int32_t *seen, int32_t places, float *features);

#endif
