"""Teams the engine's tests play with."""

STANDARD = [
    ("Tauros", ["Body Slam", "Hyper Beam", "Earthquake", "Blizzard"]),
    ("Chansey", ["Ice Beam", "Thunder Wave", "Soft-Boiled", "Sing"]),
    ("Snorlax", ["Body Slam", "Rest", "Reflect", "Self-Destruct"]),
    ("Exeggutor", ["Sleep Powder", "Psychic", "Explosion", "Stun Spore"]),
    ("Starmie", ["Blizzard", "Thunderbolt", "Thunder Wave", "Recover"]),
    ("Rhydon", ["Earthquake", "Rock Slide", "Substitute", "Body Slam"]),
]
ODD = [
    ("Dragonite", ["Wrap", "Agility", "Blizzard", "Hyper Beam"]),
    ("Ditto", ["Transform"]),
    ("Clefable", ["Metronome", "Sing", "Counter", "Mimic"]),
    ("Porygon", ["Conversion", "Recover", "Thunder Wave", "Psywave"]),
    ("Vaporeon", ["Haze", "Surf", "Rest", "Mist"]),
    ("Pidgeot", ["Mirror Move", "Sky Attack", "Agility", "Rage"]),
]
