/* What agents see: a list of the nearest vehicles, or a grid round their own. */
#ifndef AGORA_DRIVING_OBSERVATION_H
#define AGORA_DRIVING_OBSERVATION_H

#include "road.h"

/* The shape of one agent's observation; returns its rank. */
int32_t observation_shape(const DrivingConfig *config, int32_t shape[AGORA_MAX_RANK]);

/* Whether every number lies in [-1, 1]. */
bool observation_is_bounded(const DrivingConfig *config);

/* Writes the observation of an agent whose vehicle is on the road. `cells`: as many floats as the observation has. */
void observation_write(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t agent,
                       float *cells);

#endif
