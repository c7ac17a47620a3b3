#include "cases.h"
#include "check.h"
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#ifdef AGORA_SANITIZED
enum { TRIED = 2000, TURN_STRIDE = 21 }; /* sanitizers take ten times as long */
#else
enum { TRIED = 12000, TURN_STRIDE = 7 };
#endif
enum { NUM_ENVS = 5, SEED = 3, HEADER_SIZE = 32, FORGERIES = 400 };

static const AgoraAutoreset MODES[] = {AGORA_SAME_STEP, AGORA_NEXT_STEP};

static Rig *start(const Case *one, AgoraAutoreset autoreset, int32_t num_threads)
{
    Rig *rig = rig_create(one->world, one->config, NUM_ENVS, num_threads, autoreset);
    agora_batch_seed(rig->batch, SEED, 0);
    agora_batch_reset(rig->batch, NULL);
    return rig;
}

static unsigned char *take_snapshot(const Rig *rig, int32_t env, size_t *size)
{
    *size = agora_batch_snapshot_size(rig->batch);
    unsigned char *bytes = malloc(*size);
    if (!bytes)
        abort();
    agora_batch_snapshot(rig->batch, env, bytes);
    return bytes;
}

static int check_replay(const Case *one, AgoraAutoreset autoreset, uint64_t turn)
{
    uint64_t warm_up[NUM_ENVS] = {0}, expected[NUM_ENVS] = {0}, again[NUM_ENVS] = {0}, elsewhere[NUM_ENVS] = {0};
    unsigned char *snapshots[NUM_ENVS];
    size_t size;
    AgoraError error;
    Rig *rig = start(one, autoreset, 1), *other = start(one, autoreset, 3);
    rig_run(rig, 0, 0, turn, warm_up);
    for (int32_t e = 0; e < NUM_ENVS; e++)
        snapshots[e] = take_snapshot(rig, e, &size);
    rig_run(rig, 0, turn, 60, expected);
    for (int32_t e = 0; e < NUM_ENVS; e++) {
        CHECK(agora_batch_restore(rig->batch, e, snapshots[e], size, &error));
        CHECK(agora_batch_restore(other->batch, e, snapshots[e], size, &error));
    }
    rig_run(rig, 0, turn, 60, again);
    rig_run(other, 0, turn, 60, elsewhere);
    CHECK(memcmp(again, expected, sizeof expected) == 0);
    CHECK(memcmp(elsewhere, expected, sizeof expected) == 0);
    for (int32_t e = 0; e < NUM_ENVS; e++)
        free(snapshots[e]);
    rig_destroy(rig);
    rig_destroy(other);
    return 0;
}

static int test_a_restored_env_goes_on_exactly_as_it_did(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++)
        for (int m = 0; m < 2; m++)
            for (uint64_t turn = 0; turn < 60; turn += TURN_STRIDE)
                CHECK(check_replay(&CASES[c], MODES[m], turn) == 0);
    return 0;
}

static int test_a_snapshot_of_a_restored_env_has_the_same_bytes(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        uint64_t hashes[NUM_ENVS] = {0};
        size_t size;
        AgoraError error;
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP, 1);
        rig_run(rig, 0, 0, 21, hashes);
        unsigned char *bytes = take_snapshot(rig, 2, &size);
        CHECK(agora_batch_restore(rig->batch, 4, bytes, size, &error));
        unsigned char *copy = take_snapshot(rig, 4, &size);
        CHECK(memcmp(bytes, copy, size) == 0);
        free(bytes);
        free(copy);
        rig_destroy(rig);
    }
    return 0;
}

/* Of large states only so many bytes are tried, evenly spread; odd, so that they fall on all places of a word. */
static size_t stride_of(size_t size) { return size / TRIED | 1; }

static int test_every_damaged_byte_and_every_wrong_size_is_refused(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        size_t size;
        AgoraError error;
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP, 1);
        rig_step(rig, 0, 0);
        unsigned char *bytes = take_snapshot(rig, 0, &size);
        uint64_t before = rig_hash_env(rig, 1, 0);
        for (size_t i = 0; i < size; i += i < HEADER_SIZE ? 1 : stride_of(size)) {
            bytes[i] ^= (unsigned char)(1u << (i % 8));
            CHECK(!agora_batch_restore(rig->batch, 1, bytes, size, &error));
            bytes[i] ^= (unsigned char)(1u << (i % 8));
        }
        for (size_t wrong = 0; wrong < size; wrong += stride_of(size))
            CHECK(!agora_batch_restore(rig->batch, 1, bytes, wrong, &error));
        CHECK(rig_hash_env(rig, 1, 0) == before);
        CHECK(agora_batch_restore(rig->batch, 1, bytes, size, &error));
        free(bytes);
        rig_destroy(rig);
    }
    return 0;
}

