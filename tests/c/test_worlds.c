/* What core/game.h asks of every world, checked over a run of every case. */
#include "cases.h"
#include "check.h"
#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUM_ENVS = 8, NUM_TURNS = 300, SEED = 9 };

static Rig *start(const Case *one, AgoraAutoreset autoreset)
{
    Rig *rig = rig_create(one->world, one->config, NUM_ENVS, 1, autoreset);
    agora_batch_seed(rig->batch, SEED, 0);
    agora_batch_reset(rig->batch, NULL);
    return rig;
}

static size_t num_slots(const Rig *rig, int32_t g) { return NUM_ENVS * (size_t)rig->groups[g].num_agents; }

static int check_observations(const AgoraGroup *group, const void *observations, size_t slots)
{
    size_t count = slots * rig_observation_count(group);
    for (size_t i = 0; i < count; i++) {
        float value = group->observation_dtype == AGORA_U8 ? (float)((const uint8_t *)observations)[i]
                                                            : ((const float *)observations)[i];
        CHECK(value >= group->observation_low && value <= group->observation_high);
    }
    return 0;
}

static int check_flags(const AgoraArrays *arrays, size_t slots)
{
    for (size_t i = 0; i < slots; i++) {
        CHECK(arrays->terminations[i] <= 1 && arrays->truncations[i] <= 1 && arrays->alive[i] <= 1);
        CHECK(!(arrays->terminations[i] && arrays->truncations[i]));
        CHECK(isfinite(arrays->rewards[i]));
    }
    return 0;
}

/* Each part of each agent has flags 0 or 1 and at least one legal choice. */
static int check_masks(const AgoraGroup *group, const uint8_t *mask, size_t slots)
{
    for (size_t i = 0; i < slots && mask; i++)
        for (int32_t part = 0; part < group->action_parts; part++) {
            int32_t legal = 0;
            for (int32_t k = 0; k < group->choices[part]; k++, mask++) {
                CHECK(*mask <= 1);
                legal += *mask;
            }
            CHECK(legal > 0);
        }
    return 0;
}

static int check_arrays(const Rig *rig)
{
    for (int32_t g = 0; g < rig->num_groups; g++) {
        const AgoraArrays *arrays = &rig->arrays[g];
        CHECK(check_observations(&rig->groups[g], arrays->observations, num_slots(rig, g)) == 0);
        CHECK(check_flags(arrays, num_slots(rig, g)) == 0);
        CHECK(check_masks(&rig->groups[g], arrays->action_masks, num_slots(rig, g)) == 0);
        for (int32_t i = 0; i < rig->groups[g].num_infos; i++)
            for (size_t slot = 0; slot < num_slots(rig, g); slot++)
                CHECK(isfinite(arrays->infos[i][slot]));
    }
    return 0;
}

static int test_observations_flags_and_masks_keep_to_their_spaces(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        Rig *rig = start(&CASES[c], AGORA_DISABLED);
        CHECK(check_arrays(rig) == 0);
        for (uint64_t t = 0; t < NUM_TURNS; t++) {
            if (rig_step(rig, 0, t) > 0) {
                CHECK(check_arrays(rig) == 0);
                agora_batch_reset(rig->batch, rig->log.ended);
            }
            CHECK(check_arrays(rig) == 0);
        }
        rig_destroy(rig);
    }
    return 0;
}

static int test_states_of_a_run_are_valid_to_their_own_world(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        AgoraError error = {""};
        Rig *rig = start(&CASES[c], AGORA_NEXT_STEP);
        for (uint64_t t = 0; t < NUM_TURNS; t++) {
            rig_step(rig, 0, t);
            for (int32_t e = 0; e < NUM_ENVS; e++)
                if (!rig->world->check_state(agora_batch_context(rig->batch), agora_batch_state(rig->batch, e), &error)) {
                    printf("%s, turn %d: %s\n", CASES[c].label, (int)t, error.text);
                    return 1;
                }
        }
        rig_destroy(rig);
    }
    return 0;
}

/* The arrays are filled with other bytes before the two steps of a pair; what comes out must be the same. */
static int test_a_step_writes_all_that_it_must_and_reads_only_actions(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        Rig *a = start(&CASES[c], AGORA_SAME_STEP), *b = start(&CASES[c], AGORA_SAME_STEP);
        AgoraError error;
        for (uint64_t t = 0; t < NUM_TURNS; t++) {
            rig_choose(a, 0, t);
            rig_choose(b, 0, t);
            rig_poison(a, 0x00);
            rig_poison(b, 0xFF);
            CHECK(agora_batch_step(a->batch, &error) >= 0 && agora_batch_step(b->batch, &error) >= 0);
            for (int32_t e = 0; e < NUM_ENVS; e++)
                CHECK(rig_hash_env(a, e, 0) == rig_hash_env(b, e, 0));
        }
        rig_destroy(a);
        rig_destroy(b);
    }
    return 0;
}

static int test_observe_depends_on_the_state_alone(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP);
        AgoraError error;
        for (uint64_t t = 0; t < 30; t++) {
            rig_step(rig, 0, t);
            for (int32_t e = 0; e < NUM_ENVS; e++) {
                uint64_t before = rig_hash_env(rig, e, 0);
                void *copy = malloc(rig->world->state_size);
                memcpy(copy, agora_batch_state(rig->batch, e), rig->world->state_size);
                CHECK(agora_batch_set_state(rig->batch, e, copy, &error)); /* observes again */
                CHECK(rig_hash_env(rig, e, 0) == before);
                free(copy);
            }
        }
        rig_destroy(rig);
    }
    return 0;
}

static size_t field_size(const AgoraField *field)
{
    size_t size = agora_dtype_size(field->dtype);
    for (int32_t i = 0; i < field->rank; i++)
        size *= (size_t)field->shape[i];
    return size;
}

