/* One vehicle as a body: the kinematic bicycle, and boxes that collide. */
#ifndef AGORA_DRIVING_VEHICLE_H
#define AGORA_DRIVING_VEHICLE_H

#include "traffic.h"

#define VEHICLE_LENGTH 5.0    /* m, as in the reference, and the next three */
#define VEHICLE_WIDTH 2.0     /* m */
#define VEHICLE_MAX_SPEED 40.0 /* m/s; faster vehicles, of either direction, slow down */
#define OBSTACLE_SIDE 2.0     /* m */

/* Moves one vehicle by one frame and finds its lane. */
void vehicle_step(Traffic *traffic, int32_t vehicle);

/* A box that moves on a straight line during a frame. */
typedef struct Box {
    double x, y, half_length, half_width;
    Direction direction;
    double shift[2]; /* m per frame */
} Box;

typedef struct Contact {
    bool is_now, is_soon; /* they overlap; they will before the frame is over */
    double push[2];       /* the shortest way out for the first of them, m; where is_soon */
} Contact;

Contact boxes_meet(const Box *a, const Box *b);

/* All collisions of a frame, in the order of the reference. */
void vehicles_collide(Traffic *traffic);

#endif
