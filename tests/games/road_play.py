"""Roads with cars in given places: what the tests of driving share."""

import numpy as np

import games

AGENT, TRAFFIC = 2, 1
FAR = 9000.0  # m down the highway, out of everybody's sight


def make(env_id="highway", **settings):
    batch = games.make_batch(f"driving/{env_id}_v0", 1, autoreset="disabled", **settings)
    batch.reset()
    return batch


def open_road(lanes=2, others=2, **settings):
    """A highway of ten frames a second, a step each, with as many agents and others as asked for."""
    frequency = {"simulation_frequency": 10, "policy_frequency": 10, "horizon": 400}
    return make(lanes_count=lanes, vehicles_count=others, **(frequency | settings))


def place(batch, *cars):
    """Puts the cars on the road: (x, y, speed) and, if need be, further fields by name; agents first."""
    fields = batch.fields(0)
    agents = len(batch.agents)
    count = fields["num_vehicles"]
    assert count == len(cars)
    for i, (x, y, speed, *more) in enumerate(cars):
        values = {"positions": (x, y), "headings": 0.0, "speeds": speed, "lanes": 0 if y < 2 else 1}
        values |= {
            "target_lanes": values["lanes"],
            "target_speeds": speed,
            "timers": 0.0,
            "exponents": 4.0 * (i >= agents),
        }
        for name, value in (values | (more[0] if more else {})).items():
            fields[name][i] = value
    fields["kinds"][:count] = [AGENT if i < agents else TRAFFIC for i in range(count)]
    fields["changes_lanes"][:count] = [0 if i < agents else fields["changes_lanes"][i] for i in range(count)]
    fields["agent_vehicles"][:] = range(agents)
    batch.load_fields(0, fields)
    return batch


def idle(batch):
    return np.ones_like(batch.actions)
