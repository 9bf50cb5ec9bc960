"""The demo people and chats that `seed_demo` makes."""

PASSWORD = "demo"  # noqa: S105 - only where DEBUG is on
PEOPLE = {
    "demo1": "Ada Almond",
    "demo2": "Ben Birch",
    "demo3": "Чара Черешня",
    "demo4": "Dana Dogwood",
    "demo5": "Eli Elm",
}
COMPANY = "Grove & Sons"
CHATS: dict[str, list[tuple[str, str]]] = {
    "Tea kitchen": [
        ("demo1", "Good morning! The kettle is fixed."),
        ("demo2", "Finally. Who do I thank?"),
        ("demo3", "Это Дана починила :)"),
        ("demo4", "It only wanted a new fuse."),
        ("demo5", "Cake at three, everybody."),
    ],
    "Orchard project": [
        ("demo2", "The plan for the north field is at https://example.org/plan"),
        ("demo1", "I read it twice. Two questions:\n1. who waters?\n2. when do we start?"),
        ("demo2", "Eli waters. We start on Monday."),
        ("demo5", "I do? Then I want a hat."),
    ],
    "Night shift": [
        ("demo4", "Gate 3 sticks again, use gate 2."),
        ("demo5", "Seen. I left the lamp on for you."),
    ],
}
