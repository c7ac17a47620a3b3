/* Rows that are found by their bytes: what a player who plays by a table needs once a step.
 *
 * The index is an open-addressing table of numbers of rows, -1 where it is empty. Its size is a power of two, at least
 * twice the number of rows. Of equal rows the first is found.
 */
#ifndef AGORA_ROWS_H
#define AGORA_ROWS_H

#include <stdint.h>

/* S rows of `size` bytes each, one after the other, and their index. */
typedef struct AgoraRows {
    const uint8_t *rows;
    int64_t num_rows;
    int64_t size;
    int32_t *slots;
    int64_t num_slots;
} AgoraRows;

/* Fills the slots. */
void agora_index_rows(AgoraRows *known);

enum { AGORA_ROW_UNKNOWN = -1, AGORA_ROW_FORCED = -2 };

/* What an agent sees and may do in some envs. `seen` and `masks` point to its part in env 0, and the strides lead from
 * env to env; `masks` may be NULL. */
typedef struct AgoraSeen {
    const uint8_t *seen;
    int64_t seen_stride;
    const uint8_t *masks;
    int64_t mask_stride;
    int32_t num_actions;
    const int64_t *envs;
    int64_t num_envs;
} AgoraSeen;

/* Writes for each env the number of the row that it shows, AGORA_ROW_UNKNOWN where there is none, or
 * AGORA_ROW_FORCED - a where `a` is the only legal action. With choices [S], not NULL: in place of a number the choice
 * beside the row, in place of AGORA_ROW_FORCED - a plain `a`. Returns how many are unknown. */
int64_t agora_find_rows(const AgoraRows *known, const AgoraSeen *asked, const int32_t *choices, int32_t *found);

#endif
