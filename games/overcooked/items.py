"""The codes of overcooked.h for items, actions and events, with their names."""

from __future__ import annotations

from collections.abc import Sequence

MAX_INGREDIENTS = 3
ORIENTATIONS = ("north", "south", "east", "west")
ACTIONS = (*ORIENTATIONS, "stay", "interact")
INGREDIENTS = ("onion", "tomato")
ITEMS = ("nothing", *INGREDIENTS, "dish")
SOUP = 64

# In the order of OvercookedEvent, which is that of overcooked-ai's EVENT_TYPES.
EVENTS = (
    "tomato_pickup",
    "useful_tomato_pickup",
    "tomato_drop",
    "useful_tomato_drop",
    "potting_tomato",
    "onion_pickup",
    "useful_onion_pickup",
    "onion_drop",
    "useful_onion_drop",
    "potting_onion",
    "dish_pickup",
    "useful_dish_pickup",
    "dish_drop",
    "useful_dish_drop",
    "soup_pickup",
    "soup_delivery",
    "soup_drop",
    "optimal_onion_potting",
    "optimal_tomato_potting",
    "viable_onion_potting",
    "viable_tomato_potting",
    "catastrophic_onion_potting",
    "catastrophic_tomato_potting",
    "useless_onion_potting",
    "useless_tomato_potting",
)


def encode_item(name: str, ingredients: Sequence[str] = ()) -> int:
    """Returns the code of an item.

    Args:
        name: "onion", "tomato", "dish" or "soup".
        ingredients: Of a soup, one to three of "onion" and "tomato" in the order they went in.

    Raises:
        ValueError: No such item.
    """
    if name != "soup":
        if not isinstance(name, str) or name not in ITEMS[1:]:
            raise ValueError(f"unknown item {name!r}; known: onion, tomato, dish, soup")
        return ITEMS.index(name)
    is_list = isinstance(ingredients, Sequence) and not isinstance(ingredients, str)
    if not (is_list and 1 <= len(ingredients) <= MAX_INGREDIENTS and all(i in INGREDIENTS for i in ingredients)):
        raise ValueError(f"a soup has a list of one to three of onion and tomato, got {ingredients!r}")
    return SOUP + sum((INGREDIENTS.index(name) + 1) << (2 * place) for place, name in enumerate(ingredients))


def decode_ingredients(item: int) -> list[str]:
    """Returns the ingredients of a soup in the order they went in."""
    codes = [(int(item) >> (2 * place)) & 3 for place in range(MAX_INGREDIENTS)]
    return [INGREDIENTS[code - 1] for code in codes if code]


def item_name(item: int) -> str:
    """Returns "nothing", "onion", "tomato", "dish" or "soup"."""
    return "soup" if item >= SOUP else ITEMS[item]


def event_names(events: int) -> list[str]:
    """Returns the names of the events in a bit set."""
    return [name for bit, name in enumerate(EVENTS) if int(events) >> bit & 1]
