"""Stand-ins of ticket systems: each speaks its system's programming interface, quirks included, over invented
tickets. Standard library only. `base` says how one is written; `../standin` starts one."""

import importlib

KINDS = ("json", "connectwise", "autotask", "halopsa", "zendesk", "freshservice", "jira", "zammad", "glpi")


def find(kind):
    """The StandIn class of a kind; None while nobody has written it."""
    try:
        return importlib.import_module(f"{__name__}.{kind}").StandIn
    except ModuleNotFoundError as missing:
        if missing.name != f"{__name__}.{kind}":
            raise
        return None
