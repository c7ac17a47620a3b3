/* Who drives the traffic: the Intelligent Driver Model along the lane (Treiber, Hennecke, Helbing 2000) and MOBIL between
 * lanes (Kesting, Treiber, Helbing 2007), as the reference has them.
 */
#ifndef AGORA_DRIVING_DRIVER_H
#define AGORA_DRIVING_DRIVER_H

#include "traffic.h"

/* What every vehicle would accelerate with nobody ahead. */
void driver_find_free_accelerations(Traffic *traffic);

void driver_act(Traffic *traffic, int32_t vehicle);

#endif
