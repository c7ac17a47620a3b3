/* Vehicles that come onto the road and leave it. */
#ifndef AGORA_DRIVING_ROSTER_H
#define AGORA_DRIVING_ROSTER_H

#include "road.h"

/* Puts a vehicle at the end of the list, on the nearest lane, which it keeps at its speed. Returns its index; there must
 * be room. */
int32_t roster_add(DrivingState *state, const DrivingConfig *config, const Road *road, DrivingKind kind,
                   const double position[2], double heading, double speed);

/* The same in the middle of a lane. */
int32_t roster_add_on(DrivingState *state, const DrivingConfig *config, const Road *road, DrivingKind kind, int32_t lane,
                      double along, double speed);

/* Lets agent `agent` drive the vehicle that is added next: its kind, and the agent's own entries. */
DrivingKind roster_kind(const DrivingConfig *config);
void roster_seat(DrivingState *state, const Road *road, int32_t agent, int32_t vehicle);

void roster_remove(DrivingState *state, const DrivingConfig *config, int32_t vehicle);

bool roster_is_full(const DrivingState *state, const DrivingConfig *config);

#endif
