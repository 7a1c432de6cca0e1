"""How often Python looks for cyclic garbage while records pass by the thousand."""

import gc


def spare_collector() -> None:
    """To be called once, by a process that takes readings in, when it has loaded its modules.

    Readings are objects without cycles: looking through them at every 700th, as is Python's default, took a third
    of the time of `bench modbus` and found nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