/* Makes the checksum right again: FNV-1a from the world's fingerprint over what follows the header, whose words are
 * magic, size, fingerprint and checksum. */
static void forge_checksum(unsigned char *bytes, size_t size)
{
    uint64_t hash;
    memcpy(&hash, bytes + 16, sizeof hash);
    for (size_t i = HEADER_SIZE; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    memcpy(bytes + 24, &hash, sizeof hash);
}

/* Overwrites a few bytes: whole words with extreme values, or single bytes. */
static void damage(AgoraRng *rng, unsigned char *bytes, size_t size)
{
    static const unsigned char EXTREMES[] = {0x00, 0xFF, 0x7F, 0x80, 0x01};
    uint32_t body = (uint32_t)(size - HEADER_SIZE);
    for (uint32_t i = 0, count = 1 + agora_draw_below(rng, 3); i < count; i++) {
        uint32_t at = agora_draw_below(rng, body), width = 1u << agora_draw_below(rng, 4);
        unsigned char low = EXTREMES[agora_draw_below(rng, 5)], high = EXTREMES[agora_draw_below(rng, 5)];
        at -= at % width;
        for (uint32_t k = at; k < at + width && k < body; k++)
            bytes[HEADER_SIZE + k] = k + 1 == at + width ? high : low;
    }
    forge_checksum(bytes, size);
}

/* Steps a few times from a state that was let in: no crash, and only valid states follow. */
static int check_harmless(Rig *rig, int32_t env)
{
    AgoraError error = {""};
    for (uint64_t t = 0; t < 4; t++) {
        rig_choose(rig, 0, t);
        if (agora_batch_step(rig->batch, &error) < 0) {
            CHECK(strstr(error.text, "has no episode yet"));
            return 0;
        }
        CHECK(rig->world->check_state(agora_batch_context(rig->batch), agora_batch_state(rig->batch, env), &error));
    }
    return 0;
}

static int test_forged_snapshots_are_refused_or_harmless(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        int32_t num_refused = 0;
        AgoraRng rng = {.seed = 11, .stream = (uint64_t)c};
        Rig *rig = start(&CASES[c], AGORA_NEXT_STEP, 1);
        for (int32_t i = 0; i < FORGERIES; i++) {
            size_t size;
            AgoraError error;
            uint64_t hashes[NUM_ENVS] = {0}, before = rig_hash_env(rig, 1, 0);
            unsigned char *bytes = take_snapshot(rig, 0, &size);
            damage(&rng, bytes, size);
            bool is_refused = !agora_batch_restore(rig->batch, 1, bytes, size, &error);
            free(bytes);
            num_refused += is_refused;
            CHECK(is_refused ? rig_hash_env(rig, 1, 0) == before : check_harmless(rig, 1) == 0);
            agora_batch_reset(rig->batch, (uint8_t[NUM_ENVS]){0, 1});
            rig_run(rig, 0, (uint64_t)i, 2, hashes);
        }
        CHECK(num_refused > 0);
        rig_destroy(rig);
    }
    return 0;
}

static int test_snapshots_of_another_config_are_refused(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++)
        for (int32_t d = 0; d < NUM_CASES; d++) {
            size_t size;
            AgoraError error;
            Rig *from = start(&CASES[c], AGORA_SAME_STEP, 1), *to = start(&CASES[d], AGORA_SAME_STEP, 1);
            unsigned char *bytes = take_snapshot(from, 0, &size);
            CHECK(agora_batch_restore(to->batch, 0, bytes, size, &error) == (c == d));
            free(bytes);
            rig_destroy(from);
            rig_destroy(to);
        }
    return 0;
}

static int test_an_env_without_an_episode_can_be_saved_too(void)
{
    size_t size;
    AgoraError error;
    Rig *fresh = rig_create(CASES[0].world, CASES[0].config, NUM_ENVS, 1, AGORA_SAME_STEP);
    unsigned char *bytes = take_snapshot(fresh, 0, &size);
    Rig *rig = start(&CASES[0], AGORA_SAME_STEP, 1);
    CHECK(agora_batch_restore(rig->batch, 3, bytes, size, &error));
    CHECK(agora_batch_step(rig->batch, &error) == -1);
    free(bytes);
    rig_destroy(fresh);
    rig_destroy(rig);
    return 0;
}

int main(void)
{
    RUN(test_a_restored_env_goes_on_exactly_as_it_did);
    RUN(test_a_snapshot_of_a_restored_env_has_the_same_bytes);
    RUN(test_every_damaged_byte_and_every_wrong_size_is_refused);
    RUN(test_forged_snapshots_are_refused_or_harmless);
    RUN(test_snapshots_of_another_config_are_refused);
    RUN(test_an_env_without_an_episode_can_be_saved_too);
    return NUM_FAILED;
}
