#include "roster.h"

#include "controller.h"

#include <string.h>

#define USUAL_EXPONENT 4.0 /* of the driver model; some scenes draw it */

int32_t roster_add(DrivingState *state, const DrivingConfig *config, const Road *road, DrivingKind kind,
                   const double position[2], double heading, double speed)
{
    int32_t i = state->num_vehicles++;
    Place place;
    state->kinds[i] = (uint8_t)kind;
    state->positions[i][0] = position[0];
    state->positions[i][1] = position[1];
    state->headings[i] = heading;
    state->speeds[i] = speed;
    state->lanes[i] = (uint8_t)road_closest_lane(road, position[0], position[1], heading, 0, &place);
    state->target_lanes[i] = state->lanes[i];
    state->route_lengths[i] = -1;
    if (kind == DRIVING_TRAFFIC) {
        double place_in_cycle = (position[0] + position[1]) * DRIVING_PI;
        state->target_speeds[i] = speed;
        state->timers[i] = place_in_cycle - floor(place_in_cycle);
        state->exponents[i] = USUAL_EXPONENT;
        state->changes_lanes[i] = 1;
    } else if (kind == DRIVING_PILOTED) {
        int32_t index = controller_speed_index(config, speed);
        state->speed_indices[i] = (uint8_t)index;
        state->target_speeds[i] = ((const double *)config->target_speeds.data)[index];
    }
    return i;
}

int32_t roster_add_on(DrivingState *state, const DrivingConfig *config, const Road *road, DrivingKind kind, int32_t lane,
                      double along, double speed)
{
    double position[2];
    lane_position(&road->lanes[lane], (Place){along, 0}, position);
    return roster_add(state, config, road, kind, position, lane_heading(&road->lanes[lane], along), speed);
}

DrivingKind roster_kind(const DrivingConfig *config)
{
    return config->actions == DRIVING_CONTINUOUS ? DRIVING_FREE : DRIVING_PILOTED;
}

void roster_seat(DrivingState *state, const Road *road, int32_t agent, int32_t vehicle)
{
    state->agent_vehicles[agent] = (int16_t)vehicle;
    state->view_lanes[agent] = (uint8_t)road->lanes[state->lanes[vehicle]].siblings;
    state->min_time_gaps[agent] = state->min_times_to_collision[agent] = DRIVING_MAX_TIME_S;
}

bool roster_is_full(const DrivingState *state, const DrivingConfig *config)
{
    return state->num_vehicles >= config->max_vehicles;
}

/* Closes the gap at `i` in one of the state's arrays and zeroes what was its last entry. */
#define CLOSE_GAP(member)                                                                                              \
    do {                                                                                                               \
        memmove(&state->member[i], &state->member[i + 1], (size_t)(last - i) * sizeof state->member[0]);               \
        memset(&state->member[last], 0, sizeof state->member[0]);                                                      \
    } while (0)

void roster_remove(DrivingState *state, const DrivingConfig *config, int32_t i)
{
    int32_t last = --state->num_vehicles;
    CLOSE_GAP(positions);
    CLOSE_GAP(headings);
    CLOSE_GAP(speeds);
    CLOSE_GAP(target_speeds);
    CLOSE_GAP(timers);
    CLOSE_GAP(exponents);
    CLOSE_GAP(impacts);
    CLOSE_GAP(routes);
    CLOSE_GAP(route_lengths);
    CLOSE_GAP(kinds);
    CLOSE_GAP(lanes);
    CLOSE_GAP(target_lanes);
    CLOSE_GAP(crashed);
    CLOSE_GAP(has_impact);
    CLOSE_GAP(changes_lanes);
    CLOSE_GAP(is_yielding);
    CLOSE_GAP(speed_indices);
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        int16_t *vehicle = &state->agent_vehicles[agent];
        *vehicle = (int16_t)(*vehicle == i ? NO_VEHICLE : *vehicle > i ? *vehicle - 1 : *vehicle);
    }
}
