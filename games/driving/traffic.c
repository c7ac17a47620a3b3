#include "traffic.h"

#include "controller.h"
#include "driver.h"
#include "regulation.h"
#include "vehicle.h"

#include <string.h>

void traffic_start(Traffic *traffic, const DrivingConfig *config, const Road *road, DrivingState *state)
{
    traffic->config = config;
    traffic->road = road;
    traffic->state = state;
    traffic->dt = 1.0 / config->simulation_frequency;
    traffic->twice_root = 2 * sqrt(config->comfort_acceleration * config->comfort_braking);
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        const double *position = state->positions[i];
        traffic->directions[i] = direction_of(state->headings[i]);
        note_place(traffic, i, lane_locate(&road->lanes[state->lanes[i]], position[0], position[1]));
        traffic->accelerations[i] = 0;
        traffic->slips[i] = (Slip){0, 0};
        traffic->order[i] = traffic->ranks[i] = (uint8_t)i;
    }
    traffic_sort(traffic);
}

/* Insertion, because little changes in a frame. */
void traffic_sort(Traffic *traffic)
{
    uint8_t *order = traffic->order;
    const double(*positions)[2] = (const double(*)[2])traffic->state->positions;
    for (int32_t r = 1; r < traffic->state->num_vehicles; r++) {
        uint8_t i = order[r];
        double x = positions[i][0];
        int32_t at = r;
        for (; at > 0; at--) {
            double before = positions[order[at - 1]][0];
            if (before < x || (before == x && order[at - 1] < i))
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

/* ---- queues ---- */

/* By place along the lane; of equals, the one earlier in the list first. */
static void enqueue(Queue *queue, int32_t who, double along)
{
    int32_t at = queue->count++;
    for (; at > 0; at--) {
        double before = queue->along[at - 1];
        if (before < along || (before == along && queue->who[at - 1] < who))
            break;
        queue->along[at] = before;
        queue->who[at] = queue->who[at - 1];
    }
    queue->along[at] = along;
    queue->who[at] = (uint8_t)who;
}

static void enqueue_if_on(Traffic *traffic, Queue *queue, const Lane *lane, int32_t who)
{
    const double *position = position_of(traffic, who), *box = lane->box;
    if (lane->kind != DRIVING_STRAIGHT && (position[0] < box[0] || position[0] > box[1] || position[1] < box[2] ||
                                           position[1] > box[3]))
        return;
    Place place = lane_locate(lane, position[0], position[1]);
    if (lane_holds(lane, place, 1))
        enqueue(queue, who, place.along);
}

/* Those who follow the x axis are listed backwards, each before the last, the others forwards: either way a lane's list
 * runs in its own direction, and whoever is enqueued goes to the end. */
void traffic_forget_queues(Traffic *traffic)
{
    int32_t count = traffic->state->num_vehicles;
    traffic->queued = 0;
    traffic->num_loose = 0;
    memset(traffic->first_on, NO_MEMBER, (size_t)traffic->road->num_lanes);
    for (int32_t r = 0; r < 2 * count; r++) {
        int32_t i = traffic->order[r < count ? count - 1 - r : r - count], lane = traffic->state->lanes[i];
        if ((traffic->road->lanes[lane].cosine < 0) != (r >= count))
            continue;
        traffic->next_on[i] = traffic->first_on[lane];
        traffic->first_on[lane] = (uint8_t)i;
        if (!traffic->is_alone[i])
            traffic->loose[traffic->num_loose++] = (uint8_t)i;
    }
}

static const Queue *queue_of(Traffic *traffic, int32_t l)
{
    Queue *queue = &traffic->queues[l];
    uint64_t bit = (uint64_t)1 << l;
    if (traffic->queued & bit)
        return queue;
    traffic->queued |= bit;
    queue->count = 0;
    const Lane *lane = &traffic->road->lanes[l];
    for (int32_t i = traffic->first_on[l]; i != NO_MEMBER; i = traffic->next_on[i])
        if (lane_holds(lane, traffic->places[i], 1))
            enqueue(queue, i, traffic->places[i].along);
    for (int32_t k = 0; k < traffic->num_loose; k++)
        if (traffic->state->lanes[traffic->loose[k]] != l)
            enqueue_if_on(traffic, queue, lane, traffic->loose[k]);
    for (int32_t k = 0; k < traffic->road->num_obstacles; k++)
        enqueue_if_on(traffic, queue, lane, DRIVING_MAX_VEHICLES + k);
    for (int32_t q = 0; q < queue->count; q++)
        if (is_vehicle(queue->who[q]) && traffic->state->lanes[queue->who[q]] == l)
            traffic->ranks[queue->who[q]] = (uint8_t)q;
    return queue;
}

/* The first in a queue that is not before `along`. */
static int32_t search(const Queue *queue, double along)
{
    int32_t low = 0, high = queue->count;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (queue->along[middle] < along)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

Neighbours traffic_neighbours(Traffic *traffic, int32_t i, int32_t lane)
{
    const Queue *queue = queue_of(traffic, lane);
    bool is_own = traffic->state->lanes[i] == lane;
    double along = is_own ? traffic->places[i].along : along_lane(traffic, &traffic->road->lanes[lane], i);
    int32_t at = traffic->ranks[i];
    if (!is_own || at >= queue->count || queue->who[at] != i)
        at = search(queue, along);
    while (at > 0 && queue->along[at - 1] >= along)
        at--;
    Neighbours found = {NOBODY, NOBODY};
    if (at > 0) { /* of several abreast behind, the first in the list */
        int32_t rear = at - 1;
        while (rear > 0 && queue->along[rear - 1] == queue->along[rear])
            rear--;
        found.rear = queue->who[rear];
    }
    while (at < queue->count && queue->who[at] == i)
        at++;
    if (at < queue->count) { /* of several abreast ahead, the last in the list */
        int32_t front = at;
        for (int32_t q = at + 1; q < queue->count && queue->along[q] == queue->along[at]; q++)
            front = queue->who[q] == i ? front : q;
        found.front = queue->who[front];
    }
    return found;
}

int32_t traffic_front(Traffic *traffic, int32_t i)
{
    const Queue *queue = queue_of(traffic, traffic->state->lanes[i]);
    int32_t at = traffic->ranks[i];
    bool is_listed = at < queue->count && queue->who[at] == i;
    if (is_listed && at + 1 == queue->count)
        return NOBODY;
    bool is_plain = is_listed && queue->along[at + 1] != queue->along[at] &&
                    (at + 2 == queue->count || queue->along[at + 2] != queue->along[at + 1]);
    return is_plain ? queue->who[at + 1] : traffic_neighbours(traffic, i, traffic->state->lanes[i]).front;
}

void traffic_locate(Traffic *traffic, int32_t i)
{
    DrivingState *state = traffic->state;
    double x = state->positions[i][0], y = state->positions[i][1], heading = state->headings[i];
    const Lane *lane = lane_of(traffic, i);
    if (lane->kind == DRIVING_STRAIGHT) { /* no other lane is as near as this one */
        Place place = lane_locate(lane, x, y);
        double distance = fabs(place.across) + lane_overshoot(lane, place.along);
        if (distance + fabs(wrap_angle(heading - lane->heading)) < lane->clearance) {
            note_place(traffic, i, place);
            return;
        }
    }
    Place place;
    state->lanes[i] = (uint8_t)road_closest_lane(traffic->road, x, y, heading, state->lanes[i], &place);
    note_place(traffic, i, place);
    if (state->kinds[i] == DRIVING_FREE) /* it aims at no lane but its own */
        state->target_lanes[i] = state->lanes[i];
}

/* ---- a frame ---- */

static void decide(Traffic *traffic)
{
    const DrivingState *state = traffic->state;
    traffic_forget_queues(traffic);
    traffic->changing[0] = traffic->changing[1] = 0;
    for (int32_t i = 0; i < state->num_vehicles; i++)
        note_target(traffic, i);
    driver_find_free_accelerations(traffic);
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        if (state->kinds[i] == DRIVING_TRAFFIC)
            driver_act(traffic, i);
        else if (state->kinds[i] == DRIVING_PILOTED)
            controller_act(traffic, i);
    }
}

static void move(Traffic *traffic)
{
    int32_t count = traffic->state->num_vehicles;
    for (int32_t i = 0; i < count; i++)
        vehicle_step(traffic, i);
    traffic_sort(traffic);
    for (int32_t r = 0; r < count; r++)
        traffic->ranks[traffic->order[r]] = (uint8_t)r;
    vehicles_collide(traffic);
}

void traffic_advance(Traffic *traffic)
{
    decide(traffic);
    if (traffic->config->is_regulated)
        regulation_enforce(traffic);
    move(traffic);
}
