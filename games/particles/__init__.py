"""Particle worlds: discs that push, see and speak, by the rules of mpe2. See README.md beside this file."""

from games.particles.crowds import (
    AdversarialConfig,
    CrowdConfig,
    FoodCollectionConfig,
    GrasslandConfig,
    ResourceOccupationConfig,
    TreasureCollectionConfig,
)
from games.particles.entities import EntityLayout, EntityViews
from games.particles.populations import set_populations
from games.particles.scenarios import (
    AdversaryConfig,
    CryptoConfig,
    PushConfig,
    ReferenceConfig,
    SimpleConfig,
    SpeakerListenerConfig,
    SpreadConfig,
    TagConfig,
    WorldCommConfig,
)
from games.particles.settings import Body, ParticlesConfig
from games.spec import EnvSpec, register

__all__ = [
    "AdversarialConfig",
    "AdversaryConfig",
    "Body",
    "CrowdConfig",
    "CryptoConfig",
    "EntityLayout",
    "EntityViews",
    "FoodCollectionConfig",
    "GrasslandConfig",
    "ParticlesConfig",
    "PushConfig",
    "ReferenceConfig",
    "ResourceOccupationConfig",
    "SimpleConfig",
    "SpeakerListenerConfig",
    "SpreadConfig",
    "TagConfig",
    "TreasureCollectionConfig",
    "WorldCommConfig",
    "set_populations",
]

_SPECS: tuple[tuple[type[ParticlesConfig], str], ...] = (
    (SimpleConfig, "one agent should go to one landmark"),
    (SpreadConfig, "three agents should stand on three landmarks without running into each other"),
    (TagConfig, "three adversaries chase a faster agent between obstacles"),
    (AdversaryConfig, "two agents should reach a goal without showing an adversary which of two it is"),
    (PushConfig, "an agent should be at a goal, an adversary should keep it away"),
    (SpeakerListenerConfig, "a speaker who knows the goal leads a listener there"),
    (ReferenceConfig, "two agents lead each other by words"),
    (CryptoConfig, "Alice tells Bob a bit that Eve should not understand; nobody moves"),
    (WorldCommConfig, "tag with food, with forests to hide in and with a leader who sees all and speaks"),
    (ResourceOccupationConfig, "six agents share out six places of different worth"),
    (TreasureCollectionConfig, "six collectors bring treasures of two kinds to two banks, which move too"),
    (GrasslandConfig, "two wolves hunt three faster sheep, who graze; who is caught is out"),
    (AdversarialConfig, "two teams of four over the same food; two together take out one of the others"),
    (FoodCollectionConfig, "three agents should be at three pellets at once without running into each other"),
)
for _config_class, _description in _SPECS:
    register(EnvSpec(f"particles/{_config_class.scenario}_v0", _config_class, {}, _description))
