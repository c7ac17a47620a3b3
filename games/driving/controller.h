/* How a vehicle keeps to a lane and to a speed, and what an agent's meta actions do. */
#ifndef AGORA_DRIVING_CONTROLLER_H
#define AGORA_DRIVING_CONTROLLER_H

#include "traffic.h"

/* Near the end of its target lane a vehicle turns to the next one. */
void controller_follow_road(Traffic *traffic, int32_t vehicle);

/* Of the steering that leads to the middle of the target lane. */
Slip controller_steer(const Traffic *traffic, int32_t vehicle);

/* Follows road, lane and speed: a piloted vehicle in every frame. */
void controller_act(Traffic *traffic, int32_t vehicle);

/* An agent's choice, taken before the first frame of a step. */
void controller_choose(Traffic *traffic, int32_t vehicle, DrivingMove move);
void controller_set(Traffic *traffic, int32_t vehicle, float throttle, float steering);

/* The target speed nearest to a speed, half to even. */
int32_t controller_speed_index(const DrivingConfig *config, double speed);

#endif
