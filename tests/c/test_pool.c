#include "check.h"
#include "pool.h"

#include <stdint.h>
#include <string.h>

enum { MAX_ITEMS = 100, MAX_THREADS = 9 };

typedef struct Tally {
    int32_t visits[MAX_ITEMS];
    int32_t begins[MAX_ITEMS]; /* start of the range that the item was visited in */
} Tally;

static void visit(void *argument, int32_t begin, int32_t end)
{
    Tally *tally = argument;
    for (int32_t i = begin; i < end; i++) {
        tally->visits[i]++;
        tally->begins[i] = begin;
    }
}

static int test_each_item_is_visited_once_in_its_fixed_range(void)
{
    for (int32_t threads = 1; threads <= MAX_THREADS; threads++) {
        AgoraPool *pool = agora_pool_create(threads);
        CHECK(pool);
        for (int32_t count = 0; count <= MAX_ITEMS; count++) {
            Tally tally = {0};
            agora_pool_run(pool, visit, &tally, count);
            for (int32_t worker = 0; worker < threads; worker++)
                for (int32_t i = count * worker / threads; i < count * (worker + 1) / threads; i++)
                    CHECK(tally.visits[i] == 1 && tally.begins[i] == count * worker / threads);
            for (int32_t i = count; i < MAX_ITEMS; i++)
                CHECK(tally.visits[i] == 0);
        }
        agora_pool_destroy(pool);
    }
    return 0;
}

static int test_rounds_follow_each_other_without_losing_work(void)
{
    enum { ROUNDS = 3000 };
    AgoraPool *pool = agora_pool_create(3);
    Tally tally = {0};
    CHECK(pool);
    for (int round = 0; round < ROUNDS; round++)
        agora_pool_run(pool, visit, &tally, 7);
    for (int32_t i = 0; i < 7; i++)
        CHECK(tally.visits[i] == ROUNDS);
    agora_pool_destroy(pool);
    return 0;
}

static int test_pools_can_be_destroyed_before_and_after_they_worked(void)
{
    for (int i = 0; i < 50; i++) {
        AgoraPool *pool = agora_pool_create(4);
        CHECK(pool);
        if (i % 2) {
            Tally tally = {0};
            agora_pool_run(pool, visit, &tally, MAX_ITEMS);
            CHECK(tally.visits[MAX_ITEMS - 1] == 1);
        }
        agora_pool_destroy(pool);
    }
    agora_pool_destroy(NULL);
    return 0;
}

typedef struct Ends {
    int64_t items;
    int32_t last;
} Ends;

static void note_end(void *argument, int32_t begin, int32_t end)
{
    Ends *ends = argument;
    if (end == INT32_MAX)
        *ends = (Ends){.items = (int64_t)end - begin, .last = end};
}

static int test_ranges_of_the_largest_count_do_not_overflow(void)
{
    AgoraPool *pool = agora_pool_create(7);
    Ends ends = {0};
    CHECK(pool);
    agora_pool_run(pool, note_end, &ends, INT32_MAX);
    CHECK(ends.last == INT32_MAX && ends.items == INT32_MAX - (int64_t)INT32_MAX * 6 / 7);
    agora_pool_destroy(pool);
    return 0;
}

int main(void)
{
    RUN(test_each_item_is_visited_once_in_its_fixed_range);
    RUN(test_rounds_follow_each_other_without_losing_work);
    RUN(test_pools_can_be_destroyed_before_and_after_they_worked);
    RUN(test_ranges_of_the_largest_count_do_not_overflow);
    return NUM_FAILED;
}
