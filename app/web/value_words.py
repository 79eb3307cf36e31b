"""What is said of a value that cannot be accepted: what it must be, and nothing of what it was."""

from collections.abc import Mapping

TIME = "Write the time with its zone, as 2026-12-31T00:00:00Z."
WHOLE_NUMBER = "This must be a whole number."
OBJECT = "This must be a JSON object."

FIXED = {
    "missing": "This is required.",
    "extra_forbidden": "There is no field of this name.",
    "json_invalid": "The body is not valid JSON.",
    "string_unicode": "This holds characters that are not text.",
    "string_type": "This must be text.",
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_parsing_size": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "timezone_aware": TIME,
    "datetime_type": TIME,
    "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME,
}

WITH_LIMIT = {
    "greater_than_equal": "The least is {ge}.",
    "less_than_equal": "The most is {le}.",
    "string_too_long": "This may have up to {max_length} characters.",
    "too_long": "This may hold up to {max_length} values.",
    "string_pattern_mismatch": "This must be written as {pattern} has it.",
    "enum": "This must be {expected}.",
    "literal_error": "This must be {expected}.",
}

EMPTY = "This must not be empty."
TOO_SHORT = {
    "string_too_short": "This must have at least {min_length} characters.",
    "too_short": "This must hold at least {min_length} values.",
}


def sentence(kind: str, limits: Mapping[str, object], otherwise: str) -> str:
    """Return what a value of a request must be; of a kind that has no words here, `otherwise`."""
    if kind in FIXED:
        return FIXED[kind]
    if kind in TOO_SHORT:
        return EMPTY if limits["min_length"] == 1 else TOO_SHORT[kind].format_map(limits)
    if kind in WITH_LIMIT:
        return WITH_LIMIT[kind].format_map(limits)
    return otherwise.removeprefix("Value error, ").rstrip(".") + "."
