/* Right of way at an intersection: of two vehicles whose ways would cross, one yields. */
#ifndef AGORA_DRIVING_REGULATION_H
#define AGORA_DRIVING_REGULATION_H

#include "traffic.h"

/* Called in every frame before vehicles move; acts twice a second. */
void regulation_enforce(Traffic *traffic);

#endif
