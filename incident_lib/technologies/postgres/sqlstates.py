"""The codes of PostgreSQL that lead to no class of errors by themselves, and why. A test compares them."""

_CLIENT = "the statement or its values are wrong, which is its client's affair"
_STEP = "a rule of the protocol between a client and the server, which is its client's affair"
_WORDS = "its message says which of several causes it is, and is judged by its words"
_RARE = "no version writes it by itself"

# By the first two characters of a code: no code of these classes says that the server is ill.
NOT_JUDGED_CLASSES = {
    "00": "success", "01": "a warning", "02": "no data, which is an answer", "03": _STEP, "09": _CLIENT,
    "0A": "the statement asks for what this version does not have", "0B": _STEP, "0F": _CLIENT, "0L": _CLIENT,
    "0P": _CLIENT, "0Z": _STEP, "10": _CLIENT, "20": _CLIENT, "21": _CLIENT, "22": _CLIENT, "23": _CLIENT,
    "24": _STEP, "27": _CLIENT, "2B": _CLIENT, "2D": _STEP, "2F": _CLIENT, "34": _STEP, "38": _CLIENT,
    "39": _CLIENT, "3B": _STEP, "3F": _CLIENT, "42": _CLIENT, "44": _CLIENT,
    "72": "a snapshot was too old, which versions before 17 report where a setting allows it",
    "HV": "another server behind a foreign table fails, in words of its own",
    "P0": "a function of the team raised it, in words of its own",
}  # fmt: skip

# Of the classes that say something of the server or of the way to it, each code that is not judged.
NOT_JUDGED = {
    **dict.fromkeys(("08000", "08001", "08003", "08004", "08006", "08007"), _WORDS),
    "08P01": _STEP,
    **dict.fromkeys(
        ("25000", "25001", "25002", "25003", "25004", "25005", "25007", "25008", "25P01"), _STEP
    ),
    "25P04": _WORDS,
    "28000": _WORDS,
    "40000": _RARE, "40002": _RARE, "40003": _RARE,
    "53000": _RARE,
    **dict.fromkeys(("54000", "54001", "54011", "54023"), _CLIENT),
    "55000": _WORDS, "55006": _WORDS, "55P02": _CLIENT, "55P04": _CLIENT,
    "57000": _RARE, "57014": _WORDS, "57P04": _WORDS, "57P05": _WORDS,
    "58000": _WORDS, "58030": _WORDS, "58P01": _WORDS, "58P02": _WORDS, "58P03": _CLIENT,
    "F0000": _WORDS, "F0001": _WORDS,
    "XX000": _WORDS,
}  # fmt: skip
