/* How discs move: controls, contact, damping, the speed limit. mpe2 1.1.1's _mpe_utils/core.py, in double.
 *
 * Two discs that both collide push each other apart along the line of their centres with the force
 *   100 * k * log(1 + exp(-(distance - radii) / k)),  k = 0.001,
 * soft at the touch, and 0 from 0.11 beyond it, where it would be below 2e-49. Discs in exactly the same place do not push each
 * other (mpe2 divides 0 by 0 there). The force on a body is multiplied by the other's weight over its own (MAAC's masses;
 * 1 in mpe2). Then position += velocity * dt, velocity = 0.75 * velocity + force / mass * dt, and a velocity beyond the
 * speed limit is scaled back to it.
 */
#ifndef AGORA_PARTICLES_PHYSICS_H
#define AGORA_PARTICLES_PHYSICS_H

#include "particles.h"

/* Moves the present agents of movable casts by one step of 0.1 s.
 * `forces` [num_agents] holds the agents' controls; contact forces are added to it. */
void particles_move(const ParticlesConfig *config, const ParticlesModel *model, ParticlesState *state,
                    double forces[][2]);

#endif
