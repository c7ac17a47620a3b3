/* Equations of motion, integrated. */
#ifndef AGORA_CONTROL_PHYSICS_H
#define AGORA_CONTROL_PHYSICS_H

#include "control.h"

#define CONTROL_GRAVITY 9.81
#define CONTROL_PI 3.14159265358979323846

/* The point mass: a square box, a wall with a gap along y = 0, wind just below it. */
#define CONTROL_BOX 2.0      /* m from the middle to each side */
#define CONTROL_HALF_GAP 0.5 /* m */
#define CONTROL_WIND_FROM -1.0
#define CONTROL_WIND_TO 0.0
#define CONTROL_GOAL_Y 1.5 /* the goal is at (0, 1.5) */

/* How many coordinates the body has. */
int32_t control_num_coordinates(int32_t task);

/* Moves a body by `substeps` steps under state->controls and state->forces. */
void control_advance(const ControlConfig *config, ControlState *state);

/* Distance from the tip of the acrobot to where it is when upright, m. */
double control_tip_distance(const ControlState *state);

#endif
