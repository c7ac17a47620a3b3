/* What an agent gets for a step, by its scene. */
#ifndef AGORA_DRIVING_REWARD_H
#define AGORA_DRIVING_REWARD_H

#include "traffic.h"

bool reward_has_arrived(const Traffic *traffic, int32_t vehicle);

/* `move`: what the agent chose; DRIVING_IDLE for continuous actions. */
double reward_of(const Traffic *traffic, int32_t agent, DrivingMove move);

/* To whoever is ahead on the same lane, bumper to bumper; at most DRIVING_MAX_TIME_S, which stands for never too. */
typedef struct Risk {
    double time_gap, time_to_collision; /* s */
} Risk;

/* Queues must be those of the present positions, or none. */
Risk reward_risk(Traffic *traffic, int32_t vehicle);

#endif
