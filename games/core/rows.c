#include "rows.h"

#include <string.h>

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

/* The last word of a row, which may overlap the one before it; shorter rows are filled up with zeros. */
static uint64_t last_word(const uint8_t *row, int64_t size)
{
    uint64_t word = 0;
    if (size >= 8)
        return word_at(row + size - 8);
    memcpy(&word, row, (size_t)size);
    return word;
}

/* Multilinear in the mixed words, with odd factors: no product waits for another. */
static uint64_t hash_row(const uint8_t *row, int64_t size)
{
    uint64_t sum = 0, factor = UINT64_C(0x9e3779b97f4a7c15);
    for (int64_t at = 0; at + 8 < size; at += 8) {
        uint64_t word = word_at(row + at);
        sum += (word ^ (word >> 29)) * factor;
        factor += UINT64_C(0xc2b2ae3d27d4eb4e);
    }
    uint64_t word = last_word(row, size);
    sum += (word ^ (word >> 29)) * factor;
    return (sum ^ (sum >> 32)) * UINT64_C(0xff51afd7ed558ccd) >> 20;
}

/* Looks for a row by its hash; returns its number, or -1 and the slot where it would stand. */
static int32_t look_up(const AgoraRows *known, const uint8_t *row, uint64_t hash, uint64_t *slot)
{
    uint64_t last = (uint64_t)known->num_slots - 1;
    *slot = hash & last;
    for (int64_t tries = 0; tries < known->num_slots; tries++) {
        int32_t number = known->slots[*slot];
        if (number < 0 || number >= known->num_rows)
            return AGORA_ROW_UNKNOWN;
        if (!memcmp(known->rows + number * known->size, row, (size_t)known->size))
            return number;
        *slot = (*slot + 1) & last;
    }
    return AGORA_ROW_UNKNOWN;
}

void agora_index_rows(AgoraRows *known)
{
    for (int64_t slot = 0; slot < known->num_slots; slot++)
        known->slots[slot] = AGORA_ROW_UNKNOWN;
    for (int64_t number = 0; number < known->num_rows; number++) {
        const uint8_t *row = known->rows + number * known->size;
        uint64_t slot;
        if (look_up(known, row, hash_row(row, known->size), &slot) < 0)
            known->slots[slot] = (int32_t)number;
    }
}

/* The only legal action, or -1; without branches on what is legal, which nobody can foresee. */
static int32_t only_action(const uint8_t *mask, int32_t num_actions)
{
    int32_t count = 0, some = 0;
    for (int32_t action = 0; action < num_actions; action++) {
        int32_t is_legal = mask[action] != 0;
        count += is_legal;
        some += is_legal * action;
    }
    return count == 1 ? some : -1;
}

/* Envs that are looked at together: first who decides, then the hashes, then the rows. Each of the loops has many
 * reads under way at a time, where one loop would wait for each. */
enum { BLOCK = 256 };

static int64_t find_block(const AgoraRows *known, const AgoraSeen *asked, int64_t first, int64_t end,
                          const int32_t *choices, int32_t *found)
{
    int64_t deciding[BLOCK], num_deciding = 0, unknown = 0;
    uint64_t hashes[BLOCK];
    for (int64_t i = first; i < end; i++) {
        int32_t only = -1;
        if (asked->masks)
            only = only_action(asked->masks + asked->envs[i] * asked->mask_stride, asked->num_actions);
        found[i] = choices ? only : AGORA_ROW_FORCED - only;
        deciding[num_deciding] = i;
        num_deciding += only < 0;
    }
    for (int64_t j = 0; j < num_deciding; j++)
        hashes[j] = hash_row(asked->seen + asked->envs[deciding[j]] * asked->seen_stride, known->size);
    for (int64_t j = 0; j < num_deciding; j++) {
        uint64_t slot;
        const uint8_t *row = asked->seen + asked->envs[deciding[j]] * asked->seen_stride;
        int32_t number = look_up(known, row, hashes[j], &slot);
        found[deciding[j]] = choices && number >= 0 ? choices[number] : number;
        unknown += number == AGORA_ROW_UNKNOWN;
    }
    return unknown;
}

int64_t agora_find_rows(const AgoraRows *known, const AgoraSeen *asked, const int32_t *choices, int32_t *found)
{
    int64_t unknown = 0;
    for (int64_t first = 0; first < asked->num_envs; first += BLOCK) {
        int64_t end = first + BLOCK < asked->num_envs ? first + BLOCK : asked->num_envs;
        unknown += find_block(known, asked, first, end, choices, found);
    }
    return unknown;
}