static int check_layout(const AgoraField *fields, int32_t count, size_t struct_size)
{
    for (int32_t i = 0; i < count; i++) {
        size_t size = fields[i].is_span ? sizeof(AgoraSpan) : field_size(&fields[i]);
        size_t unit = fields[i].is_span ? sizeof(void *) : agora_dtype_size(fields[i].dtype);
        CHECK(fields[i].rank >= 0 && fields[i].rank <= AGORA_MAX_RANK);
        CHECK(fields[i].offset + size <= struct_size && fields[i].offset % unit == 0);
        for (int32_t j = 0; j < i; j++) {
            size_t other = fields[j].is_span ? sizeof(AgoraSpan) : field_size(&fields[j]);
            CHECK(strcmp(fields[i].name, fields[j].name) != 0);
            CHECK(fields[i].offset >= fields[j].offset + other || fields[j].offset >= fields[i].offset + size);
        }
    }
    return 0;
}

static int test_fields_lie_inside_their_struct_without_overlap(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        const AgoraWorld *world = CASES[c].world;
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP);
        AgoraField fields[AGORA_MAX_FIELDS];
        int32_t count = world->state_fields(agora_batch_context(rig->batch), fields), config_count = 0;
        CHECK(count > 0 && count <= AGORA_MAX_FIELDS);
        CHECK(check_layout(fields, count, world->state_size) == 0);
        while (world->config_fields[config_count].name)
            config_count++;
        CHECK(check_layout(world->config_fields, config_count, world->config_size) == 0);
        rig_destroy(rig);
    }
    return 0;
}

static int check_group(const AgoraGroup *group)
{
    CHECK(group->name[0] && group->agent_name[0]);
    CHECK(group->num_agents >= 1 && group->num_agents <= AGORA_MAX_AGENTS && group->first_agent >= 0);
    CHECK(group->observation_dtype == AGORA_U8 || group->observation_dtype == AGORA_F32);
    CHECK(group->observation_rank >= 0 && group->observation_rank <= AGORA_MAX_RANK);
    CHECK(rig_observation_count(group) > 0 && group->observation_low <= group->observation_high);
    CHECK(group->action_parts >= 1 && group->action_parts <= AGORA_MAX_ACTION_PARTS);
    CHECK(group->action_kind != AGORA_DISCRETE || group->action_parts == 1);
    CHECK(group->action_kind != AGORA_CONTINUOUS || !group->has_action_mask);
    for (int32_t part = 0; part < group->action_parts; part++)
        CHECK(group->action_kind == AGORA_CONTINUOUS ? group->action_low[part] <= group->action_high[part]
                                                     : group->choices[part] >= 1);
    CHECK(group->num_infos >= 0 && group->num_infos <= AGORA_MAX_INFOS);
    return 0;
}

static int test_groups_keep_to_the_limits_and_have_names_of_their_own(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP);
        CHECK(rig->num_groups >= 1 && rig->num_groups <= AGORA_MAX_GROUPS);
        for (int32_t g = 0; g < rig->num_groups; g++) {
            CHECK(check_group(&rig->groups[g]) == 0);
            for (int32_t h = 0; h < g; h++)
                CHECK(strcmp(rig->groups[g].name, rig->groups[h].name) != 0);
        }
        CHECK(rig->world->num_statistics >= 0 && rig->world->num_statistics <= AGORA_MAX_STATISTICS);
        rig_destroy(rig);
    }
    return 0;
}

typedef struct Ends {
    int64_t terminations, truncations, steps_with_both, slots_empty_at_the_start;
} Ends;

static void count_ends(const Rig *rig, int32_t env, Ends *ends)
{
    int64_t terminations = 0, truncations = 0;
    for (int32_t g = 0; g < rig->num_groups; g++)
        for (int32_t p = 0; p < rig->groups[g].num_agents; p++) {
            terminations += rig->arrays[g].terminations[env * rig->groups[g].num_agents + p];
            truncations += rig->arrays[g].truncations[env * rig->groups[g].num_agents + p];
        }
    ends->terminations += terminations;
    ends->truncations += truncations;
    ends->steps_with_both += terminations > 0 && truncations > 0;
}

static int test_the_probe_meets_every_kind_of_end(void)
{
    Ends ends = {0};
    for (int32_t c = 0; c < NUM_CASES; c++) {
        if (strcmp(CASES[c].label, "probe: defaults") != 0)
            continue;
        Rig *rig = start(&CASES[c], AGORA_SAME_STEP);
        for (size_t i = 0; i < num_slots(rig, 0); i++)
            ends.slots_empty_at_the_start += !rig->arrays[0].alive[i];
        for (uint64_t t = 0; t < 8 * NUM_TURNS; t++) {
            rig_step(rig, 0, t);
            for (int32_t e = 0; e < NUM_ENVS; e++)
                count_ends(rig, e, &ends);
        }
        rig_destroy(rig);
    }
    CHECK(ends.terminations > 0 && ends.truncations > 0);
    CHECK(ends.steps_with_both > 0 && ends.slots_empty_at_the_start > 0);
    return 0;
}

int main(void)
{
    RUN(test_observations_flags_and_masks_keep_to_their_spaces);
    RUN(test_states_of_a_run_are_valid_to_their_own_world);
    RUN(test_a_step_writes_all_that_it_must_and_reads_only_actions);
    RUN(test_observe_depends_on_the_state_alone);
    RUN(test_fields_lie_inside_their_struct_without_overlap);
    RUN(test_groups_keep_to_the_limits_and_have_names_of_their_own);
    RUN(test_the_probe_meets_every_kind_of_end);
    return NUM_FAILED;
}
