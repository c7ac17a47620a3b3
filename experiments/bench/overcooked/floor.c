/* What any engine must pay that shows these observations: the memory of a batch written once. */
#include <stdint.h>
#include <string.h>

/* Zeroes the observations of `envs` envs, `size` bytes each. */
void floor_memset(uint8_t *observations, int64_t envs, int64_t size)
{
    for (int64_t e = 0; e < envs; e++)
        memset(observations + e * size, 0, (size_t)size);
}

/* Copies a template into every env, then writes two dozen bytes at places that differ from env to env. */
void floor_template(uint8_t *observations, const uint8_t *template, const int32_t *places, int64_t envs, int64_t size)
{
    for (int64_t e = 0; e < envs; e++) {
        uint8_t *own = observations + e * size;
        memcpy(own, template, (size_t)size);
        for (int64_t i = 0; i < 24; i++)
            own[places[e * 24 + i]] = 1;
    }
}
